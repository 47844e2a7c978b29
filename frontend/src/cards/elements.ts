/** What the cards show: the pages of the control room, each by itself. */

import { css, html, nothing } from "lit";
import { property, query } from "lit/decorators.js";
import { Connected } from "../connected";
// It is one file with what is taken of it.
import "../panel";
import type { Context } from "../context";
import { define } from "../define";
import type { Feed } from "../feed";
import { clock } from "../format";
import type { Hass, Incident } from "../model";
import type { NowPage } from "../now";
import { byUrgency } from "../order";
import { devicesIn } from "../register/flat";
import "../site/map";
import { fetchTexts } from "../site/texts";
import { common, tokens } from "../styles";
import "../work";
import type { Config } from "./kinds";

/** From so many CSS pixels on, a card is no phone. */
const WIDE_PIXELS = 800;

/** A card: as the control room, without its frame, its sound and its keys. */
abstract class Card extends Connected {
  @property({ attribute: false }) config: Config = {};
  @query("cs-now") private now?: NowPage | null;
  private readonly sizes = new ResizeObserver(([entry]) => {
    this.narrow = (entry?.contentRect.width ?? 0) < WIDE_PIXELS;
  });

  override connectedCallback(): void {
    super.connectedCallback();
    this.sizes.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.sizes.disconnect();
  }

  /** Before it is handed anything there is nothing to draw. */
  protected override shouldUpdate(changed: Map<PropertyKey, unknown>): boolean {
    return (this.hass as Hass | undefined) !== undefined && super.shouldUpdate(changed);
  }

  protected override took({ book }: Feed): void {
    this.now?.take(book.ended);
  }

  protected abstract content(context: Context): unknown;

  protected override page(context: Context) {
    const { t, age, book } = context;
    const error = this.feed?.error;
    return html`<section class="card ${age}">
      ${error
        ? html`<p class="old" role="alert">${t("loading_failed", { reason: error })}</p>`
        : age === "stale"
          ? html`<p class="old" role="alert">${t("stale", { time: clock(context.hass, book.truth ?? 0) })}</p>`
          : age === "checking"
            ? html`<p role="alert">${t("checking")}</p>`
            : nothing}
      ${context.peopleOld && age !== "stale" ? html`<p role="alert">${t("people_old")}</p>` : nothing}
      ${age === "waiting" ? html`<p class="quiet" role="status">${t("waiting")}</p>` : this.content(context)}
    </section>`;
  }

  /** Is an incident in the place or the building that was chosen? All are where none was. */
  protected where({ hass }: Context): (incident: Incident) => boolean {
    const { area, floor } = this.config;
    return ({ area_id: at }) => (!area || at === area) && (!floor || (at !== null && hass.areas[at]?.floor_id === floor));
  }

  /** The incidents that are meant, the most urgent first. */
  protected incidents(context: Context): Incident[] {
    return [...context.book.incidents.values()].filter(this.where(context)).sort(byUrgency(context.help));
  }

  static override readonly styles = [
    tokens,
    common,
    css`
      :host {
        display: block;
        color: var(--primary-text-color);
      }
      .card {
        padding: 12px;
        background: var(--ha-card-background, var(--card-background-color, #fff));
        border: var(--ha-card-border-width, 1px) solid var(--ha-card-border-color, var(--divider-color));
        border-radius: var(--ha-card-border-radius, 12px);
      }
      .stale {
        filter: grayscale(1);
      }
      .old {
        padding: 8px 12px;
        background: var(--danger);
        color: var(--on-fill);
      }
      .unit {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 16px;
      }
    `,
  ];
}

class AlarmsCard extends Card {
  protected override content(context: Context) {
    return html`<cs-now .context=${context} .where=${this.where(context)} .dark=${this.dark} .narrow=${this.narrow}></cs-now>`;
  }
}

class IncidentCard extends Card {
  protected override content(context: Context) {
    const [first] = this.incidents(context);
    return first
      ? html`<cs-incident .context=${context} .incidentId=${first.incident_id} .dark=${this.dark} .narrow=${this.narrow}></cs-incident>`
      : html`<p>${context.t("none")}</p>`;
  }
}

class BuildingCard extends Card {
  /** The language whose words of the map are there or coming. */
  private words: string | null = null;
  private isComing = true;

  protected override content(context: Context) {
    const { language } = context.hass;
    if (this.words !== language) {
      this.words = language;
      this.isComing = true;
      const there = (): void => {
        this.isComing = false;
        this.requestUpdate();
      };
      fetchTexts(language).then(there, there);
    }
    if (this.isComing) {
      return html`<p class="quiet" role="status">${context.t("waiting")}</p>`;
    }
    const { floor } = this.config;
    return html`<cs-map .context=${context} .path=${floor ? [floor] : []} .dark=${this.dark} .narrow=${this.narrow}></cs-map>`;
  }
}

class UnitCard extends Card {
  protected override content(context: Context) {
    const { hass, t, words } = context;
    const area = this.config.area ?? null;
    const [first] = this.incidents(context);
    const devices = devicesIn(hass, area);
    return html`<div class="unit">
      <strong>${words.area(area) ?? t("no_place")}</strong>
      ${first
        ? html`<cs-now .context=${context} .where=${this.where(context)} .dark=${this.dark} .narrow=${true}></cs-now>`
        : html`<span>${t("none")}</span>`}
      ${devices ? html`<span class="quiet">${t("none_heard", { all: devices.all, heard: devices.heard })}</span>` : nothing}
    </div>`;
  }
}

define({
  "cs-card-alarms": AlarmsCard,
  "cs-card-incident": IncidentCard,
  "cs-card-building": BuildingCard,
  "cs-card-unit": UnitCard,
});
