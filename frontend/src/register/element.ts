import { LitElement, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import type { Guest } from "../extension";
import type { Hass } from "../model";
import type { Session } from "../response";
import type { Room } from "./room";
import { translator } from "./texts";
import { TwiceButton } from "../twice";

/** What of Home Assistant is shown; its object is a new one with every state of the house. */
const SHOWN: (keyof Hass)[] = ["connection", "connected", "language", "locale", "areas", "localize", "config"];

type Elements = Record<string, CustomElementConstructor>;
/** Each page is a file of its own. */
const LOAD: Record<string, () => Promise<Elements>> = {
  units: async () => ({ "cs-units": (await import("./units")).UnitsPage }),
  unit: async () => (await import("./unit")).elements,
  person: async () => (await import("./person")).elements,
  duty: async () => ({ "cs-duty": (await import("./duty")).DutyPage }),
  audit: async () => ({ "cs-audit": (await import("./audit")).AuditPage }),
  mine: async () => ({ "cs-mine": (await import("./mine")).MinePage }),
};

function define(elements: Elements): void {
  for (const [name, element] of Object.entries(elements)) {
    if (!customElements.get(name)) {
      customElements.define(name, element);
    }
  }
}

/** Shows the page of an address. */
export class Router extends LitElement implements Guest {
  @property({ attribute: false }) hass!: Hass;
  @property({ attribute: false }) session!: Session;
  @property() path = "";
  @property({ type: Boolean }) dark = false;
  @property({ type: Boolean }) narrow = false;
  @property({ type: Boolean }) locked = false;
  href!: (path: string) => string;
  go!: (path: string) => void;
  now!: () => number;
  incidentIn!: (areaId: string | null) => string | null;
  @state() private failed = "";
  private readonly loaded = new Set<string>();
  private room!: Room;

  constructor() {
    super();
    define({ "cs-twice": TwiceButton });
    this.addEventListener("search", () => {
      // The page may still have to be loaded.
      void this.updateComplete.then(() => {
        this.renderRoot.querySelector("cs-units")?.dispatchEvent(new CustomEvent("search"));
      });
    });
  }

  protected override shouldUpdate(changed: Map<PropertyKey, unknown>): boolean {
    if (changed.size === 1 && changed.has("hass")) {
      const before = changed.get("hass") as Hass | undefined;
      return !before || SHOWN.some((key) => before[key] !== this.hass[key]);
    }
    return true;
  }

  protected override willUpdate(): void {
    const { hass, session, dark, narrow, locked, href, go } = this;
    this.room = {
      ...{ hass, session, dark, narrow, locked, href, go },
      now: () => this.now(),
      incidentIn: (areaId) => this.incidentIn(areaId),
      t: translator(hass.language),
    };
  }

  override render() {
    const [, page = "", id = "", entryId] = this.path.split("/").map(decodeURIComponent);
    const load = LOAD[page];
    if (!load) {
      return nothing;
    }
    if (!this.loaded.has(page)) {
      load().then(
        (elements) => {
          define(elements);
          this.loaded.add(page);
          this.failed = "";
          this.requestUpdate();
        },
        (error: unknown) => {
          // After an update the files of before are gone.
          this.failed = error instanceof Error ? error.message : String(error);
        },
      );
      return this.failed
        ? html`<p role="alert">${this.room.t("page_failed", { reason: this.failed })}</p>`
        : html`<p>${this.room.t("waiting")}</p>`;
    }
    return this.page(page, id, entryId ?? null);
  }

  private page(page: string, id: string, entryId: string | null): TemplateResult | typeof nothing {
    const { room, narrow } = this;
    switch (page) {
      case "units":
        return html`<cs-units .room=${room} .narrow=${narrow}></cs-units>`;
      case "unit":
        return html`<cs-unit .room=${room} .narrow=${narrow} .unitId=${id} .entryId=${entryId}></cs-unit>`;
      case "person":
        return html`<cs-person .room=${room} .narrow=${narrow} .personId=${id} .entryId=${entryId}></cs-person>`;
      case "duty":
        return html`<cs-duty .room=${room} .narrow=${narrow}></cs-duty>`;
      case "audit":
        return html`<cs-audit .room=${room} .narrow=${narrow} .about=${id} .aboutId=${entryId}></cs-audit>`;
      case "mine":
        return html`<cs-mine .room=${room} .narrow=${narrow}></cs-mine>`;
      default:
        return nothing;
    }
  }
}
