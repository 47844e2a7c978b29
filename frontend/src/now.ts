import { LitElement, css, html, nothing } from "lit";
import { property } from "lit/decorators.js";
import { classMap } from "lit/directives/class-map.js";
import { repeat } from "lit/directives/repeat.js";
import type { Context } from "./context";
import { deeds, hindrance } from "./deeds";
import { clock, lasted } from "./format";
import { classIcon, statusIcon } from "./icons";
import type { Ended, Incident } from "./model";
import { byUrgency, floodOf, isNew, openAlarms, statusOf, FLOOD_SECONDS } from "./order";
import { Steady } from "./steady";
import { common, ranks, tokens } from "./styles";

/** Ranks whose cards are filled: somebody's life. */
const FILLED = new Set(["fire", "linkage", "electrical"]);

const RELEASES = ["pointerup", "pointercancel"] as const;

/** All incidents that are not over, in order of danger. */
export class NowPage extends LitElement {
  @property({ attribute: false }) context!: Context;
  @property({ type: Boolean, reflect: true }) dark = false;
  @property({ type: Boolean, reflect: true }) narrow = false;
  private readonly steady = new Steady();
  /** Those that have ended under a still hand stay where they are until it is gone. */
  private readonly last = new Map<string, Incident>();
  private readonly ended = new Map<string, Ended>();

  take(ended: readonly Ended[]): void {
    for (const item of ended) {
      this.ended.set(item.incident_id, item);
    }
  }

  /** Moves the focus to the next incident that nobody has seen. */
  focusNextNew(): void {
    const cards = [...this.renderRoot.querySelectorAll<HTMLElement>("[data-new]")];
    const at = cards.findIndex((card) => card.matches(":focus-within"));
    const next = cards[(at + 1) % cards.length];
    next?.querySelector<HTMLElement>("a")?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }

  /** The incident in which the focus is. */
  get focused(): string | null {
    return this.renderRoot.querySelector<HTMLElement>("li:focus-within")?.dataset["id"] ?? null;
  }

  override render() {
    const { context } = this;
    const { book, help, t } = context;
    for (const incident of book.incidents.values()) {
      this.last.set(incident.incident_id, incident);
      this.ended.delete(incident.incident_id);
    }
    const wanted = [...book.incidents.values()].sort(byUrgency(help)).map((item) => item.incident_id);
    const ids = this.steady.order(wanted, performance.now());
    for (const id of this.last.keys()) {
      if (!ids.includes(id)) {
        this.last.delete(id);
        this.ended.delete(id);
      }
    }
    const shown = ids.flatMap((id) => book.incidents.get(id) ?? this.last.get(id) ?? []);
    const real = shown.filter((incident) => !incident.drill);
    const drills = shown.filter((incident) => incident.drill);
    return html`
      ${this.flood()}
      <ul
        class="cards"
        aria-label=${t("incidents")}
        @pointerdown=${this.pressed}
        @keydown=${this.touched}
      >
        ${repeat(real, (item) => item.incident_id, (item) => this.card(item, real))}
      </ul>
      ${book.truth !== null && !wanted.some((id) => !book.incidents.get(id)?.drill) ? this.nothing() : nothing}
      ${drills.length
        ? html`<section class="drills">
            <h2>${t("drills")}</h2>
            <ul class="cards" aria-label=${t("drills")} @pointerdown=${this.pressed} @keydown=${this.touched}>
              ${repeat(drills, (item) => item.incident_id, (item) => this.card(item, []))}
            </ul>
          </section>`
        : nothing}
    `;
  }

  private readonly pressed = (event: PointerEvent): void => {
    this.steady.press(event.timeStamp);
    // Let go elsewhere, or taken over by scrolling, it is let go all the same.
    for (const name of RELEASES) {
      window.addEventListener(name, this.released);
    }
  };
  private readonly released = (event: PointerEvent): void => {
    for (const name of RELEASES) {
      window.removeEventListener(name, this.released);
    }
    this.steady.release(event.timeStamp);
  };
  private readonly touched = (event: KeyboardEvent): void => {
    this.steady.touch(event.timeStamp);
  };

  private flood() {
    const { book, now, hass, t } = this.context;
    const flood = floodOf(
      book.incidents.values(),
      (areaId) => (areaId && hass.areas[areaId]?.floor_id) ?? null,
      now,
    );
    return flood
      ? html`<section class="flood">
          <strong>${t("flood", { alarms: flood.alarms, minutes: FLOOD_SECONDS / 60 })}</strong>
          ${[...flood.buildings].map(
            ([floor, count]) =>
              html`<span>${t("flood_building", { building: (floor && hass.floors[floor]?.name) ?? t("elsewhere"), count })}</span>`,
          )}
        </section>`
      : nothing;
  }

  private nothing() {
    const { book, hass, t } = this.context;
    return html`<p class="nothing">
      ${[
        t("none"),
        book.devices ? t("none_heard", { ...book.devices }) : "",
        t("none_checked", { time: clock(hass, book.truth ?? 0) }),
      ]
        .filter(Boolean)
        .join(" · ")}
    </p>`;
  }

  private card(incident: Incident, among: Incident[]) {
    const { context } = this;
    const { words, t, hass, help, marked } = context;
    const id = incident.incident_id;
    const place = words.place(incident);
    const status = statusOf(incident);
    const ended = this.ended.get(id);
    const gone = !context.book.incidents.has(id);
    const fresh = isNew(incident) && !gone;
    const begun = among.map((item) => item.raised_at);
    const values = openAlarms(incident).map((alarm) => words.values(alarm)).filter(Boolean);
    const power = words.power(incident);
    const mayBeOn = incident.supplies.some((supply) => supply.state === "may_be_on" && !incident.drill);
    const age = lasted(context.now - incident.raised_at, hass.locale.language);
    return html`<li
      data-id=${id}
      ?data-new=${fresh}
      class=${classMap({
        card: true,
        [incident.rank]: !incident.drill,
        filled: (FILLED.has(incident.rank) || help.has(id)) && !incident.drill,
        drill: incident.drill,
        new: fresh,
        over: !incident.present,
        gone,
        help: help.has(id),
        marked: marked.has(id),
      })}
    >
      <div class="what">
        <span class="mark class">${classIcon(incident, help)} ${words.classWord(incident, help)}</span>
        ${fresh ? html`<span class="chip">${t("chip_new")}</span>` : nothing}
        <span class="mark status">
          ${statusIcon(incident)}
          ${gone
            ? ended?.outcome
              ? t("closed", { outcome: words.outcome(ended.outcome) })
              : ended?.moved_to
                ? t("closed_worse")
                : t("closed_plain")
            : status === "new"
              ? nothing
              : words.status(incident)}
        </span>
      </div>
      <div class="where">
        <a href=${context.href(id)} @click=${this.go}>
          <strong>${place}</strong>
          <span>${words.hazards(incident)}${values.length ? ` ${values.join(t("comma"))}` : ""}</span>
        </a>
        <span class="quiet">${words.address(incident)}</span>
        ${among.length > 1 && incident.raised_at === Math.min(...begun)
          ? html`<span class="chip quiet">${t("chip_first")}</span>`
          : nothing}
        ${among.length > 1 && incident.raised_at === Math.max(...begun)
          ? html`<span class="chip quiet">${t("chip_latest")}</span>`
          : nothing}
      </div>
      <div class="when">
        <time datetime=${new Date(incident.raised_at * 1000).toISOString()}>${clock(hass, incident.raised_at)}</time>
        <span class="number">${context.age === "live" ? age : t("at_least", { age })}</span>
      </div>
      <div class="how">
        <div class="power ${mayBeOn ? "may-be-on" : ""}">${power}</div>
        <div class="people">${context.people ? words.people(incident, context.people) : ""}</div>
      </div>
      <div class="do">
        ${gone ? nothing : this.acknowledge(incident, place)}
        ${gone ? nothing : this.endDrill(incident, place)}
        <a class="button" href=${context.href(id)} @click=${this.go} aria-label=${`${t("open")} ${place}`}>${t("open")}</a>
        ${deeds(context, incident, "acknowledge", "end_drill")}
      </div>
      ${marked.has(id) ? html`<p class="quiet">${t("just_changed")}</p>` : nothing}
    </li>`;
  }

  private acknowledge(incident: Incident, place: string) {
    const hinders = hindrance(this.context, incident, "acknowledge");
    return hinders === null
      ? nothing
      : html`<button
          class="main"
          ?disabled=${hinders !== ""}
          title=${hinders}
          aria-label=${`${this.context.t("acknowledge")} ${place}`}
          @click=${() => this.context.act(incident, "acknowledge")}
        >
          ${this.context.t("acknowledge")}
        </button>`;
  }

  private endDrill(incident: Incident, place: string) {
    const hinders = hindrance(this.context, incident, "end_drill");
    return hinders === null
      ? nothing
      : html`<button
          ?disabled=${hinders !== ""}
          title=${hinders}
          aria-label=${`${this.context.t("end_drill")} ${place}`}
          @click=${() => this.context.act(incident, "end_drill")}
        >
          ${this.context.t("end_drill")}
        </button>`;
  }

  private readonly go = (event: MouseEvent): void => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) {
      return;
    }
    event.preventDefault();
    this.context.open((event.currentTarget as HTMLElement).closest("li")?.dataset["id"] ?? null);
  };

  static override readonly styles = [
    tokens,
    common,
    css`
      :host {
        display: block;
      }
      .cards {
        list-style: none;
        margin: 0;
        padding: 0;
        display: grid;
        gap: 8px;
      }
      .card {
        --c: var(--secondary-text-color);
        position: relative;
        display: grid;
        grid-template-columns: minmax(150px, 196px) minmax(140px, 3fr) minmax(92px, 104px) minmax(120px, 3fr) minmax(120px, 236px);
        gap: 4px 16px;
        align-items: center;
        padding: 10px 16px 10px 20px;
        border-radius: 8px;
        border: 1px solid var(--divider-color);
        background: var(--card-background-color, #fff);
        min-width: 0;
      }
      .card::before {
        content: "";
        position: absolute;
        inset-block: 0;
        inset-inline-start: 0;
        width: 8px;
        border-radius: 8px 0 0 8px;
        background: var(--c);
      }
      .card.over::before {
        background: repeating-linear-gradient(var(--c) 0 8px, transparent 8px 14px);
      }
      .card.help {
        --c: var(--help);
      }
      .card.new.filled {
        border-color: var(--c);
        border-width: 2px;
      }
      .card.drill {
        --c: var(--shielded);
        background: repeating-linear-gradient(
          135deg,
          var(--card-background-color, #fff) 0 14px,
          var(--secondary-background-color, #eee) 14px 28px
        );
      }
      .card.gone {
        border-style: dashed;
      }
      .card.marked {
        outline: 3px dashed var(--focus);
      }
      @media (prefers-reduced-motion: no-preference) {
        .card.new.filled:not(.over)::before {
          animation: pulse 1.2s ease-in-out infinite;
        }
      }
      @keyframes pulse {
        50% {
          background: var(--card-background-color, #fff);
        }
      }
      .what,
      .where,
      .do {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 10px;
        min-width: 0;
      }
      .status {
        font-weight: 500;
      }
      .new .chip:not(.quiet) {
        color: var(--c);
      }
      .where a {
        display: inline-flex;
        flex-wrap: wrap;
        gap: 0 8px;
        align-items: center;
        min-height: 44px;
        overflow-wrap: anywhere;
      }
      .where strong {
        font-size: 18px;
      }
      .when {
        display: grid;
      }
      .do {
        justify-content: flex-end;
      }
      .flood {
        display: flex;
        flex-wrap: wrap;
        gap: 8px 16px;
        align-items: center;
        margin-bottom: 8px;
      }
      .flood {
        border: 2px solid var(--fire);
        border-radius: 8px;
        padding: 10px 16px;
        background: var(--card-background-color, #fff);
      }
      .nothing {
        padding: 24px 16px;
        font-size: 18px;
      }
      .drills {
        margin-top: 24px;
      }
      .drills h2 {
        font-size: 16px;
        margin-bottom: 8px;
      }
      :host([narrow]) .card {
        grid-template-columns: 1fr auto;
      }
      :host([narrow]) .card > * {
        grid-column: 1 / -1;
      }
      :host([narrow]) .card > .where {
        grid-column: 1;
      }
      :host([narrow]) .card > .when {
        grid-column: 2;
        text-align: end;
      }
      :host([narrow]) .do > button,
      :host([narrow]) .do > .button {
        flex: 1 1 120px;
      }
      .how {
        display: grid;
        gap: 4px;
        min-width: 0;
      }
      .how > :empty {
        display: none;
      }
    `,
    ranks,
  ];
}
