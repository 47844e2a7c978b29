import { mdiExclamationThick } from "@mdi/js";
import { LitElement, css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { classMap } from "lit/directives/class-map.js";
import { guard } from "lit/directives/guard.js";
import type { Context } from "../context";
import { define } from "../define";
import { Subscription } from "../feed";
import {
  mdiAlertOutline,
  mdiBellOffOutline,
  mdiEyeCheck,
  mdiFire,
  mdiFlash,
  mdiFlashAlert,
  mdiLifebuoy,
  mdiPowerPlugOff,
  mdiRestore,
  mdiSchool,
  mdiWrench,
  classIcon,
  classPath,
  icon,
} from "../icons";
import type { Hass, Rank } from "../model";
import { NO_HELP, statusOf } from "../order";
import { areasOf as areasOfCall } from "../response";
import { common, ranks, tokens } from "../styles";
import type { Position } from "../unit";
import { byFloor, byUrgency, isCalm, type Door } from "./door";
import { doorIcon, doorSigns, doorStyles, followDoors, nameOf, stateOf, type DoorFeed } from "./door-look";
import { GROUNDS, areasOf, cellsOf, layout, step, type Building, type Cell, type Stairwell, type Way } from "./layout";
import type { Marked } from "./geography";
import { byWorst, marksOf, totalsOf, unfolded, type Mark } from "./marks";
import { positionOf } from "./places";
import "./plan";
import { translator, type Key, type Translate } from "./texts";

const FILLED = new Set(["fire", "linkage", "electrical"]);
/** The token of each rank's colour. */
const COLOURS: Record<Rank | "drill", string> = {
  fire: "--fire",
  linkage: "--linkage",
  electrical: "--electrical",
  supervision: "--supervision",
  fault: "--fault",
  shelved: "--shielded",
  power_off: "--shielded",
  drill: "--shielded",
};
const WAYS = new Set<string>(["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End"] satisfies Way[]);

interface Message {
  kind?: string;
  /** How many devices are in an area. */
  devices: Record<string, number>;
}

class Placed {
  devices: Record<string, number> | null = null;

  take(message: Message): boolean {
    this.devices = message.devices;
    return true;
  }
}

/** The compound as its floors and areas are: what is where, with the worst state of each place. */
export class MapPage extends LitElement {
  @property({ attribute: false }) context!: Context;
  /** Below `/map`: nothing, a building, or a stairwell in it. */
  @property({ attribute: false }) path: string[] = [];
  @property({ type: Boolean, reflect: true }) dark = false;
  @property({ type: Boolean, reflect: true }) narrow = false;
  /** It is beside the list, where nobody scrolls it: what is well does not take the place of what is not. */
  @property({ type: Boolean }) beside = false;
  /** The buildings that have a plan, and those whose plan this user may set. */
  @state() private plans: { plans: string[]; positions: Record<string, Position>; may: string[] } = { plans: [], positions: {}, may: [] };
  /** Buildings are shown where they are on earth; the building of which that is being said. */
  @state() private isGeographic = false;
  @state() private placing: string | null = null;
  /** The buildings of which the plan is shown. */
  @state() private planned: ReadonlySet<string> = new Set<string>();
  private feed: Subscription<Message, Placed> | null = null;
  private doorFeed: DoorFeed | null = null;
  /** By building; those that are nowhere are on the grounds. */
  private doors: ReadonlyMap<string, Door[]> = new Map<string, Door[]>();
  private marks: ReadonlyMap<string, Mark> = new Map();
  private buildings: Building[] = [];
  private drawn: (Pick<Hass, "areas" | "floors" | "language"> & Pick<Context["words"], "units">) | null = null;
  /** The place that the Tab key goes to, by group. */
  private readonly current = new Map<string, string>();
  private t: Translate = translator("en");

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) {
      this.subscribe();
    }
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.feed?.stop();
    this.doorFeed?.stop();
    this.feed = this.doorFeed = null;
  }

  protected override firstUpdated(): void {
    this.subscribe();
  }

  private subscribe(): void {
    this.feed = new Subscription<Message, Placed>(
      this.context.hass.connection,
      { type: "community_safety/map" },
      new Placed(),
      () => {
        this.requestUpdate();
      },
      // It is told when something changes, and of nothing else.
      null,
    );
    this.feed.start();
    this.doorFeed = followDoors(this.context.hass.connection, () => {
      this.requestUpdate();
    });
    void this.askPlans();
  }

  private readonly askPlans = async (): Promise<void> => {
    this.plans = await this.context.hass.connection
      .sendMessagePromise<MapPage["plans"]>({ type: "community_safety/plans" })
      // Without them there is the schematic.
      .catch(() => this.plans);
  };

  private get devices(): Record<string, number> | null {
    return this.feed?.book.devices ?? null;
  }

  protected override willUpdate(): void {
    const { hass, book, help, people, words } = this.context;
    const { areas, floors, language } = hass;
    const { units } = words;
    const { drawn } = this;
    this.t = translator(language);
    if (areas !== drawn?.areas || floors !== drawn.floors || language !== drawn.language || units !== drawn.units) {
      this.drawn = { areas, floors, language, units };
      const defined = <T>(rows: Record<string, T | undefined>): T[] => Object.values(rows).flatMap((row) => row ?? []);
      this.buildings = layout(defined(areas), defined(floors), language, units);
    }
    const floorOf = (areaId: string | null): string | null => (areaId && areas[areaId]?.floor_id) ?? null;
    const order = byUrgency((door) => nameOf(this.context, door), language);
    this.doors = byFloor([...(this.doorFeed?.book.doors.values() ?? [])].sort(order), floorOf, GROUNDS);
    const incidents = [...book.incidents.values()];
    this.marks = marksOf(incidents, help, people?.calls().flatMap(areasOfCall) ?? []);
  }

  override render() {
    const { buildings, t } = this;
    const [key, stairwellKey] = this.path;
    const building = key === undefined ? undefined : buildings.find((item) => item.key === key);
    return html`<div @click=${this.clicked} @keydown=${this.pressed} @focusin=${this.focused}>
      ${this.feed?.error ? html`<p class="quiet" role="alert">${t("map_failed", { reason: this.feed.error })}</p>` : nothing}
      ${building ? this.one(building, stairwellKey) : this.all()} ${this.legend()}
    </div>`;
  }

  private all() {
    const { buildings, t } = this;
    if (!buildings.flatMap(areasOf).length) {
      return html`<p class="empty">${t("map_empty")}</p>
        ${this.doorsOf(GROUNDS, t("grounds"))}`;
    }
    const open = this.narrow ? [] : unfolded(buildings, this.marks, this.beside);
    return html`${this.geography()}
      <nav class="tiles" aria-label=${t("buildings")}>
        ${buildings.map((building) => this.tile(this.nameOf(building), areasOf(building), building.key))}
      </nav>
      ${open.map((building) => this.section(building))}
      ${buildings.some(({ key }) => key === GROUNDS) ? nothing : this.doorsOf(GROUNDS, t("grounds"))}
      ${!open.length && !this.narrow ? html`<p class="quiet hint">${t("map_choose")}</p>` : nothing}`;
  }

  /** The buildings where they are on earth, where that is known of one and somebody wants to see it. */
  private geography() {
    const { t, context } = this;
    const marked = this.marked();
    if (!marked.length || context.isQuiet || this.beside) {
      return nothing;
    }
    return html`<p class="no-print">
        <button
          data-do="geography"
          aria-pressed=${this.isGeographic ? "true" : "false"}
          @click=${() => {
            this.isGeographic = !this.isGeographic;
            void this.fetchGeography();
          }}
        >
          ${t("geography")}
        </button>
      </p>
      ${this.isGeographic
        ? html`<cs-geography
            .context=${context}
            .marked=${marked}
            .dark=${this.dark}
            @building=${(event: CustomEvent<string>) => {
              context.go(`/map/${encodeURIComponent(event.detail)}`);
            }}
          ></cs-geography>`
        : nothing}`;
  }

  private async fetchGeography(): Promise<void> {
    try {
      await import("./geography");
    } catch {
      this.isGeographic = false;
      this.placing = null;
      this.context.fail("geography", this.context.t("page_failed"));
    }
  }

  /** The buildings on the ground, the worst last: it is drawn above the others. */
  private marked(): Marked[] {
    const { context, marks, plans } = this;
    const { t, words, book } = context;
    const style = getComputedStyle(this);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    return this.buildings
      .map((building) => ({ building, totals: book.truth === null ? [] : totalsOf(marks, areasOf(building)) }))
      .sort((a, b) => byWorst(a.totals, b.totals))
      .flatMap(({ building, totals }): Marked[] => {
        const position = positionOf(building, plans.positions, words.units);
        const name = this.nameOf(building);
        const [worst] = totals;
        const incident = worst?.incident;
        const rank = incident && (incident.drill ? "drill" : incident.rank);
        const said = totals.map((total) =>
          [total.incident ? words.classWord(total.incident, NO_HELP) : t("class_help"), total.places].join(" "),
        );
        return position
          ? [
              {
                key: building.key,
                title: t("says", { what: name, said: said.join(t("comma")) || t(book.truth === null ? "waiting" : "none") }),
                short: /\d+/.exec(name)?.[0] ?? name.slice(0, 3),
                symbol: worst ? (incident ? classPath(incident, NO_HELP) : mdiLifebuoy) : null,
                places: worst?.places ?? 0,
                colour: colour(worst ? (rank ? COLOURS[rank] : "--help") : "--good"),
                paper: colour("--card-background-color") || "#fff",
                position,
              },
            ]
          : [];
      });
  }

  private one(building: Building, stairwellKey: string | undefined) {
    const { t } = this;
    const stairwell = building.stairwells.find((item) => item.key === stairwellKey);
    if (stairwell) {
      return html`${this.back(`/map/${encodeURIComponent(building.key)}`, this.nameOf(building))}
        <h2>${this.context.t("stairwell", { building: this.nameOf(building), stairwell: stairwell.label })}</h2>
        ${this.grid(building, stairwell)}`;
    }
    const back = this.back("/map", t("buildings"));
    if (this.narrow && building.stairwells.length > 1) {
      return html`${back}
        <h2>${this.nameOf(building)}</h2>
        <nav class="tiles" aria-label=${t("stairwells")}>
          ${building.stairwells.map((item) =>
            this.tile(
              t("stairwell_short", { stairwell: item.label }),
              cellsOf(item).map((cell) => cell.areaId),
              building.key,
              item.key,
            ),
          )}
        </nav>
        ${this.shared(building)} ${this.doorsOf(building.key, this.nameOf(building))}`;
    }
    return html`${back} ${this.section(building)}`;
  }

  private back(path: string, text: string) {
    return html`<a class="back" data-path=${path} href=${this.context.to(path)}>‹ ${text}</a>`;
  }

  private nameOf(building: Building): string {
    return building.name ?? this.t("grounds");
  }

  private tile(title: string, areaIds: string[], ...path: string[]) {
    const target = `/map/${path.map(encodeURIComponent).join("/")}`;
    const totals = totalsOf(this.marks, areaIds);
    const worst = totals[0];
    return html`<a
      class=${classMap({ tile: true, ...this.classes(worst && { incident: worst.incident, help: !worst.incident, more: 0 }) })}
      data-row
      data-building=${path.join("/")}
      data-path=${target}
      href=${this.context.to(target)}
    >
      <strong>${title}</strong>
      <span class="totals">${this.totals(totals)}</span>
    </a>`;
  }

  private totals(totals: ReturnType<typeof totalsOf>) {
    const { context } = this;
    if (context.book.truth === null) {
      return "–";
    }
    return totals.length
      ? totals.map(
          ({ incident, places }) =>
            html`<span class="total ${incident ? (incident.drill ? "drill" : incident.rank) : "help"}">
              ${incident ? classIcon(incident, NO_HELP) : icon(mdiLifebuoy)}
              ${incident ? context.words.classWord(incident, NO_HELP) : context.t("class_help")} ${places}
            </span>`,
        )
      : html`<span class="quiet">${context.t("none")}</span>`;
  }

  private section(building: Building) {
    const name = this.nameOf(building);
    const { key } = building;
    const isPlan = this.planned.has(key);
    const mayEdit = this.plans.may.includes(key);
    return html`<section class="building" data-row aria-label=${name}>
      <h2>
        ${name} <span class="totals">${this.totals(totalsOf(this.marks, areasOf(building)))}</span>
        ${!this.context.isQuiet && (this.plans.plans.includes(key) || mayEdit)
          ? html`<button
              class="no-print"
              aria-pressed=${isPlan ? "true" : "false"}
              aria-label=${this.context.t("says", { what: this.t("plan"), said: name })}
              @click=${() => {
                this.planned = new Set(isPlan ? [...this.planned].filter((item) => item !== key) : [...this.planned, key]);
              }}
            >
              ${this.t("plan")}
            </button>`
          : nothing}
        ${!this.context.isQuiet && mayEdit
          ? html`<button
              class="no-print"
              data-do="position"
              aria-expanded=${this.placing === key ? "true" : "false"}
              aria-label=${this.context.t("says", { what: this.t("position"), said: name })}
              @click=${() => {
                this.placing = this.placing === key ? null : key;
                void this.fetchGeography();
              }}
            >
              ${this.t("position")}
            </button>`
          : nothing}
      </h2>
      ${this.placing === key
        ? html`<cs-position
            .context=${this.context}
            .floorId=${key}
            .position=${this.plans.positions[key] ?? null}
            .dark=${this.dark}
            @changed=${() => {
              this.placing = null;
              void this.askPlans();
            }}
          ></cs-position>`
        : nothing}
      ${isPlan ? this.plan(building, mayEdit) : this.schematic(building)} ${this.doorsOf(key, name)}
    </section>`;
  }

  private plan(building: Building, mayEdit: boolean) {
    const cells = [...building.stairwells.flatMap(cellsOf), ...building.shared];
    return html`<cs-plan
      .context=${this.context}
      .floorId=${building.key}
      .places=${cells}
      .mayEdit=${mayEdit}
      .dark=${this.dark}
      @changed=${this.askPlans}
    >
      ${cells.map((cell) => html`<span slot=${cell.areaId}>${this.cell(cell, cell.areaId)}</span>`)}
    </cs-plan>`;
  }

  private schematic(building: Building) {
    return html`<div class="stairwells">
        ${building.stairwells.map(
          (stairwell) =>
            html`<div class="stairwell">
              <h3>${this.t("stairwell_short", { stairwell: stairwell.label })}</h3>
              ${this.grid(building, stairwell)}
            </div>`,
        )}
      </div>
      ${this.shared(building)}`;
  }

  /** One stairwell: drawn again only when one of its places has changed. */
  private grid(building: Building, stairwell: Stairwell) {
    const key = `${building.key}/${stairwell.key}`;
    const cells = cellsOf(stairwell);
    const current = this.currentOf(key, cells);
    const title = this.context.t("stairwell", { building: this.nameOf(building), stairwell: stairwell.label });
    return guard([stairwell, title, current, this.signs(cells)], () => {
      const doors = `--doors: ${stairwell.doors.length}`;
      return html`<div class="grid" role="grid" aria-label=${title} data-group=${key}>
        ${stairwell.storeys.map(
          ({ storey, cells: row }) =>
            html`<div class="row" role="row" data-row style=${doors}>
              <span class="storey" role="rowheader">${storey}</span>
              ${row.map((cell) => html`<span role="gridcell">${cell ? this.cell(cell, current) : nothing}</span>`)}
            </div>`,
        )}
      </div>`;
    });
  }

  private shared(building: Building) {
    const { shared } = building;
    if (!shared.length) {
      return nothing;
    }
    const key = `${building.key}/`;
    const current = this.currentOf(key, shared);
    const title = this.t("shared", { building: this.nameOf(building) });
    return guard([shared, title, current, this.signs(shared)], () =>
      html`<div class="shared" role="grid" aria-label=${title} data-group=${key}>
        <div class="wrap" role="row" data-row>
          ${shared.map((cell) => html`<span role="gridcell">${this.cell(cell, current)}</span>`)}
        </div>
      </div>`,
    );
  }

  /** Its doors and gates; on a wall, those that somebody has to look at. */
  private doorsOf(key: string, building: string) {
    const { context, t } = this;
    const doors = (this.doors.get(key) ?? []).filter((door) => !(this.beside && isCalm(door)));
    if (!doors.length) {
      return nothing;
    }
    const group = doorGroup(key);
    const current = this.currentOf(group, doors.map(cellOf));
    const title = t("doors_shared", { building });
    return html`<div class="shared" role="grid" aria-label=${title} data-group=${group}>
      <div class="wrap" role="row" data-row>
        ${doors.map((door) => {
          const name = context.t("says", { what: nameOf(context, door), said: stateOf(t, door) });
          const path = `/doors/${encodeURIComponent(door.door_id)}`;
          return html`<span role="gridcell">
            <a
              class="cell door ${door.state}"
              data-area=${door.door_id}
              data-path=${path}
              href=${context.to(path)}
              tabindex=${door.door_id === current ? 0 : -1}
              aria-label=${name}
              title=${name}
            >
              <span class="label">${nameOf(context, door)}</span>
              <span class="signs">${doorIcon(door.state)}</span>
            </a>
          </span>`;
        })}
      </div>
    </div>`;
  }

  private currentOf(group: string, cells: Pick<Cell, "areaId">[]): string {
    const kept = this.current.get(group);
    return cells.find((cell) => cell.areaId === kept)?.areaId ?? cells[0]?.areaId ?? "";
  }

  /** What of places may look otherwise the next time. */
  private signs(cells: Cell[]): string {
    const { marks, devices } = this;
    const isKnown = devices && this.context.book.truth !== null;
    const known = isKnown ? cells.map((cell) => devices[cell.areaId] ?? 0).join() : "";
    return `${known} ${cells.map((cell) => (marks.has(cell.areaId) ? this.describe(cell) : "")).join()}`;
  }

  private cell(cell: Cell, current: string): TemplateResult {
    const mark = this.marks.get(cell.areaId);
    const incident = mark?.incident;
    const path = incident
      ? `/incident/${incident.incident_id}`
      : `/devices?area=${encodeURIComponent(cell.areaId)}`;
    const status = incident && !incident.drill ? statusOf(incident) : null;
    const name = this.describe(cell);
    return html`<a
      class=${classMap({ cell: true, ...this.classes(mark), none: !mark && this.devices?.[cell.areaId] === undefined })}
      data-area=${cell.areaId}
      data-path=${path}
      href=${this.context.to(path)}
      tabindex=${cell.areaId === current ? 0 : -1}
      aria-label=${name}
      title=${name}
    >
      <span class="label">${cell.label}</span>
      <span class="signs">
        ${mark?.help ? icon(mdiLifebuoy) : nothing} ${incident ? classIcon(incident, NO_HELP) : nothing}
        ${status === "new" || status === "over_new" ? icon(mdiExclamationThick) : nothing}
        ${status === "seen" ? icon(mdiEyeCheck) : nothing} ${status === "over_reset" ? icon(mdiRestore) : nothing}
      </span>
    </a>`;
  }

  private classes(mark: Mark | undefined): Record<string, boolean> {
    const incident = mark?.incident;
    const isReal = incident ? !incident.drill : false;
    return {
      help: mark?.help ?? false,
      drill: incident?.drill ?? false,
      [incident?.rank ?? "calm"]: isReal,
      filled: (mark?.help ?? false) || (isReal && FILLED.has(incident?.rank ?? "")),
      over: isReal && !(incident?.present ?? true),
      new: isReal && !(incident?.acknowledged ?? true),
    };
  }

  /** The whole of what a place shows, in words. */
  private describe(cell: Cell): string {
    const { context, t } = this;
    const { words } = context;
    const mark = this.marks.get(cell.areaId);
    if (!mark) {
      const devices = this.devices?.[cell.areaId] ?? 0;
      const said = !this.devices || context.book.truth === null ? [] : [devices ? t("calm", { devices }) : t("no_device")];
      return said[0] ? context.t("says", { what: cell.name, said: said[0] }) : cell.name;
    }
    const { incident, help, more } = mark;
    const parts = [help ? context.t("class_help") : ""];
    if (incident) {
      const status = statusOf(incident);
      parts.push(
        `${words.classWord(incident, NO_HELP)} (${words.hazards(incident)})`,
        incident.drill ? "" : status === "seen" ? t("seen") : status === "shelved" ? words.status(incident) : context.t(`status_${status}`),
        more ? t("more", { count: more }) : "",
      );
    }
    return context.t("says", { what: cell.name, said: parts.filter(Boolean).join(context.t("comma")) });
  }

  private legend() {
    const { t, context } = this;
    const signs: [string, Key | null, Parameters<Context["t"]>[0] | null][] = [
      [mdiLifebuoy, null, "class_help"],
      [mdiFire, null, "class_fire"],
      [mdiFlashAlert, null, "class_linkage"],
      [mdiFlash, null, "class_electrical"],
      [mdiAlertOutline, null, "class_supervision"],
      [mdiWrench, null, "class_fault"],
      [mdiBellOffOutline, null, "class_shelved"],
      [mdiPowerPlugOff, null, "status_power_off"],
      [mdiSchool, null, "class_drill"],
      [mdiExclamationThick, "unseen", null],
      [mdiEyeCheck, "seen", null],
      [mdiRestore, null, "status_over_reset"],
    ];
    return html`<ul class="legend" aria-label=${t("legend")}>
      ${signs.map(([path, own, shared]) => html`<li>${icon(path)} ${own ? t(own) : shared ? context.t(shared) : ""}</li>`)}
      <li><span class="cell none example" aria-hidden="true"></span> ${t("no_device")}</li>
      ${this.doors.size ? doorSigns(t).map(([sign, text]) => html`<li>${sign} ${text}</li>`) : nothing}
    </ul>`;
  }

  private readonly clicked = (event: MouseEvent): void => {
    const link = (event.target as Element).closest<HTMLElement>("[data-path]");
    if (link?.dataset["path"] && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      this.context.go(link.dataset["path"]);
    }
  };

  private readonly focused = (event: FocusEvent): void => {
    const cell = (event.target as Element).closest<HTMLElement>("[data-area]");
    const group = cell?.closest<HTMLElement>("[data-group]")?.dataset["group"];
    if (cell?.dataset["area"] && group !== undefined && this.current.get(group) !== cell.dataset["area"]) {
      this.current.set(group, cell.dataset["area"]);
      this.requestUpdate();
    }
  };

  private readonly pressed = (event: KeyboardEvent): void => {
    const cell = (event.target as Element).closest<HTMLElement>("[data-area]");
    const group = cell?.closest<HTMLElement>("[data-group]");
    const from = cell?.dataset["area"];
    if (!group || from === undefined || !WAYS.has(event.key) || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    event.preventDefault();
    const [key, stairwellKey] = split(group.dataset["group"] ?? "");
    const building = this.buildings.find((item) => item.key === key);
    const rows = group.dataset["group"] === doorGroup(key)
      ? [(this.doors.get(key) ?? []).map(cellOf)]
      : stairwellKey
      ? building?.stairwells.find((item) => item.key === stairwellKey)?.storeys.map((row) => row.cells)
      : [building?.shared ?? []];
    const to = step(rows ?? [], from, event.key as Way);
    group.querySelector<HTMLElement>(`[data-area="${CSS.escape(to)}"]`)?.focus();
  };

  static override readonly styles = [
    tokens,
    common,
    css`
      :host {
        display: block;
      }
      .back {
        display: inline-flex;
        align-items: center;
        min-width: 44px;
        min-height: 44px;
      }
      .tiles {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(180px, 1fr));
        gap: 8px;
        margin-bottom: 16px;
      }
      .tile {
        --c: var(--divider-color);
        display: grid;
        gap: 2px;
        align-content: center;
        min-height: 64px;
        padding: 8px 12px 8px 18px;
        border: 1px solid var(--divider-color);
        border-inline-start: 8px solid var(--c);
        border-radius: 8px;
        background: var(--card-background-color, #fff);
        text-decoration: none;
      }
      .totals {
        display: inline-flex;
        flex-wrap: wrap;
        gap: 2px 12px;
        font-size: 15px;
        font-weight: 400;
      }
      .total {
        display: inline-flex;
        align-items: center;
        gap: 4px;
        color: var(--c);
        font-weight: 700;
      }
      .total svg {
        width: 20px;
        height: 20px;
      }
      .building {
        margin-bottom: 16px;
        padding: 12px 16px;
        border: 1px solid var(--divider-color);
        border-radius: 8px;
        background: var(--card-background-color, #fff);
        content-visibility: auto;
        contain-intrinsic-size: auto 480px;
      }
      h2 {
        display: flex;
        flex-wrap: wrap;
        align-items: baseline;
        gap: 4px 16px;
        font-size: 18px;
        margin-bottom: 8px;
      }
      h3 {
        font-size: 15px;
        font-weight: 500;
        margin-bottom: 4px;
      }
      .totals + button {
        margin-inline-start: auto;
      }
      h2 button {
        min-height: 44px;
        font-size: 15px;
      }
      button[aria-pressed="true"] {
        border-width: 3px;
        border-color: var(--focus);
      }
      [slot] .cell {
        min-width: 44px;
      }
      .stairwells {
        display: flex;
        flex-wrap: wrap;
        gap: 16px 32px;
      }
      .stairwell {
        min-width: 0;
      }
      .grid {
        display: grid;
        gap: 4px;
        overflow-x: auto;
        padding: 3px;
        margin: -3px;
      }
      .row {
        display: grid;
        grid-template-columns: 28px repeat(var(--doors), minmax(72px, 96px));
        gap: 4px;
        align-items: stretch;
      }
      .storey {
        align-self: center;
        color: var(--secondary-text-color);
        font-variant-numeric: tabular-nums;
      }
      .row > [role="gridcell"] {
        display: grid;
      }
      .wrap {
        display: flex;
        flex-wrap: wrap;
        gap: 4px;
      }
      .shared {
        margin-top: 12px;
      }
      .shared .cell {
        min-width: 96px;
        max-width: 220px;
      }
      .cell {
        --c: var(--divider-color);
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: 4px;
        min-height: 48px;
        padding: 2px 8px;
        border: 2px solid var(--c);
        border-radius: 6px;
        background: var(--card-background-color, #fff);
        color: var(--primary-text-color);
        text-decoration: none;
        font-variant-numeric: tabular-nums;
        min-width: 0;
      }
      .label {
        overflow-wrap: anywhere;
      }
      .grid .cell {
        flex-wrap: wrap;
      }
      .grid .label {
        white-space: nowrap;
      }
      .signs {
        display: inline-flex;
        flex-wrap: wrap;
        justify-content: flex-end;
        color: var(--c);
      }
      .signs svg {
        width: 20px;
        height: 20px;
      }
      .cell.none {
        border: 1px dashed var(--secondary-text-color);
        color: var(--secondary-text-color);
      }
      .example {
        display: inline-block;
        min-height: 20px;
        width: 28px;
        padding: 0;
      }
      .cell.filled:not(.over) {
        background: var(--c);
      }
      .cell.filled:not(.over),
      .cell.filled:not(.over) .signs {
        color: var(--on-fill);
      }
      .cell.over {
        border-style: dashed;
      }
      .cell.new,
      .total {
        font-weight: 700;
      }
      .cell.drill {
        --c: var(--shielded);
        background: repeating-linear-gradient(
          135deg,
          var(--card-background-color, #fff) 0 8px,
          var(--secondary-background-color, #eee) 8px 16px
        );
      }
      .legend {
        list-style: none;
        display: flex;
        flex-wrap: wrap;
        gap: 4px 20px;
        margin: 16px 0 0;
        padding: 0;
        color: var(--secondary-text-color);
        font-size: 14px;
      }
      .legend li {
        display: inline-flex;
        align-items: center;
        gap: 6px;
      }
      .empty,
      .hint {
        padding: 24px 16px;
        font-size: 18px;
      }
      :host([narrow]) .tiles {
        grid-template-columns: minmax(0, 1fr);
      }
      :host([narrow]) .stairwells {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
      }
      :host([narrow]) .row {
        grid-template-columns: 24px repeat(var(--doors), minmax(48px, 1fr));
      }
      :host([narrow]) .building {
        padding: 8px;
      }
      @media (forced-colors: active) {
        .cell.filled {
          border-width: 4px;
        }
      }
    `,
    ranks,
    css`
      .drill {
        --c: var(--shielded);
      }
      .power_off {
        --c: var(--shielded);
      }
      .help {
        --c: var(--help);
      }
    `,
    doorStyles,
    css`
      .cell.locked,
      .cell.open {
        border-color: var(--divider-color);
      }
      .cell.unreleased {
        background: var(--c);
      }
      .cell.unreleased,
      .cell.unreleased .signs {
        color: var(--on-fill);
      }
      .cell.releasing,
      .cell.unknown {
        border-style: dashed;
      }
      .cell.forced,
      .cell.held_open,
      .cell.unreleased {
        font-weight: 700;
      }
    `,
  ];
}

/** Of the doors of a building: no stairwell is called so. */
const doorGroup = (key: string): string => `${key}//doors`;

const cellOf = (door: Door): Cell => ({ areaId: door.door_id, name: door.name, label: door.name });

/** `floor/stairwell`: what is before the first stroke, and what is after it. */
function split(group: string): [string, string] {
  const at = group.indexOf("/");
  return [group.slice(0, at), group.slice(at + 1)];
}

define({ "cs-map": MapPage });
