import { LitElement, css, html, nothing } from "lit";
import { property, state } from "lit/decorators.js";
import { guard } from "lit/directives/guard.js";
import type { Context } from "../context";
import { define } from "../define";
import { reasonOf, type Rejected } from "../errors";
import type { Past } from "../incident";
import { dateAndClock, lasted, month, quantity } from "../format";
import { FLOOD_SECONDS } from "../order";
import { save } from "../save";
import { common, tokens } from "../styles";
import { csv, figuresOf, type Closed, type Figures, type Month, type Page, type Spread } from "./figures";
import { translator, type Key, type Translate } from "./texts";
import { xlsx } from "./xlsx";

const DAYS = [7, 30, 90, 365] as const;
const SEVERITIES = ["alarm", "warning", "fault"] as const;
const TYPES = {
  csv: "text/csv",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
};
const MOST_ROWS = 200;
/** More are not held in a browser; who needs them takes a shorter time. */
const MOST_ALARMS = 20_000;
/** So many alarms of one incident are asked for, and so many in the register. */
const MOST_PAST = 500;
const MOST_PEOPLE = 200;

/** What is over: each alarm, how it ended, and how long people and machines took. */
export class HistoryPage extends LitElement {
  @property({ attribute: false }) context!: Context;
  @property({ type: Boolean, reflect: true }) dark = false;
  @property({ type: Boolean, reflect: true }) narrow = false;
  @state() private alarms: Closed[] = [];
  @state() private loading = false;
  @state() private error: string | null = null;
  @state() private words = "";
  @state() private most = MOST_ROWS;
  /** An incident that is over: its id, from the address. */
  @property() past: string | null = null;
  @state() private found: Past | null = null;
  @state() private missing: string | null = null;
  private asked: string | null = null;
  private readonly names = new Map<string, string>();
  private loaded = "";
  private run = 0;
  private t: Translate = translator("en");

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.run += 1;
    this.loaded = "";
  }

  protected override willUpdate(): void {
    const { days } = this.chosen;
    if (this.context.book.truth !== null && this.loaded !== String(days)) {
      void this.load(days);
    }
    if (this.past === null) {
      this.found = this.missing = this.asked = null;
    } else if (this.asked !== this.past && !this.loading && this.loaded) {
      this.asked = this.past;
      void this.look(this.past);
    }
  }

  /** Asks for an incident that is over, by its alarms that are listed. */
  private async look(id: string): Promise<void> {
    this.found = this.missing = null;
    const { context } = this;
    const { hass } = context;
    const alarms = this.alarms.filter((alarm) => alarm.incident_id === id).map((alarm) => alarm.alarm_id);
    if (!alarms.length) {
      this.missing = this.error ?? this.t("past_missing");
      return;
    }
    try {
      const [{ incident, names }, people] = await Promise.all([
        hass.connection.sendMessagePromise<{ incident: Past["incident"]; names: Record<string, string> }>({
          type: "community_safety/past_incident",
          incident_id: id,
          alarms: alarms.slice(0, MOST_PAST),
        }),
        // That it is over for devices is known without the register.
        context.pastPeople(id, alarms.slice(0, MOST_PEOPLE)).catch(() => null),
        import("../work"),
      ]);
      for (const [who, name] of Object.entries(names)) {
        context.book.names.set(who, name);
      }
      if (this.past === id) {
        this.found = { incident, people };
      }
    } catch (error) {
      this.missing = reasonOf(hass, error as Rejected, context.t("not_allowed"), context.t("line_lost"));
    }
  }

  private one() {
    const { context, found } = this;
    return found
      ? html`<cs-incident
          .context=${context}
          .past=${found}
          .incidentId=${found.incident.incident_id}
          .dark=${this.dark}
          .narrow=${this.narrow}
        ></cs-incident>`
      : html`<a class="back no-print" href=${context.to(`/history${location.search}`)} @click=${this.back}>‹ ${context.t("page_history")}</a>
          <p role=${this.missing ? "alert" : "status"}>${this.missing ?? context.t("waiting")}</p>`;
  }

  private readonly back = (event: MouseEvent): void => {
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      this.context.go(`/history${location.search}`);
    }
  };

  private readonly log = (event: MouseEvent): void => {
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      this.context.go("/log");
    }
  };

  /** Goes to the incident of an alarm: it may still be open. */
  private goTo(id: string): (event: MouseEvent) => void {
    return (event) => {
      if (!event.ctrlKey && !event.metaKey && !event.shiftKey) {
        event.preventDefault();
        const { context } = this;
        context.go(context.book.incidents.has(id) ? `/incident/${id}` : `/history/${encodeURIComponent(id)}${location.search}`);
      }
    };
  }

  private get chosen(): { days: number; severity: string | null; drills: boolean } {
    const query = new URLSearchParams(location.search);
    const days = Number(query.get("days"));
    return {
      days: DAYS.find((item) => item === days) ?? 30,
      severity: SEVERITIES.find((item) => item === query.get("severity")) ?? null,
      drills: query.get("drills") === "1",
    };
  }

  private choose(more: Partial<ReturnType<() => HistoryPage["chosen"]>>): void {
    const { days, severity, drills } = { ...this.chosen, ...more };
    const query = new URLSearchParams({ days: String(days) });
    if (severity) {
      query.set("severity", severity);
    }
    if (drills) {
      query.set("drills", "1");
    }
    this.most = MOST_ROWS;
    this.context.go(`/history?${query}`);
    this.requestUpdate();
  }

  private async load(days: number): Promise<void> {
    this.loaded = String(days);
    const run = ++this.run;
    const { hass, now } = this.context;
    const since = now - days * 86_400;
    const known = new Map<string, Closed>();
    this.loading = true;
    this.error = null;
    let until: number | null = now;
    try {
      while (until !== null && known.size < MOST_ALARMS) {
        const page: Page = await hass.connection.sendMessagePromise<Page>({
          type: "community_safety/history",
          since,
          until,
        });
        if (run !== this.run) {
          return;
        }
        for (const alarm of page.alarms) {
          known.set(alarm.alarm_id, alarm);
        }
        for (const [who, name] of Object.entries(page.names)) {
          this.names.set(who, name);
        }
        until = page.next;
        this.alarms = [...known.values()];
      }
      this.alarms = [...known.values()];
    } catch (error) {
      this.error = reasonOf(hass, error as Rejected, this.context.t("not_allowed"), this.context.t("line_lost"));
    } finally {
      if (run === this.run) {
        this.loading = false;
      }
    }
  }

  override render() {
    const { context } = this;
    const t = (this.t = translator(context.hass.language));
    if (this.past !== null) {
      return this.one();
    }
    const { days, severity, drills } = this.chosen;
    const wanted = this.words.trim().toLowerCase();
    const rows = this.alarms.filter(
      (alarm) =>
        (drills || !alarm.drill) &&
        (severity === null || alarm.severity === severity) &&
        (!wanted || `${this.place(alarm)} ${alarm.device_name} ${this.hazard(alarm)}`.toLowerCase().includes(wanted)),
    );
    return html`
      <div class="filters no-print" role="group" aria-label=${t("filter")}>
        <label>
          ${t("history_days")}
          <select
            @change=${(event: Event) => {
              this.choose({ days: Number((event.target as HTMLSelectElement).value) });
            }}
          >
            ${DAYS.map((item) => html`<option value=${item} ?selected=${item === days}>${t("days", { days: item })}</option>`)}
          </select>
        </label>
        <label>
          ${t("history_severity")}
          <select
            @change=${(event: Event) => {
              this.choose({ severity: (event.target as HTMLSelectElement).value || null });
            }}
          >
            <option value="" ?selected=${severity === null}>${t("filter_all")}</option>
            ${SEVERITIES.map(
              (item) =>
                html`<option value=${item} ?selected=${item === severity}>${context.words.option("severity", item)}</option>`,
            )}
          </select>
        </label>
        <label class="choice">
          <input
            type="checkbox"
            .checked=${drills}
            @change=${(event: Event) => {
              this.choose({ drills: (event.target as HTMLInputElement).checked });
            }}
          />
          ${t("history_drills")}
        </label>
        <input
          type="search"
          aria-label=${t("history_find")}
          placeholder=${t("history_find")}
          .value=${this.words}
          @input=${(event: Event) => {
            this.words = (event.target as HTMLInputElement).value;
          }}
        />
        <a class="button" href=${context.to("/log")} @click=${this.log}>${t("log")}</a>
        ${(
          [
            ["csv", "history_csv"],
            ["xlsx", "history_xlsx"],
          ] as const
        ).map(
          ([kind, key]) =>
            html`<button
              ?disabled=${this.loading || !rows.length}
              @click=${() => {
                this.download(rows, kind);
              }}
            >
              ${t(key)}
            </button>`,
        )}
      </div>
      ${this.error ? html`<p role="alert" class="bad">${t("history_failed", { reason: this.error })}</p>` : nothing}
      ${guard([this.alarms, context.hass.language], () =>
        this.figures(figuresOf(this.alarms, (at) => month(context.hass, at))),
      )}
      <p class="count" role="status">${this.loading ? context.t("waiting") : t("history_count", { count: rows.length })}</p>
      ${guard([this.alarms, this.words, severity, drills, this.most, this.narrow, context.hass.language, context.hass.areas], () =>
        this.table(rows),
      )}
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
    `;
  }

  private figures(figures: Figures) {
    const { t } = this;
    const { language } = this.context.hass.locale;
    const spread = (key: Key, found: Spread | null, digits: (seconds: number) => string) =>
      html`<div>
        <dt>${t(key)}</dt>
        <dd>
          ${found
            ? t("figure_spread", { median: digits(found.median), p95: digits(found.p95), count: found.count })
            : t("figure_none")}
        </dd>
      </div>`;
    const minutes = (seconds: number): string => lasted(seconds, language);
    const short = (seconds: number): string => quantity(seconds, "s", language);
    const share = (part: number, all: number): string =>
      new Intl.NumberFormat(language, { style: "percent" }).format(part / all);
    const most = Math.max(1, ...figures.devices.map(({ count }) => count));
    const wrong = ({ judged, falseAlarms }: Pick<Month, "judged" | "falseAlarms">): string =>
      judged
        ? t("figure_false_of", { share: share(falseAlarms, judged), count: falseAlarms, all: judged })
        : t("figure_none");
    return html`<dl class="figures" aria-label=${t("figures")}>
        ${spread("figure_acknowledged", figures.acknowledged, minutes)} ${spread("figure_proven", figures.proven, short)}
        ${spread("figure_reset", figures.reset, minutes)}
        <div>
          <dt>${t("figure_minute")}</dt>
          <dd>${figures.acknowledged ? share(figures.acknowledged.inMinute, figures.acknowledged.count) : t("figure_none")}</dd>
        </div>
        <div>
          <dt>${t("figure_false")}</dt>
          <dd>${wrong(figures)}</dd>
        </div>
        <div>
          <dt>${t("figure_busiest", { minutes: FLOOD_SECONDS / 60 })}</dt>
          <dd>${t("figure_floods", { count: figures.busiest, floods: figures.floods })}</dd>
        </div>
        <div>
          <dt>${t("figure_stale")}</dt>
          <dd>${figures.stale}</dd>
        </div>
        <div>
          <dt>${t("figure_chattering")}</dt>
          <dd>${figures.chattering}</dd>
        </div>
      </dl>
      ${figures.devices.length
        ? html`<section class="most">
            <h2>${t("figure_devices")}</h2>
            <ol>
              ${figures.devices.map(
                (device) =>
                  html`<li>
                    <span>${[this.context.words.area(device.areaId), device.name].filter(Boolean).join(" · ")}</span>
                    <meter min="0" max=${most} value=${device.count} aria-hidden="true"></meter>
                    <strong>${device.count}</strong> <span class="quiet">${this.context.t("says", { what: t("figure_false"), said: wrong(device) })}</span>
                  </li>`,
              )}
            </ol>
          </section>`
        : nothing}
      ${figures.months.length
        ? html`<section class="most months">
            <h2>${t("figure_months")}</h2>
            <ol>
              ${figures.months.map(
                (item) =>
                  html`<li data-month>
                    <span>${item.name}</span>
                    <meter
                      min="0"
                      max=${Math.max(1, item.judged)}
                      value=${item.falseAlarms}
                      aria-hidden="true"
                    ></meter>
                    <strong>${item.count}</strong> <span class="quiet">${this.context.t("says", { what: t("figure_false"), said: wrong(item) })}</span>
                  </li>`,
              )}
            </ol>
          </section>`
        : nothing}`;
  }

  private table(rows: Closed[]) {
    const { t, context } = this;
    if (!rows.length) {
      return nothing;
    }
    return html`<div class="scroll" tabindex="0" role="region" aria-label=${t("history")}>
      <table>
        <thead>
          <tr>
            ${(["column_raised", "column_place", "column_hazard", "column_acknowledged", "column_over", "column_end"] as const).map(
              (key) => html`<th scope="col">${t(key)}</th>`,
            )}
          </tr>
        </thead>
        <tbody>
          ${rows.slice(0, this.most).map(
            (alarm) =>
              html`<tr class=${alarm.drill ? "drill" : ""}>
                <td class="number">${dateAndClock(context.hass, alarm.raised_at)}</td>
                <td>
                  <a class="one" href=${context.to(`/history/${encodeURIComponent(alarm.incident_id)}`)} @click=${this.goTo(alarm.incident_id)}
                    ><strong>${this.place(alarm)}</strong></a
                  >
                  <span class="quiet">${alarm.device_name}</span>
                </td>
                <td>
                  ${alarm.drill ? html`<span class="chip quiet">${context.t("class_drill")}</span>` : nothing}
                  ${context.t("says", { what: context.words.option("severity", alarm.severity), said: this.hazard(alarm) })}
                </td>
                <td>
                  ${alarm.acknowledged_at === null
                    ? html`<span class="quiet">${t("nobody")}</span>`
                    : html`${this.took(alarm, alarm.acknowledged_at)}
                        <span class="quiet">${alarm.acknowledged_by ? this.who(alarm.acknowledged_by) : ""}</span>`}
                </td>
                <td class="number">${alarm.cleared_at === null ? "" : this.took(alarm, alarm.cleared_at)}</td>
                <td>${this.end(alarm)} <span class="quiet">${alarm.who ? this.who(alarm.who) : ""}</span></td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
  }

  private place(alarm: Closed): string {
    return this.context.words.area(alarm.area_id) ?? this.context.t("no_place");
  }

  private hazard(alarm: Closed): string {
    return this.context.words.option("hazard", alarm.hazard);
  }

  private who(id: string): string {
    return this.names.get(id) ?? this.context.words.who(id);
  }

  private took(alarm: Closed, at: number): string {
    return this.t("after", { time: lasted(at - alarm.raised_at, this.context.hass.locale.language) });
  }

  private end(alarm: Closed): string {
    return alarm.outcome
      ? this.context.words.outcome(alarm.outcome, alarm.cause)
      : this.t(`ended_${alarm.reason ?? "cleared"}` as Key);
  }

  /** What is saved: all that is shown, and more of each. */
  private saved(rows: Closed[]): string[][] {
    const { t, context } = this;
    const time = (at: number | null): string => (at === null ? "" : new Date(at * 1000).toISOString());
    const head = ["column_raised", "column_place", "column_device", "column_hazard", "column_severity", "column_drill"] as const;
    const tail = ["column_acknowledged", "column_by", "column_proven", "column_over", "column_closed", "column_end"] as const;
    return [
      [...head, ...tail].map((key) => t(key)),
      ...rows.map((alarm) => [
        time(alarm.raised_at),
        this.place(alarm),
        alarm.device_name,
        this.hazard(alarm),
        context.words.option("severity", alarm.severity),
        alarm.drill ? context.t("class_drill") : "",
        time(alarm.acknowledged_at),
        alarm.acknowledged_by ? this.who(alarm.acknowledged_by) : "",
        time(alarm.proven_at),
        time(alarm.cleared_at),
        time(alarm.closed_at),
        this.end(alarm),
      ]),
    ];
  }

  private download(rows: Closed[], kind: "csv" | "xlsx"): void {
    const saved = this.saved(rows);
    const file = kind === "csv" ? csv(saved) : xlsx(saved);
    save(`${this.t("history")} ${this.context.hass.config.location_name}.${kind}`, new Blob([file], { type: TYPES[kind] }));
  }

  static override readonly styles = [
    tokens,
    common,
    css`
      :host {
        display: block;
      }
      .one,
      .back {
        display: inline-flex;
        align-items: center;
        min-width: 44px;
        min-height: 44px;
      }
      .filters {
        display: flex;
        flex-wrap: wrap;
        align-items: end;
        gap: 8px 16px;
        margin-bottom: 12px;
      }
      .filters label:not(.choice) {
        display: grid;
        gap: 2px;
        font-size: 14px;
      }
      select,
      input[type="search"] {
        min-height: 44px;
        padding: 0 12px;
        border: 1px solid var(--outline-color, var(--secondary-text-color));
        border-radius: 8px;
        background: var(--card-background-color, #fff);
        font-size: 16px;
      }
      input[type="search"] {
        flex: 1 1 200px;
      }
      .figures {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(200px, 1fr));
        gap: 8px;
        margin: 0 0 12px;
      }
      .figures div,
      .most,
      .scroll {
        padding: 10px 16px;
        border: 1px solid var(--divider-color);
        border-radius: 8px;
        background: var(--card-background-color, #fff);
      }
      dt {
        color: var(--secondary-text-color);
        font-size: 14px;
      }
      dd {
        margin: 0;
        font-size: 18px;
        font-variant-numeric: tabular-nums;
      }
      .most h2 {
        font-size: 16px;
      }
      .most ol {
        margin: 8px 0 0;
        padding: 0;
        list-style: none;
        display: grid;
        gap: 4px;
      }
      .most li {
        display: grid;
        grid-template-columns: minmax(140px, 1fr) minmax(0, 2fr) 40px minmax(120px, 1fr);
        align-items: center;
        gap: 12px;
      }
      .months {
        margin-top: 8px;
      }
      :host([narrow]) .most li {
        grid-template-columns: 1fr 80px auto;
        gap: 0 12px;
      }
      :host([narrow]) .most .quiet {
        grid-column: 1 / -1;
      }
      meter {
        width: 100%;
      }
      .count {
        margin: 12px 0 8px;
      }
      .scroll {
        overflow-x: auto;
      }
      table {
        width: 100%;
        border-collapse: collapse;
      }
      th,
      td {
        padding: 8px 12px 8px 0;
        border-top: 1px solid var(--divider-color);
        text-align: start;
        vertical-align: top;
      }
      thead th {
        border-top: none;
        color: var(--secondary-text-color);
        font-weight: 400;
      }
      tbody tr {
        content-visibility: auto;
        contain-intrinsic-size: auto 41px;
      }
      tr.drill {
        color: var(--secondary-text-color);
      }
      td.number {
        white-space: nowrap;
      }
      .bad {
        color: var(--danger);
        font-weight: 500;
      }
    `,
  ];
}

define({ "cs-history": HistoryPage });
