import { css, html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { ChangeSheet, type Subject } from "./change";
import { CompoundMap, isPlaced, type Position } from "./compound";
import type { Outcome, PlaceFile, PlaceRow } from "./model";
import { Page, pageStyles } from "./page";
import { NEW_PLACE, placeData, placeFields } from "./place-fields";
import { PrintSheet } from "./print";
import { apis, dayOf, option, pathOf, type Api, type Room } from "./room";
import type { Done } from "./sheet";
import { undotted } from "../translate";

/** The server prints so many labels at once. */
const MOST_LABELS = 240;
/** Rows that are drawn at once; a button shows more. */
const ROWS = 100;
const FILTERS = ["no_plate", "never_scanned"] as const;
type Filter = (typeof FILTERS)[number];

const TESTS: Record<Filter, (row: PlaceRow) => boolean> = {
  no_plate: (row) => row.code === null,
  never_scanned: (row) => row.code?.scans === 0,
};

interface List {
  places: PlaceRow[];
  centre: Position;
}

/** What a place is called, as on its plate: `1-2-301`, `Building 1`, or its name. */
export function placeName({ t }: Pick<Room, "t">, row: Pick<PlaceRow, "building" | "stairwell" | "number" | "name">): string {
  const { building, stairwell, number, name } = row;
  const where = number
    ? [building, stairwell, number].filter(Boolean).join("-")
    : building && t(stairwell ? "place_stairwell" : "place_building", { building, stairwell });
  return [where, name].filter(Boolean).join(" ");
}

/** All places, their plates, and where they are. */
export class PlacesPage extends Page {
  @state() private found: List | null = null;
  @state() private filter: Filter | null = null;
  @state() private kind = "";
  @state() private most = ROWS;
  @state() private chosen: ReadonlySet<string> = new Set<string>();
  @state() private html = "";
  @state() private placing: string | null = null;
  @state() private adding: Subject | null = null;

  protected override firstUpdated(): void {
    void this.reload();
  }

  private get api(): Api | undefined {
    return this.shownOf(apis(this.room, "get_places"));
  }

  protected override async load(): Promise<void> {
    const { api, room } = this;
    if (api && !api.lacksReason("get_places")) {
      const answer = await api.ask<List>("place_list");
      const { compare } = new Intl.Collator(room.hass.language, { numeric: true });
      const key = (row: PlaceRow): string => `${row.building} ${row.stairwell} ${row.number} ${row.name}`;
      answer.places.sort((a, b) => compare(key(a), key(b)));
      this.found = answer;
    }
  }

  override render() {
    const { api, found, room } = this;
    const { t } = room;
    const gate = api ? this.gate(api, "get_places") : null;
    if (gate || !api) {
      return gate ?? nothing;
    }
    return html`<div class="head">
        <h1>${t("places")}</h1>
        <span class="grow"></span>
        ${api.may("save_place")
          ? html`<button
              data-do="add_place"
              ?disabled=${room.locked}
              @click=${() => {
                this.adding = this.newPlace(api);
              }}
            >
              ${t("add_place")}
            </button>`
          : nothing}
      </div>
      ${this.askProperty(apis(room, "get_places"), () => void this.reload())} ${this.reason()} ${this.said()}
      ${found ? this.all(api, found) : html`<div class="skeleton" role="status" aria-label=${t("waiting")}></div>`}
      ${this.html ? html`<cs-print .room=${room} .api=${api} .html=${this.html} @closed=${this.printed}></cs-print>` : nothing}
      ${this.adding ? html`<cs-change .room=${room} .api=${api} .subject=${this.adding} @closed=${this.closed}></cs-change>` : nothing}`;
  }

  private all(api: Api, found: List): TemplateResult {
    const { t } = this.room;
    const kinds = [...new Set(found.places.map((row) => row.kind))];
    const rows = found.places.filter(
      (row) => (!this.filter || TESTS[this.filter](row)) && (!this.kind || row.kind === this.kind),
    );
    return html`<div class="filters" role="group" aria-label=${t("filter")}>
        ${this.chip(null, t("filter_all"), found.places.length)}
        ${FILTERS.map((filter) => this.chip(filter, t(filter), found.places.filter(TESTS[filter]).length))}
        <label class="field">
          ${t("kind")}
          <select
            name="kind"
            @change=${(event: Event) => {
              this.kind = (event.target as HTMLSelectElement).value;
            }}
          >
            <option value="">${t("filter_all")}</option>
            ${kinds.map((kind) => html`<option value=${kind} ?selected=${kind === this.kind}>${option(this.room, "place_kind", kind)}</option>`)}
          </select>
        </label>
      </div>
      ${api.may("print_codes") ? this.printing(api, rows) : nothing}
      ${rows.length ? this.table(api, rows) : html`<p class="box">${t("no_place")}</p>`}
      ${rows.length > this.most
        ? html`<button
            @click=${() => {
              this.most += ROWS * 5;
            }}
          >
            ${t("show_more", { count: rows.length - this.most })}
          </button>`
        : nothing}
      ${this.map(api, found)}`;
  }

  private chip(filter: Filter | null, text: string, count: number): TemplateResult {
    return html`<button
      aria-pressed=${this.filter === filter}
      class=${this.filter === filter ? "main" : ""}
      data-filter=${filter ?? "all"}
      @click=${() => {
        this.filter = filter;
        this.most = ROWS;
      }}
    >
      ${text} <span class="number">${count}</span>
    </button>`;
  }

  private printing(api: Api, rows: PlaceRow[]): TemplateResult {
    const { t } = this.room;
    const chosen = rows.filter((row) => this.chosen.has(row.place_id));
    const again = chosen.filter((row) => row.code).length;
    const many = chosen.length > MOST_LABELS;
    return html`<p class="actions">
      <button
        data-do="choose_all"
        @click=${() => {
          this.chosen = new Set(chosen.length === rows.length ? [] : rows.map((row) => row.place_id));
        }}
      >
        ${t("choose_all")}
      </button>
      ${this.pressTwice(
        "print_codes",
        t("print_plates", { count: chosen.length }),
        () => this.print(api, chosen),
        again ? t("print_again", { count: again }) : undefined,
        !chosen.length || many,
      )}
      ${many ? html`<span class="wrong">${t("too_many_labels", { count: MOST_LABELS })}</span>` : nothing}
    </p>`;
  }

  private async print(api: Api, rows: PlaceRow[]): Promise<void> {
    await this.trying(async () => {
      const answer = await api.ask<{ html: string }>("print_codes", { place_ids: rows.map((row) => row.place_id) });
      this.html = answer.html;
    });
  }

  private readonly printed = (): void => {
    this.html = "";
    this.chosen = new Set();
    void this.reload();
  };

  private table(api: Api, rows: PlaceRow[]): TemplateResult {
    const { room } = this;
    const { t } = room;
    return html`<div class="wide"><table class="box">
      <thead>
        <tr>
          ${api.may("print_codes") ? html`<td></td>` : nothing}
          <th scope="col">${t("place")}</th>
          <th scope="col">${t("kind")}</th>
          <th scope="col">${t("storey")}</th>
          <th scope="col">${t("plate")}</th>
        </tr>
      </thead>
      <tbody>
        ${rows.slice(0, this.most).map(
          (row) =>
            html`<tr data-place=${row.place_id}>
              ${api.may("print_codes")
                ? html`<td>
                    <label class="tick">
                      <input
                        type="checkbox"
                        aria-label=${placeName(room, row)}
                        .checked=${this.chosen.has(row.place_id)}
                        @change=${(event: Event) => {
                          this.choose(row, (event.target as HTMLInputElement).checked);
                        }}
                      />
                    </label>
                  </td>`
                : nothing}
              <th scope="row">${this.link(pathOf(room.session, "place", row.place_id, api.property.entry_id), placeName(room, row))}</th>
              <td class="kind">${option(room, "place_kind", row.kind)}</td>
              <td class="number">${row.storey ?? ""}</td>
              <td class="plate">${plateOf(row, this)}</td>
            </tr>`,
        )}
      </tbody>
    </table></div>`;
  }

  private choose(row: PlaceRow, isChosen: boolean): void {
    const chosen = new Set(this.chosen);
    if (isChosen) {
      chosen.add(row.place_id);
    } else {
      chosen.delete(row.place_id);
    }
    this.chosen = chosen;
  }

  private map(api: Api, found: List): TemplateResult {
    const { room } = this;
    const { t } = room;
    return html`<section class="box">
      <h2>${t("compound")}</h2>
      ${api.may("save_place")
        ? html`<label class="field">
            ${t("put_on_map")}
            <select
              name="placing"
              @change=${(event: Event) => {
                this.placing = (event.target as HTMLSelectElement).value || null;
              }}
            >
              <option value="">${t("put_which")}</option>
              ${found.places.map((row) => html`<option value=${row.place_id} ?selected=${row.place_id === this.placing}>${placeName(room, row)}</option>`)}
            </select>
          </label>`
        : nothing}
      ${this.placing
        ? html`<p role="status">${t("click_where")}</p>`
        : found.places.some(isPlaced)
          ? nothing
          : html`<p class="quiet">${t("map_empty")}</p>`}
      <cs-compound
        .places=${found.places}
        .centre=${found.centre}
        .nameOf=${(row: PlaceRow) => placeName(room, row)}
        .label=${t("compound")}
        .placing=${room.locked ? null : this.placing}
        @placed=${(event: CustomEvent<Position>) => void this.put(api, event.detail)}
      ></cs-compound>
    </section>`;
  }

  private async put(api: Api, where: Position): Promise<void> {
    const place_id = this.placing;
    await this.trying(async () => {
      await api.ask("save_place", { place_id, ...where });
      this.did(this.room.t("saved"));
      await this.load();
    });
  }

  private newPlace(api: Api): Subject {
    const { room } = this;
    return {
      title: undotted(room.t("add_place")),
      version: 1,
      fields: placeFields(room, NEW_PLACE),
      send: (values) =>
        api.ask<Outcome<PlaceFile, string>>("save_place", { kind: NEW_PLACE.kind, ...placeData(values) }),
      read: () => ({ version: 1, fields: placeFields(room, NEW_PLACE) }),
    };
  }

  private readonly closed = (event: CustomEvent<Done | undefined>): void => {
    this.adding = null;
    if (event.detail) {
      this.done = event.detail.text;
      void this.reload();
    }
  };

  static override readonly styles = [
    ...pageStyles,
    css`
      .filters {
        display: flex;
        flex-wrap: wrap;
        align-items: end;
        gap: 8px;
        margin-bottom: 8px;
      }
      .filters button {
        min-height: 44px;
      }
      .wide {
        overflow-x: auto;
      }
      .wide,
      p.actions {
        margin-bottom: 12px;
      }
      :host([narrow]) th,
      :host([narrow]) .kind {
        white-space: nowrap;
      }
      :host([narrow]) .plate .quiet {
        white-space: normal;
      }
      td:has(.tick) {
        width: 44px;
      }
      .tick {
        display: grid;
        place-items: center;
        width: 44px;
        height: 44px;
      }
      table.box {
        margin: 0;
        padding: 0;
      }
      table.box th,
      table.box td {
        padding-inline: 8px;
      }
      tbody th {
        color: var(--primary-text-color);
        font-size: 16px;
        border-top: 1px solid var(--divider-color);
      }
      input[type="checkbox"] {
        width: 24px;
        height: 24px;
      }
    `,
  ];
}

/** What is known of a place's plate. */
export function plateOf(row: PlaceRow, { room }: { room: Page["room"] }): TemplateResult {
  const { t } = room;
  return row.code
    ? html`<span class="number">${t("plate_version", { version: row.code.version })}</span>
        ${row.code.scanned_at
          ? html`<span class="quiet number">${t("scanned", { count: row.code.scans, day: dayOf(room, row.code.scanned_at) })}</span>`
          : html`<span class="tag warn">${t("never_scanned")}</span>`}`
    : html`<span class="quiet">${t("no_plate")}</span>`;
}

export const elements = {
  "cs-places": PlacesPage,
  "cs-compound": CompoundMap,
  "cs-print": PrintSheet,
  "cs-change": ChangeSheet,
};
