import { css, html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import type { HazardRow } from "./model";
import { Page, linkTo, pageStyles } from "./page";
import { placeName } from "./places";
import { apis, option, pathOf, timeOf, type Api, type Room } from "./room";

/** What a report is called: what it is about, and where. */
export const hazardName = (room: Room, row: HazardRow): string => `${option(room, "report_category", row.category)} · ${placeName(room, row.place)}`;

/** A report in a list, by a name: how far it is, whose, and until when; a link for who may open it. */
export function hazardItem(room: Room, api: Api, row: HazardRow, name: string): TemplateResult {
  const { t } = room;
  return html`<li class="actions" data-report=${row.report_id}>
    ${api.may("get_report", row.unit_id) ? linkTo(room, pathOf(room.session, "report", row.report_id, api.property.entry_id), name) : html`<span>${name}</span>`}
    ${row.danger ? html`<span class="tag bad">${t("danger")}</span>` : nothing}
    <span class="tag">${option(room, "report_state", row.state)}</span>
    ${row.party ? html`<span class="quiet">${option(room, "report_party", row.party)}</span>` : nothing}
    ${row.closed_at || row.mended_at
      ? nothing
      : html`<span class=${row.overdue ? "tag bad" : "quiet"}>${t(row.overdue ? "overdue_since" : "mend_by", { at: timeOf(room, row.due_at) })}</span>`}
  </li>`;
}

/** The reports of hazards, the most urgent first. */
export class ReportsPage extends Page {
  @state() private rows: HazardRow[] | null = null;
  @state() private everything = false;

  protected override firstUpdated(): void {
    void this.reload();
  }

  private get api(): Api | undefined {
    return this.shownOf(apis(this.room, "get_reports"));
  }

  protected override async load(): Promise<void> {
    const { api, everything } = this;
    if (api && !api.lacksReason("get_reports")) {
      const { reports } = await api.ask<{ reports: HazardRow[] }>("reports", { everything });
      const rank = (row: HazardRow): number => (row.danger ? 0 : 1);
      reports.sort((a, b) => rank(a) - rank(b) || Date.parse(a.due_at) - Date.parse(b.due_at));
      this.rows = reports;
    }
  }

  override render() {
    const { api, rows, room } = this;
    const { t } = room;
    const gate = api ? this.gate(api, "get_reports") : null;
    if (gate || !api) {
      return gate ?? nothing;
    }
    return html`<div class="head">
        <h1>${t("reports")}</h1>
        <span class="grow"></span>
        <label class="choice">
          <input
            type="checkbox"
            name="everything"
            .checked=${this.everything}
            @change=${(event: Event) => {
              this.everything = (event.target as HTMLInputElement).checked;
              void this.reload();
            }}
          />
          ${t("reports_over")}
        </label>
      </div>
      ${this.askProperty(apis(room, "get_reports"), () => void this.reload())} ${this.reason()} ${this.said()}
      ${rows ? this.list(api, rows) : html`<div class="skeleton" role="status" aria-label=${t("waiting")}></div>`}`;
  }

  private list(api: Api, rows: HazardRow[]): TemplateResult {
    const { room } = this;
    const { t } = room;
    if (!rows.length) {
      return html`<p class="box">${t("no_reports")}</p>`;
    }
    return html`<ul class="flat box">
      ${rows.map((row) => hazardItem(room, api, row, hazardName(room, row)))}
    </ul>`;
  }

  static override readonly styles = [
    ...pageStyles,
    css`
      li {
        gap: 0 8px;
        border-top: 1px solid var(--divider-color);
      }
      li:first-child {
        border-top: 0;
      }
      ul.flat.box {
        padding: 0 16px;
      }
    `,
  ];
}
