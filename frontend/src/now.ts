import { LitElement, css, html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { classMap } from "lit/directives/class-map.js";
import { keyed } from "lit/directives/keyed.js";
import { repeat } from "lit/directives/repeat.js";
import type { Context } from "./context";
import { deeds, hindrance } from "./deeds";
import { keepFocus } from "./focus";
import { MOST_CARDS, MOST_OPEN, foldsOf, keyOfRest, restOf, rowsOf, type Fold } from "./fold";
import { clock, lasted } from "./format";
import { classIcon, statusIcon } from "./icons";
import type { Ended, Incident, Rank } from "./model";
import { LINKAGE_CLASS, byUrgency, classOf, isDue, isNew, openAlarms, returnsOf, statusOf, FLOOD_SECONDS, type Flood } from "./order";
import { Steady } from "./steady";
import { common, ranks, tokens } from "./styles";
import { AGAIN_SECONDS } from "./twice";

/** So many places of a fold are named. */
const MOST_NAMES = 100;
/** From so many incidents on, the list can be narrowed down. */
const LEAST_TO_FILTER = 6;
/** What can be looked at alone. */
const FILTERED = ["electrical", "supervision", "fault", "shelved"] as const satisfies Rank[];
/** A warning or fault that is open for so long, in seconds, is asked for: why? Until somebody has written it. */
const STALE_SECONDS = 86_400;
const STALE = new Set<Rank>(["supervision", "fault"]);
const byName = (a: string, b: string): number => a.localeCompare(b, undefined, { numeric: true });
/** Ranks whose cards are filled: somebody's life. */
const FILLED = new Set(["fire", "linkage", "electrical"]);

const RELEASES = ["pointerup", "pointercancel"] as const;

/** What one row says beside its class, its age and its power. */
interface Row {
  /** Of its incident; null for a fold. */
  id: string | null;
  gone: boolean;
  state: TemplateResult;
  where: TemplateResult;
  actions: TemplateResult;
  /** Below all of it. */
  more?: TemplateResult;
}

/** What of an open fold is not drawn. */
interface Rest {
  rest: Fold;
}

type AnyRow = Fold | Incident | Rest;
const isFold = (row: AnyRow): row is Fold => "incidents" in row;
const isRest = (row: AnyRow): row is Rest => "rest" in row;
const isIncident = (row: AnyRow): row is Incident => "incident_id" in row;
const isOfDrill = (row: AnyRow): boolean => (isIncident(row) ? row : isRest(row) ? row.rest.whole : row.whole).drill;
const keyOf = (row: AnyRow): string => (isIncident(row) ? row.incident_id : isFold(row) ? row.key : keyOfRest(row.rest));

/** All incidents that are not over, in order of danger. */
export class NowPage extends LitElement {
  @property({ attribute: false }) context!: Context;
  @property({ type: Boolean, reflect: true }) dark = false;
  @property({ type: Boolean, reflect: true }) narrow = false;
  /** Of which incidents it is; null: of all. */
  @property({ attribute: false }) where: ((incident: Incident) => boolean) | null = null;
  private readonly steady = new Steady();
  /** Those that have ended under a still hand stay where they are until it is gone. */
  private readonly last = new Map<string, Incident>();
  private readonly ended = new Map<string, Ended>();
  private readonly lastFolds = new Map<string, Fold>();
  /** Folds that somebody has opened, and how many of each are shown. */
  private readonly open = new Map<string, number>();
  /** What an acknowledgement is for that was pressed once: what was listed then. */
  @state() private asked: { key: string; incidents: Incident[] } | null = null;
  /** What is looked at alone, of what is about no life. */
  @state() private only: { building: string | null; rank: string | null } = { building: null, rank: null };
  /** How many of a fold were acknowledged, where it was not all. */
  private readonly left = new Map<string, string>();

  /** Is the list under a hand? Then nothing moves. */
  get isStill(): boolean {
    return this.steady.isStill(performance.now());
  }

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
    next?.querySelector<HTMLElement>("a, button")?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }

  /** The incident in which the focus is. */
  get focused(): string | null {
    return this.renderRoot.querySelector<HTMLElement>("li:focus-within")?.dataset["id"] ?? null;
  }

  protected override update(changed: PropertyValues): void {
    keepFocus(this.renderRoot, () => {
      super.update(changed);
    });
  }

  override render() {
    const { context } = this;
    const { book, help, flood, words, t } = context;
    for (const incident of book.incidents.values()) {
      this.last.set(incident.incident_id, incident);
      this.ended.delete(incident.incident_id);
    }
    const { where } = this;
    const sorted = [...book.incidents.values()].filter((incident) => where === null || where(incident)).sort(byUrgency(help));
    const shown = sorted.filter((incident) => !this.isHidden(incident));
    const isDrill = ({ drill }: Incident): boolean => drill;
    const folds = [shown.filter((incident) => !incident.drill), shown.filter(isDrill)].flatMap((all, index) =>
      all.length > MOST_CARDS || (flood !== null && !index) ? foldsOf(all, help, (item) => words.stairwell(item.area_id)) : [],
    );
    for (const fold of folds) {
      this.lastFolds.set(fold.key, fold);
    }
    const keys = this.steady.order(rowsOf(shown, folds, this.open), performance.now());
    const kept = new Set(keys);
    for (const known of [this.last, this.ended, this.lastFolds]) {
      for (const key of known.keys()) {
        if (!kept.has(key)) {
          known.delete(key);
        }
      }
    }
    const rows = keys.flatMap((key): AnyRow | [] => this.rowOf(key) ?? []);
    const real = rows.filter((row) => !isOfDrill(row));
    const drills = rows.filter(isOfDrill);
    const begun = real.flatMap((row) => (isIncident(row) ? row.raised_at : []));
    const ends = begun.length > 1 ? { first: Math.min(...begun), latest: Math.max(...begun) } : null;
    return html`
      ${flood ? this.flood(flood) : nothing} ${this.filters(sorted, sorted.length - shown.length)}
      <ul
        class="cards"
        aria-label=${t("incidents")}
        @pointerdown=${this.pressed}
        @keydown=${this.touched}
      >
        ${repeat(real, keyOf, (row) => this.anyRow(row, ends))}
      </ul>
      ${book.keptOff.length ? html`<cs-kept-off .context=${context} .dark=${this.dark}></cs-kept-off>` : nothing}
      ${book.truth !== null && !sorted.some((incident) => !incident.drill) ? this.nothing() : nothing}
      ${drills.length
        ? html`<section class="drills">
            <h2>${t("drills")}</h2>
            <ul class="cards" aria-label=${t("drills")} @pointerdown=${this.pressed} @keydown=${this.touched}>
              ${repeat(drills, keyOf, (row) => this.anyRow(row, null))}
            </ul>
          </section>`
        : nothing}
    `;
  }

  private anyRow(row: AnyRow, ends: { first: number; latest: number } | null) {
    return isIncident(row) ? this.card(row, ends) : isRest(row) ? this.rest(row.rest) : this.fold(row);
  }

  /** What somebody does not want to see now; what may be about a life is always seen. */
  private isHidden(incident: Incident): boolean {
    const { building, rank } = this.only;
    return (
      classOf(incident, this.context.help) > LINKAGE_CLASS &&
      ((building !== null && this.buildingOf(incident) !== building) || (rank !== null && incident.rank !== rank))
    );
  }

  private buildingOf(incident: Incident): string {
    return this.context.words.building(incident.area_id) ?? "";
  }

  private filters(incidents: readonly Incident[], hidden: number) {
    const { context } = this;
    const { t } = context;
    const { building, rank } = this.only;
    if (context.isQuiet || (building === null && rank === null && incidents.length < LEAST_TO_FILTER)) {
      return nothing;
    }
    const buildings = new Set([building ?? "", ...incidents.map((item) => this.buildingOf(item))]);
    const choices = (key: "building" | "rank", label: string, all: string, rows: [value: string, text: string][]) =>
      html`<select
        aria-label=${label}
        @change=${(event: Event) => {
          this.only = { ...this.only, [key]: (event.target as HTMLSelectElement).value.slice(1) || null };
        }}
      >
        <option value="" .selected=${this.only[key] === null}>${all}</option>
        ${rows.map(([value, text]) => html`<option value="=${value}" .selected=${this.only[key] === value}>${text}</option>`)}
      </select>`;
    return html`<div class="filters">
      ${choices(
        "building",
        t("only_building"),
        t("all_buildings"),
        [...buildings].filter(Boolean).sort(byName).map((name) => [name, name]),
      )}
      ${choices("rank", t("only_class"), t("all_classes"), FILTERED.map((item) => [item, t(item)]))}
      ${hidden
        ? html`<button
            @click=${() => {
              this.only = { building: null, rank: null };
            }}
          >
            ${t("hidden", { count: hidden })}
          </button>`
        : nothing}
    </div>`;
  }

  private rowOf(key: string): AnyRow | undefined {
    const rest = this.lastFolds.get(restOf(key) ?? "");
    return rest ? { rest } : (this.lastFolds.get(key) ?? this.context.book.incidents.get(key) ?? this.last.get(key));
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

  private flood({ alarms, buildings, first, latest }: Flood) {
    const { context } = this;
    const { hass, t } = context;
    return html`<section class="flood" data-head>
      <strong>${t("flood", { alarms, minutes: FLOOD_SECONDS / 60 })}</strong>
      ${[...buildings].map(
        ([floor, count]) =>
          html`<span>${t("flood_building", { building: (floor && hass.floors[floor]?.name) ?? t("elsewhere"), count })}</span>`,
      )}
      ${(
        [
          ["chip_first", first],
          ["chip_latest", latest],
        ] as const
      ).map(([key, incident]) =>
        // Another element for another incident: a tap that has begun goes nowhere else.
        keyed(
          incident.incident_id,
          html`<a data-id=${incident.incident_id} href=${context.href(incident.incident_id)} @click=${this.go}>
            <span class="chip quiet">${t(key)}</span> ${context.words.place(incident)}
            <time>${clock(hass, incident.raised_at)}</time>
          </a>`,
        ),
      )}
    </section>`;
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

  private card(incident: Incident, ends: { first: number; latest: number } | null) {
    const { context } = this;
    const { words, t } = context;
    const id = incident.incident_id;
    const place = words.place(incident);
    const ended = this.ended.get(id);
    const gone = !context.book.incidents.has(id);
    const values = openAlarms(incident).map((alarm) => words.values(alarm)).filter(Boolean);
    return this.row(incident, {
      id,
      gone,
      state: html`<span class="mark status">
        ${statusIcon(incident)}
        ${gone
          ? ended?.outcome
            ? t("closed", { outcome: words.outcome(ended.outcome) })
            : ended?.moved_to
              ? t("closed_worse")
              : t("closed_plain")
          : statusOf(incident) === "new"
            ? nothing
            : words.status(incident)}
      </span>`,
      where: html`<a href=${context.href(id)} @click=${this.go}>
          <strong>${place}</strong>
          <span>${words.hazards(incident)}${values.length ? ` ${values.join(t("comma"))}` : ""}</span>
        </a>
        <span class="quiet">${words.address(incident)}</span>
        ${ends?.first === incident.raised_at ? html`<span class="chip quiet">${t("chip_first")}</span>` : nothing}
        ${ends?.latest === incident.raised_at ? html`<span class="chip quiet">${t("chip_latest")}</span>` : nothing}
        ${returnsOf(incident) ? html`<span class="chip quiet">${t("chip_returns", { count: returnsOf(incident) })}</span>` : nothing}
        ${!gone && isDue(incident) ? html`<span class="chip quiet">${t("chip_due")}</span>` : nothing}
        ${STALE.has(incident.rank) && !gone && incident.last.what !== "note" && context.now - incident.raised_at > STALE_SECONDS
          ? html`<span class="chip quiet">${t("stale_why")}</span>`
          : nothing}`,
      actions: html`${gone ? nothing : this.acknowledge(incident, place)} ${gone ? nothing : this.endDrill(incident, place)}
        <a class="button" href=${context.href(id)} @click=${this.go} aria-label=${`${t("open")} ${place}`}>${t("open")}</a>
        ${deeds(context, incident, "acknowledge", "end_drill")}`,
    });
  }

  /** All of a kind in one stairwell, or of faults everywhere, as one row. */
  private fold({ key, incidents, whole }: Fold) {
    const { context } = this;
    const { words, t } = context;
    const isOpen = this.open.has(key);
    const isEverywhere = whole.rank === "fault" || whole.rank === "shelved";
    const title = isEverywhere ? t("everywhere") : words.stairwell(whole.area_id);
    const asked = this.asked?.key === key ? this.asked.incidents : null;
    return this.row(whole, {
      id: null,
      gone: false,
      state: html`<span class="number">${t("fold_count", { count: incidents.length })}</span>`,
      where: html`<span><strong>${title}</strong> ${words.hazards(whole)}</span>`,
      more: html`<p class="quiet">${this.names(asked ?? incidents, isEverywhere)}</p>`,
      actions: html`${whole.drill ? this.endAll(incidents) : this.acknowledgeAll(key, incidents, asked)}
        <button
          aria-expanded=${isOpen ? "true" : "false"}
          aria-label=${`${t(isOpen ? "fold" : "unfold")} ${title}`}
          @click=${() => {
            if (!this.open.delete(key)) {
              this.open.set(key, MOST_OPEN);
            }
            this.steady.forget();
            this.requestUpdate();
          }}
        >
          ${t(isOpen ? "fold" : "unfold")}
        </button>`,
    });
  }

  /** What of an open fold is not drawn yet. */
  private rest({ key, incidents }: Fold) {
    const { t } = this.context;
    const shown = this.open.get(key) ?? 0;
    const left = incidents.length - shown;
    return html`<li class="rest" data-row>
      <button
        @click=${() => {
          this.open.set(key, shown + MOST_OPEN);
          this.steady.forget();
          this.requestUpdate();
        }}
      >
        ${t("fold_rest", { left, count: Math.min(left, MOST_OPEN) })}
      </button>
    </li>`;
  }

  private names(incidents: readonly Incident[], isEverywhere: boolean): string {
    const { words, t } = this.context;
    const names = [...new Set(incidents.map((item) => (isEverywhere ? words.place(item) : words.door(item))))];
    const more = names.length - MOST_NAMES;
    return [...names.slice(0, MOST_NAMES), ...(more > 0 ? [t("more_places", { count: more })] : [])].join(t("comma"));
  }

  /** Acknowledges what was listed when it was pressed first: of what came since, nobody has read. */
  private acknowledgeAll(key: string, incidents: Incident[], asked: Incident[] | null) {
    const { context } = this;
    const { t } = context;
    const wanted = incidents.filter((item) => item.may.acknowledge === null);
    const all = (count: number): string => t("acknowledge_all", { count });
    const left = this.left.get(key);
    return html`${wanted.length || asked
      ? html`<cs-twice
          .label=${all(wanted.length)}
          .again=${t("says", { what: t("press_again", { seconds: AGAIN_SECONDS }), said: all((asked ?? wanted).length) })}
          .disabled=${context.locked}
          @armed=${() => {
            this.asked = { key, incidents: wanted };
          }}
          @disarmed=${() => {
            this.asked = null;
          }}
          @pressed=${() => {
            void this.acknowledgeThese(key, asked ?? wanted);
          }}
        ></cs-twice>`
      : nothing}
    ${left ? html`<span class="did failed" role="alert">${left}</span>` : nothing}`;
  }

  private endAll(incidents: readonly Incident[]) {
    const { context } = this;
    const wanted = incidents.filter((item) => item.may.end_drill === null);
    return wanted.length
      ? html`<button
          ?disabled=${context.locked}
          @click=${() => {
            for (const item of wanted) {
              void context.act(item, "end_drill");
            }
          }}
        >
          ${context.t("end_drills", { count: wanted.length })}
        </button>`
      : nothing;
  }

  private async acknowledgeThese(key: string, incidents: readonly Incident[]): Promise<void> {
    this.asked = null;
    this.left.delete(key);
    const done = await Promise.all(incidents.map((item) => this.context.act(item, "acknowledge")));
    const count = done.filter(Boolean).length;
    if (count < incidents.length) {
      this.left.set(key, this.context.t("acknowledged_of", { count, all: incidents.length }));
    }
    this.requestUpdate();
  }

  private row(incident: Incident, { id, gone, state, where, actions, more }: Row) {
    const { context } = this;
    const { words, t, hass, help, marked } = context;
    const fresh = isNew(incident) && !gone;
    const mayBeOn = incident.supplies.some((supply) => supply.state === "may_be_on" && !incident.drill);
    const age = lasted(context.now - incident.raised_at, hass.locale.language);
    const isCalling = id !== null && help.has(id);
    const isMarked = id !== null && marked.has(id);
    return html`<li
      data-row
      data-id=${id ?? nothing}
      ?data-new=${fresh}
      class=${classMap({
        card: true,
        [incident.rank]: !incident.drill,
        filled: (FILLED.has(incident.rank) || isCalling) && !incident.drill,
        drill: incident.drill,
        new: fresh,
        over: !incident.present,
        gone,
        help: isCalling,
        marked: isMarked,
      })}
    >
      <div class="what">
        <span class="mark class">${classIcon(incident, help)} ${words.classWord(incident, help)}</span>
        ${fresh ? html`<span class="chip">${t("chip_new")}</span>` : nothing} ${state}
      </div>
      <div class="where">${where}</div>
      <div class="when">
        <time datetime=${new Date(incident.raised_at * 1000).toISOString()}>${clock(hass, incident.raised_at)}</time>
        <span class="number">${context.age === "live" ? age : t("at_least", { age })}</span>
      </div>
      <div class="how">
        <div class="power ${mayBeOn ? "may-be-on" : ""}">${words.power(incident)}</div>
        <div class="people">${context.people ? words.people(incident, context.people) : ""}</div>
      </div>
      ${context.isQuiet ? nothing : html`<div class="do">${actions}</div>`} ${more ?? nothing}
      ${isMarked ? html`<p class="quiet">${t("just_changed")}</p>` : nothing}
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
    this.context.open((event.currentTarget as HTMLElement).closest<HTMLElement>("[data-id]")?.dataset["id"] ?? null);
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
      .card > p {
        grid-column: 1 / -1;
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
      .rest {
        display: grid;
      }
      .filters {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
        margin-bottom: 8px;
      }
      .filters select {
        min-height: 48px;
        padding: 0 12px;
        border-radius: 8px;
        border: 1px solid var(--outline-color, var(--secondary-text-color));
        background: var(--card-background-color, #fff);
      }
      .flood {
        display: flex;
        flex-wrap: wrap;
        gap: 8px 16px;
        align-items: center;
        margin-bottom: 8px;
        border: 2px solid var(--fire);
        border-radius: 8px;
        padding: 10px 16px;
        background: var(--card-background-color, #fff);
      }
      /* Where there is room, the first and the latest stay in sight. */
      @media (min-width: 1100px) {
        .flood {
          position: sticky;
          top: 0;
          z-index: 1;
        }
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
      .flood a {
        display: inline-flex;
        flex-wrap: wrap;
        gap: 0 8px;
        align-items: center;
        min-height: 44px;
      }
      :host([narrow]) .do > button,
      :host([narrow]) .do > .button,
      :host([narrow]) .do > cs-twice {
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
