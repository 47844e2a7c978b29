import { css, html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import type { RoundRow } from "./model";
import { Page, pageStyles } from "./page";
import { apis, type Api } from "./room";
import { RecordVisitSheet, roundFacts, roundName } from "./round";
import type { Done } from "./sheet";

/** The headings, and what is below each. */
const GROUPS = [
  ["overdue", "round_overdue"],
  ["today", "round_today"],
  ["week", "round_week"],
  ["later", "round_later"],
  ["away", "round_away"],
] as const;

/** Who is to be visited, the most urgent first. */
export class RoundsPage extends Page {
  @state() private rows: RoundRow[] | null = null;
  @state() private onlyMine = false;
  @state() private visited: RoundRow | null = null;
  private accounts: Record<string, string> = {};

  protected override firstUpdated(): void {
    void this.reload();
  }

  private get api(): Api | undefined {
    return this.shownOf(apis(this.room, "get_rounds"));
  }

  protected override async load(): Promise<void> {
    const { api } = this;
    if (api && !api.lacksReason("get_rounds")) {
      const { rounds, accounts } = await api.ask<{ rounds: RoundRow[]; accounts: Record<string, string> }>("rounds");
      this.accounts = accounts;
      this.rows = rounds;
    }
  }

  override render() {
    const { api, room, rows } = this;
    const { t } = room;
    const gate = api ? this.gate(api, "get_rounds") : null;
    if (gate || !api) {
      return gate ?? nothing;
    }
    return html`<div class="head">
        <h1>${t("rounds")}</h1>
        <span class="grow"></span>
        <label class="choice">
          <input
            type="checkbox"
            name="mine"
            .checked=${this.onlyMine}
            @change=${(event: Event) => {
              this.onlyMine = (event.target as HTMLInputElement).checked;
            }}
          />
          ${t("round_mine")}
        </label>
      </div>
      <p class="quiet">${t("rounds_hint")}</p>
      ${this.askProperty(apis(room, "get_rounds"), () => void this.reload())} ${this.reason()} ${this.said()}
      ${rows ? this.list(api, rows) : html`<div class="skeleton" role="status" aria-label=${t("waiting")}></div>`}
      ${this.visited
        ? html`<cs-record-visit .room=${room} .api=${api} .row=${this.visited} @closed=${this.closed}></cs-record-visit>`
        : nothing}`;
  }

  private list(api: Api, all: RoundRow[]): TemplateResult {
    const { room } = this;
    const { t } = room;
    const rows = this.onlyMine ? all.filter((row) => row.in_charge === room.session.user.id) : all;
    if (!rows.length) {
      return html`<p class="box">${t("rounds_none")}</p>`;
    }
    return html`${GROUPS.map(([when, title]) => {
      const found = rows.filter((row) => row.when === when);
      return found.length
        ? html`<section class="box" data-when=${when}>
            <h2>${t(title, { count: found.length })}</h2>
            <ul class="flat">
              ${found.map((row) => this.item(api, row))}
            </ul>
          </section>`
        : nothing;
    })}`;
  }

  private item(api: Api, row: RoundRow): TemplateResult {
    const { room } = this;
    return html`<li class="actions" data-round=${row.person_id}>
      <strong class="number">${row.unit ?? ""}</strong>
      ${roundName(room, api, row)} ${roundFacts(room, row, this.accounts)}
      <span class="grow"></span>
      ${row.when !== "away" && api.may("record_visit")
        ? html`<button
            data-do="record_visit"
            ?disabled=${room.locked}
            @click=${() => {
              this.visited = row;
            }}
          >
            ${room.t("round_record_unscanned")}
          </button>`
        : nothing}
    </li>`;
  }

  private readonly closed = (event: CustomEvent<Done | undefined>): void => {
    this.visited = null;
    if (event.detail) {
      this.did(event.detail.text);
    }
    void this.reload();
  };

  static override readonly styles = [
    ...pageStyles,
    css`
      li {
        gap: 0 8px;
        padding: 4px 0;
        border-top: 1px solid var(--divider-color);
      }
      li:first-child {
        border-top: 0;
      }
    `,
  ];
}

export const elements = { "cs-rounds": RoundsPage, "cs-record-visit": RecordVisitSheet };
