import { css, html, nothing, type TemplateResult } from "lit";
import { query, state } from "lit/decorators.js";
import { takeAhead } from "./ahead";
import { findUnits, MOST_UNITS } from "./find";
import { elements as kept } from "./kept";
import type { Hit, Unit, Units } from "./model";
import { messageOf, Page, pageStyles } from "./page";
import { apis, day, option, pathOf, type Api } from "./room";

/** The server takes so many units for one page of the list. */
const PAGE_UNITS = 2000;
/** Rows that are drawn at once; a button shows more. */
const ROWS = 100;
/** After the last letter it is waited so long, in milliseconds. */
const PAUSE_MILLISECONDS = 150;
const LEAST_CHARACTERS = 2;
const FILTERS = ["occupied", "vacant", "incomplete", "unreachable", "ending", "overdue"] as const;
type Filter = (typeof FILTERS)[number];

interface Of<T> {
  api: Api;
  row: T;
}

interface Known {
  connection: object;
  units: Of<Unit>[];
  total: number;
  counts: Record<string, number>;
}

/** What was listed last: it is shown, and searched, until the server has answered anew. */
let known: Known | null = null;

/** All units, and who is looked for. */
export class UnitsPage extends Page {
  @state() private wanted = "";
  @state() private filter: Filter | null = null;
  @state() private units: Of<Unit>[] | null = null;
  @state() private shown: Of<Unit>[] | null = null;
  @state() private counts: Record<string, number> = {};
  @state() private total = 0;
  @state() private most = ROWS;
  @state() private people: Of<Hit>[] = [];
  @state() private morePeople = false;
  @state() private refusal = "";
  @state() private isSearching = false;
  @query("input") private input?: HTMLInputElement;
  private timer: number | undefined;
  private searches = 0;
  /** What Enter opens is opened when its answer is there. */
  private isWaitedFor = false;

  constructor() {
    super();
    this.addEventListener("search", this.begin);
  }

  protected override firstUpdated(): void {
    if (known?.connection === this.room.hass.connection) {
      this.take(known);
    }
    void this.reload();
    this.begin();
  }

  /** Takes over what somebody has begun to type. */
  private readonly begin = (): void => {
    const ahead = takeAhead();
    if (ahead && this.input) {
      this.input.focus();
      this.look(ahead.text);
      if (ahead.isSent) {
        this.openFirst();
      }
    }
  };

  protected override async load(): Promise<void> {
    const properties = apis(this.room, "get_units").filter((api) => !api.lacksReason("get_units"));
    const answers = await Promise.all(properties.map((api) => this.list(api, null)));
    known = {
      connection: this.room.hass.connection,
      units: answers.flatMap((answer) => answer.rows),
      total: answers.reduce((sum, answer) => sum + answer.total, 0),
      counts: Object.fromEntries(
        FILTERS.map((key) => [key, answers.reduce((sum, answer) => sum + (answer.counts[key] ?? 0), 0)]),
      ),
    };
    this.take(known);
    if (this.filter) {
      this.shown = await this.filtered(this.filter);
    }
    if (this.isWaitedFor) {
      this.openFirst();
    }
    await this.updateComplete;
    if (!this.narrow && !this.shadowRoot?.activeElement) {
      this.input?.focus({ preventScroll: true });
    }
  }

  private take(found: Known): void {
    this.units = this.shown = found.units;
    this.total = found.total;
    this.counts = found.counts;
  }

  private async list(api: Api, only: Filter | null) {
    const rows: Of<Unit>[] = [];
    for (;;) {
      const answer = await api.ask<Units>("units", {
        offset: rows.length,
        limit: PAGE_UNITS,
        ...(only ? { only } : {}),
      });
      rows.push(...answer.units.map((row) => ({ api, row })));
      if (!answer.units.length || rows.length >= answer.matching) {
        return { rows, total: answer.total, counts: answer.counts };
      }
    }
  }

  private async filtered(only: Filter): Promise<Of<Unit>[]> {
    const answers = await Promise.all(apis(this.room, "get_units").map((api) => this.list(api, only)));
    return answers.flatMap((answer) => answer.rows);
  }

  override render() {
    const { t } = this.room;
    const [first] = apis(this.room, "get_units");
    const gate = first ? this.gate(first, "get_units") : null;
    if (gate) {
      return gate;
    }
    return html`
      <h1 class="said">${t("units")}</h1>
      <div class="search">
        <input
          type="search"
          aria-label=${t("search_hint")}
          placeholder=${t("search_hint")}
          autocomplete="off"
          autocapitalize="off"
          spellcheck="false"
          enterkeyhint="search"
          .value=${this.wanted}
          @input=${this.typed}
          @keydown=${this.key}
        />
      </div>
      ${this.reason()} ${this.said()} ${this.wanted.trim() ? this.found() : this.all()}
    `;
  }

  // What is looked for

  private readonly typed = (event: Event): void => {
    this.look((event.target as HTMLInputElement).value);
  };

  private look(wanted: string): void {
    this.wanted = wanted;
    this.isWaitedFor = false;
    window.clearTimeout(this.timer);
    const query = this.wanted.trim();
    this.refusal = "";
    this.searches += 1;
    this.isSearching = query.length >= LEAST_CHARACTERS && this.mayFind.length > 0;
    if (this.isSearching) {
      this.timer = window.setTimeout(() => void this.search(query, this.searches), PAUSE_MILLISECONDS);
    } else {
      this.people = [];
    }
  }

  private get mayFind(): Api[] {
    return apis(this.room, "find_people");
  }

  private async search(query: string, number: number): Promise<void> {
    try {
      const answers = await Promise.all(
        this.mayFind.map(async (api) => ({ api, ...(await api.ask<{ people: Hit[]; more: boolean }>("search", { query })) })),
      );
      if (number === this.searches) {
        this.people = answers.flatMap(({ api, people }) => people.map((row) => ({ api, row })));
        this.morePeople = answers.some((answer) => answer.more);
      }
    } catch (error) {
      if (number === this.searches) {
        this.people = [];
        this.refusal = messageOf(error).text;
      }
    }
    if (number === this.searches) {
      this.isSearching = false;
      if (this.isWaitedFor) {
        this.openFirst();
      }
    }
  }

  private get hits(): Of<Unit>[] {
    const units = this.units ?? [];
    const by = new Map(units.map((item) => [item.row, item]));
    return findUnits(units.map((item) => item.row), this.wanted)
      .slice(0, MOST_UNITS)
      .flatMap((unit) => by.get(unit) ?? []);
  }

  private readonly key = (event: KeyboardEvent): void => {
    if (event.key === "Enter" && !event.isComposing) {
      this.openFirst();
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      this.step(event, 1);
    } else if (event.key === "Escape" && this.wanted) {
      this.wanted = "";
      this.people = [];
    }
  };

  /** From one result to the next, without reaching for the mouse. */
  private step(event: KeyboardEvent, by: number): void {
    const links = [...this.renderRoot.querySelectorAll<HTMLElement>(".results a")];
    const at = links.indexOf(event.target as HTMLElement);
    const next = links[at + by];
    (next ?? (by < 0 ? this.input : undefined))?.focus();
  }

  private readonly walk = (event: KeyboardEvent): void => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.step(event, event.key === "ArrowDown" ? 1 : -1);
    }
  };

  private openFirst(): void {
    const [unit] = this.hits;
    const [person] = this.people;
    if (unit) {
      this.room.go(this.unitPath(unit));
    } else if (this.isSearching || !this.units) {
      this.isWaitedFor = true;
    } else if (person) {
      this.room.go(this.personPath(person));
    }
  }

  private unitPath({ api, row }: Of<Unit>): string {
    return pathOf(this.room.session, "unit", row.unit_id, api.property.entry_id);
  }

  private personPath({ api, row }: Of<Hit>): string {
    return pathOf(this.room.session, "person", row.person_id, api.property.entry_id);
  }

  private found(): TemplateResult {
    const { t } = this.room;
    const units = this.hits;
    const nobody = !units.length && !this.people.length && !this.isSearching && !this.refusal;
    return html`<div class="results" @keydown=${this.walk}>
      ${units.length
        ? html`<section class="box">
            <h2>${t("units")}</h2>
            <ul class="flat">
              ${units.map(
                (unit) =>
                  html`<li>
                    ${this.link(
                      this.unitPath(unit),
                      html`<strong>${unit.row.title}</strong> <span class="quiet">${this.figures(unit.row)}</span>`,
                      "hit",
                    )}
                  </li>`,
              )}
            </ul>
          </section>`
        : nothing}
      ${this.people.length
        ? html`<section class="box">
            <h2>${t("people")}</h2>
            <ul class="flat">
              ${this.people.map((person) => html`<li>${this.link(this.personPath(person), this.person(person.row), "hit")}</li>`)}
            </ul>
            ${this.morePeople ? html`<p class="quiet">${t("more_people")}</p>` : nothing}
          </section>`
        : nothing}
      <p role="status">
        ${this.isSearching ? t("searching") : nobody ? t("nobody_found") : nothing}
      </p>
      ${this.refusal ? html`<p class="did failed" role="alert">${this.refusal}</p>` : nothing}
    </div>`;
  }

  private person(hit: Hit): TemplateResult {
    const { room } = this;
    const numbers = [...new Set(hit.addresses.filter((row) => row.channel === "sms" || row.channel === "call").map((row) => row.target))];
    return html`<strong>${hit.name}</strong>
      <span class="number">${numbers.join(room.t("comma"))}</span>
      <span class="quiet">
        ${hit.units.length
          ? hit.units.map((row) => `${row.unit ?? ""} ${option(room, "role", row.role)}`).join(" · ")
          : room.t("lives_nowhere")}
      </span>`;
  }

  // All of them

  private all(): TemplateResult {
    const { t } = this.room;
    if (!this.units || !this.shown) {
      return html`<div class="skeleton" role="status" aria-label=${t("waiting")}></div>`;
    }
    return html`
      <div class="filters" role="group" aria-label=${t("filter")}>
        ${this.chip(null, t("filter_all"), this.total)}
        ${FILTERS.map((filter) => this.chip(filter, t(`filter_${filter}`), this.counts[filter] ?? 0))}
      </div>
      <p class="quiet" role="status">${t("units_of", { shown: this.shown.length, all: this.total })}</p>
      ${this.shown.length ? (this.narrow ? this.cards() : this.table()) : html`<p class="box">${t("no_unit")}</p>`}
      ${this.shown.length > this.most
        ? html`<button
            @click=${() => {
              this.most += ROWS * 5;
            }}
          >
            ${t("show_more", { count: this.shown.length - this.most })}
          </button>`
        : nothing}
      <cs-kept .room=${this.room} .narrow=${this.narrow} @changed=${() => void this.reload()}></cs-kept>
    `;
  }

  private chip(filter: Filter | null, text: string, count: number): TemplateResult {
    return html`<button
      aria-pressed=${this.filter === filter}
      class=${this.filter === filter ? "main" : ""}
      data-filter=${filter ?? "all"}
      @click=${() => {
        this.filter = filter;
        this.most = ROWS;
        void this.reload();
      }}
    >
      ${text} <span class="number">${count}</span>
    </button>`;
  }

  private figures(unit: Unit): string {
    const { t } = this.room;
    const people = [
      unit.tenants ? t("tenants", { count: unit.tenants }) : t("vacant"),
      unit.landlords ? t("has_landlord") : t("no_landlord"),
    ];
    return people.join(" · ");
  }

  private tags(unit: Unit): (TemplateResult | typeof nothing)[] {
    const { t } = this.room;
    return [
      unit.complete ? nothing : html`<span class="tag warn">${t("incomplete")}</span>`,
      unit.overdue ? html`<span class="tag bad">${t("overdue", { count: unit.overdue })}</span>` : nothing,
      unit.unreachable ? html`<span class="tag bad">${t("unreachable", { count: unit.unreachable })}</span>` : nothing,
      unit.without_channel ? html`<span class="tag warn">${t("without_channel", { count: unit.without_channel })}</span>` : nothing,
    ];
  }

  private table(): TemplateResult {
    const { room } = this;
    const { t } = room;
    return html`<table class="box">
      <thead>
        <tr>
          <th scope="col">${t("unit")}</th>
          <th scope="col">${t("people")}</th>
          <th scope="col">${t("lease_ends")}</th>
          <th scope="col">${t("registration")}</th>
        </tr>
      </thead>
      <tbody>
        ${(this.shown ?? []).slice(0, this.most).map(
          (item) =>
            html`<tr>
              <th scope="row">${this.link(this.unitPath(item), item.row.title)} ${this.where(item)}</th>
              <td>${this.figures(item.row)}</td>
              <td class="number">${day(room, item.row.lease_end)}</td>
              <td><div class="tags">${this.tags(item.row)}${item.row.complete ? html`<span class="quiet">${t("complete")}</span>` : nothing}</div></td>
            </tr>`,
        )}
      </tbody>
    </table>`;
  }

  private where(item: Of<Unit>): TemplateResult | typeof nothing {
    return this.room.session.properties.length > 1 ? html`<span class="quiet">${item.api.property.title}</span>` : nothing;
  }

  private cards(): TemplateResult {
    const { room } = this;
    return html`<ul class="flat">
      ${(this.shown ?? []).slice(0, this.most).map(
        (item) =>
          html`<li class="box card">
            ${this.link(
              this.unitPath(item),
              html`<strong>${item.row.title}</strong> <span class="quiet">${this.figures(item.row)}</span>`,
              "hit",
            )}
            ${this.where(item)}
            ${item.row.lease_end ? html`<span class="quiet">${room.t("until", { day: day(room, item.row.lease_end) })}</span>` : nothing}
            <div class="tags">${this.tags(item.row)}</div>
          </li>`,
      )}
    </ul>`;
  }

  static override readonly styles = [
    ...pageStyles,
    css`
      .said {
        position: absolute;
        width: 1px;
        height: 1px;
        overflow: hidden;
        clip-path: inset(50%);
      }
      .search input {
        min-height: 56px;
        font-size: 18px;
        background: var(--card-background-color, #fff);
        margin-bottom: 12px;
      }
      .filters {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
        margin-bottom: 8px;
      }
      .filters button {
        min-height: 44px;
        padding: 0 12px;
      }
      .tags {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 8px;
      }
      table.box {
        display: table;
        padding: 0;
        border-spacing: 0;
        overflow: hidden;
      }
      table.box th,
      table.box td {
        padding-inline: 16px;
      }
      tbody th {
        border-top: 1px solid var(--divider-color);
        color: var(--primary-text-color);
        font-size: 16px;
      }
      tbody a {
        font-variant-numeric: tabular-nums;
      }
      a.hit {
        display: flex;
        flex-wrap: wrap;
        gap: 0 16px;
        padding: 8px;
        margin-inline: -8px;
        border-radius: 8px;
        text-decoration: none;
      }
      a.hit:hover,
      a.hit:focus-visible {
        background: var(--secondary-background-color, #eee);
      }
      .card {
        margin-bottom: 8px;
        padding: 4px 12px 8px;
      }
      :host([narrow]) .filters {
        flex-wrap: nowrap;
        overflow-x: auto;
        margin-inline: -8px;
        padding: 4px 8px;
      }
      :host([narrow]) .filters button {
        flex: none;
      }
    `,
  ];
}

export const elements = { ...kept, "cs-units": UnitsPage };
