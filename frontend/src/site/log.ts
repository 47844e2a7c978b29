import { LitElement, css, html, nothing } from "lit";
import { property, state } from "lit/decorators.js";
import { guard } from "lit/directives/guard.js";
import type { Context } from "../context";
import { define } from "../define";
import { reasonOf, type Rejected } from "../errors";
import { clock, dateAndClock, day as dayOf, isoDay } from "../format";
import { print } from "../print";
import { entryOf } from "../story";
import { common, tokens } from "../styles";
import { Day, type DoorOrder, type Part, type Told } from "./day";
import { sortOf } from "./door-look";
import { translator, type Key, type Translate } from "./texts";

const MOST_ROWS = 500;
const COLUMNS = ["log_time", "column_place", "column_hazard", "log_what", "log_who"] as const;

/** The log of one day, for paper: each alarm, what became of it, and who did what. */
export class LogPage extends LitElement {
  @property({ attribute: false }) context!: Context;
  /** In ISO 8601; null: today. */
  @property() day: string | null = null;
  @property({ type: Boolean, reflect: true }) dark = false;
  @property({ type: Boolean, reflect: true }) narrow = false;
  @state() private told: Told[] = [];
  @state() private isLoading = false;
  @state() private error: string | null = null;
  @state() private isOfPeople = false;
  @state() private most = MOST_ROWS;
  private names: ReadonlyMap<string, string> = new Map();
  private loaded: string | null = null;
  private run = 0;
  private t: Translate = translator("en");

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.run += 1;
    this.loaded = null;
  }

  private get shown(): string {
    return this.day ?? isoDay(this.context.hass, this.context.now);
  }

  protected override willUpdate(): void {
    if (this.context.book.truth !== null && this.loaded !== this.shown) {
      this.loaded = this.shown;
      void this.load(this.shown);
    }
  }

  private async load(day: string): Promise<void> {
    const run = ++this.run;
    const { hass, t } = this.context;
    const found = new Day();
    this.isLoading = true;
    this.error = null;
    this.told = [];
    this.most = MOST_ROWS;
    try {
      let next: unknown[] | null = null;
      do {
        const part: Part = await hass.connection.sendMessagePromise<Part>({
          type: "community_safety/day",
          day,
          ...(next ? { after: next } : {}),
        });
        if (run !== this.run) {
          return;
        }
        found.take(part);
        next = part.next;
      } while (next);
      this.names = found.names;
      this.told = found.told();
    } catch (error) {
      this.error = reasonOf(hass, error as Rejected, t("not_allowed"), t("line_lost"));
    } finally {
      if (run === this.run) {
        this.isLoading = false;
      }
    }
  }

  override render() {
    const { context, shown } = this;
    const { hass } = context;
    const t = (this.t = translator(hass.language));
    const rows = this.isOfPeople ? this.told.filter(({ who }) => who !== null) : this.told;
    return html`
      <h1>${t("log_of", { day: dayOf(hass, shown), place: hass.config.location_name })}</h1>
      <div class="filters no-print">
        <label>
          ${t("log_day")}
          <input
            type="date"
            required
            max=${isoDay(hass, context.now)}
            .value=${shown}
            @change=${(event: Event) => {
              const { value, validity } = event.target as HTMLInputElement;
              if (validity.valid) {
                context.go(`/log/${value}`);
              }
            }}
          />
        </label>
        <label class="choice">
          <input
            type="checkbox"
            .checked=${this.isOfPeople}
            @change=${(event: Event) => {
              this.isOfPeople = (event.target as HTMLInputElement).checked;
            }}
          />
          ${t("log_people")}
        </label>
        <button ?disabled=${this.isLoading} @click=${this.print}>${context.t("print")}</button>
      </div>
      ${this.error ? html`<p role="alert" class="bad">${t("history_failed", { reason: this.error })}</p>` : nothing}
      <p role="status">${this.isLoading ? context.t("waiting") : t("log_count", { count: rows.length })}</p>
      ${guard([this.told, this.isOfPeople, this.most, hass.language, hass.areas], () => this.table(rows))}
      ${rows.length > this.most
        ? html`<button
            class="no-print"
            @click=${() => {
              this.most += MOST_ROWS;
            }}
          >
            ${t("devices_more", { count: rows.length - this.most })}
          </button>`
        : nothing}
      <p class="only-print">${context.t("printed", { time: dateAndClock(hass, context.now) })}</p>
      <p class="quiet">${context.t("not_certified")}</p>
    `;
  }

  private readonly print = (): void => {
    // All of it is on the paper.
    this.most = Infinity;
    void this.updateComplete.then(print);
  };

  private table(rows: Told[]) {
    const { t, context } = this;
    return rows.length
      ? html`<div class="scroll" tabindex="0" role="region" aria-label=${t("log")}>
          <table>
            <thead>
              <tr>
                ${COLUMNS.map((key) => html`<th scope="col">${t(key)}</th>`)}
              </tr>
            </thead>
            <tbody>
              ${rows.slice(0, this.most).map((row) => {
                const { areas, of, what } = "line" in row ? this.line(row) : this.order(row.order);
                return html`<tr>
                  <td class="number">${clock(context.hass, row.at)}</td>
                  <td>${[...new Set(areas)].map((area) => context.words.area(area) ?? context.t("no_place")).join(context.t("comma"))}</td>
                  <td>${of}</td>
                  <td>${what}</td>
                  <td>${row.who ? (this.names.get(row.who) ?? context.words.who(row.who)) : ""}</td>
                </tr>`;
              })}
            </tbody>
          </table>
        </div>`
      : nothing;
  }

  private line({ line: { alarm, entry }, also }: Extract<Told, { line: unknown }>) {
    const { words, t } = this.context;
    const of = `${words.hazard(alarm)} · ${alarm.device_name}`;
    return {
      areas: [alarm, ...also].map(({ area_id }) => area_id),
      of: alarm.drill ? t("says", { what: t("class_drill"), said: of }) : of,
      what: entryOf(words, alarm, entry),
    };
  }

  private order(order: DoorOrder) {
    const { t, context } = this;
    const { words } = context;
    const why = words.option(order.order === "lock" ? "checked" : "order_reason", order.why);
    const proof: Key = order.proven === null ? "ordered_unknown" : order.proven ? "ordered_proven" : "ordered_failed";
    return {
      areas: [order.area_id],
      of: order.channel ? context.t("channel", { name: order.name, channel: order.channel.toUpperCase() }) : order.name,
      what: [
        context.t("says", { what: t(`${sortOf(order)}_ordered_${order.order}`), said: why }),
        ...(order.comment ? [order.comment] : []),
        t(proof),
      ].join(context.t("comma")),
    };
  }

  static override readonly styles = [
    tokens,
    common,
    css`
      :host {
        display: block;
      }
      h1 {
        font-size: 22px;
        font-weight: 500;
      }
      .filters {
        display: flex;
        flex-wrap: wrap;
        align-items: end;
        gap: 8px 16px;
        margin: 12px 0;
      }
      .filters label:not(.choice) {
        display: grid;
        gap: 2px;
        font-size: 14px;
      }
      input[type="date"] {
        min-height: 44px;
        padding: 0 12px;
        border: 1px solid var(--outline-color, var(--secondary-text-color));
        border-radius: 8px;
        background: var(--card-background-color, #fff);
        font-size: 16px;
      }
      .scroll {
        overflow-x: auto;
        margin: 8px 0;
        padding: 10px 16px;
        border: 1px solid var(--divider-color);
        border-radius: 8px;
        background: var(--card-background-color, #fff);
      }
      table {
        width: 100%;
        min-width: 640px;
        border-collapse: collapse;
      }
      th,
      td {
        padding: 6px 12px 6px 0;
        border-top: 1px solid var(--divider-color);
        text-align: start;
        vertical-align: top;
        overflow-wrap: anywhere;
      }
      td:first-child {
        white-space: nowrap;
      }
      td:nth-child(2) {
        min-width: 8em;
      }
      thead th {
        border-top: none;
        color: var(--secondary-text-color);
        font-weight: 400;
      }
      .bad {
        color: var(--danger);
        font-weight: 500;
      }
      .only-print {
        display: none;
      }
      @media print {
        .only-print {
          display: block;
        }
        .scroll {
          overflow: visible;
          padding: 0;
          border: none;
        }
        table {
          min-width: 0;
          color: #000;
          font-size: 11px;
        }
        tr {
          break-inside: avoid;
        }
      }
    `,
  ];
}

define({ "cs-log": LogPage });
