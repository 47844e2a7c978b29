import { LitElement } from "lit";
import { property } from "lit/decorators.js";
import type { Guest } from "../extension";
import type { Hass } from "../model";
import type { Session } from "../response";
import { isShown } from "../shown";
import type { Room } from "./room";
import { fetchTexts, hasTexts, translator } from "./texts";

/** An element of the register in the control room: what it is told there is its room. */
export abstract class GuestElement extends LitElement implements Guest {
  @property({ attribute: false }) hass!: Hass;
  @property({ attribute: false }) session!: Session;
  @property() path = "";
  @property({ type: Boolean }) dark = false;
  @property({ type: Boolean }) narrow = false;
  @property({ type: Boolean }) locked = false;
  @property({ type: Boolean }) hasDoors = false;
  href!: (path: string) => string;
  go!: (path: string) => void;
  now!: () => number;
  incidentIn!: (areaId: string | null) => string | null;
  room!: Room;
  /** The language whose texts are asked for. */
  private asked: string | null = null;

  protected override shouldUpdate(changed: Map<PropertyKey, unknown>): boolean {
    const { language } = this.hass;
    if (!hasTexts(language)) {
      if (this.asked !== language) {
        this.asked = language;
        fetchTexts(language).then(
          () => {
            this.asked = null;
            this.requestUpdate();
          },
          (error: unknown) => {
            // As its code may be: after an update the files of before are gone. It is asked again with the next change.
            this.asked = null;
            console.error(error);
          },
        );
      }
      return false;
    }
    return isShown(changed, this.hass);
  }

  protected override willUpdate(): void {
    const { hass, session, dark, narrow, locked, hasDoors, href, go } = this;
    this.room = {
      ...{ hass, session, dark, narrow, locked, hasDoors, href, go },
      now: () => this.now(),
      incidentIn: (areaId) => this.incidentIn(areaId),
      t: translator(hass.language),
    };
  }
}
