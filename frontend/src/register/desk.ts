import { css, html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { ArriveSheet } from "./arrive";
import { GROUPS, groupOf, noticeDeeds, type Group, type NoticeDeed } from "./due";
import { Following } from "./following";
import type { ArrivalRow, DeskRow, NoticeExport, NoticeRow, Notices, Outcome } from "./model";
import { ExcuseNoticeSheet, GiveNoticeSheet, noticeName } from "./notice";
import { Page, linkTo, pageStyles } from "./page";
import { apis, day, option, pathOf, timeOf, today, type Api } from "./room";
import type { Done } from "./sheet";
import { FORMATS, saveTaken, type Format, type Taken } from "./taken";
import { languageOf, type Key } from "./texts";

const TITLES: Record<Group, Key> = { overdue: "notices_overdue", soon: "notices_soon", later: "notices_later", ahead: "notices_ahead" };

/** The desks of each property, as they are now. */
class Desks extends Following {
  /** By property; none where they are not known yet. */
  readonly found = new Map<string, DeskRow[]>();
  /** Why they are not heard, by property. */
  readonly failures = new Map<string, string>();

  protected override follow(): (() => void)[] {
    return apis(this.host.room, "get_desks").map((api) => {
      const id = api.property.entry_id;
      return api.follow<DeskRow>(
        "subscribe_desks",
        (items) => {
          this.found.set(id, [...items.values()]);
          this.host.requestUpdate();
        },
        (text) => {
          this.failures.set(id, text);
          this.host.requestUpdate();
        },
      );
    });
  }
}

/** The desks with their queues, and what is to be told to an authority. */
export class DeskPage extends Page {
  private readonly desks: Desks = new Desks(this);
  /** What is open; null until it is known. */
  @state() private open: NoticeRow[] | null = null;
  /** What is settled; null until somebody has asked: each look is in the audit. */
  @state() private over: NoticeRow[] | null = null;
  @state() private isOver = false;
  /** Who came in; null until somebody has asked. */
  @state() private arrivals: ArrivalRow[] | null = null;
  /** The files that were taken along; null until somebody has asked. */
  @state() private files: NoticeExport[] | null = null;
  /** What is exported has what was given, too. */
  @state() private everything = false;
  /** The notices that are given together. */
  @state() private chosen: ReadonlySet<string> = new Set();
  @state() private sheet: { deed: NoticeDeed | "check_in_at_desk"; rows: NoticeRow[] } | null = null;
  private accounts: Record<string, string> = {};

  protected override firstUpdated(): void {
    void this.reload();
  }

  private get all(): Api[] {
    return apis(this.room, "get_desks", "get_notices");
  }

  protected override async load(): Promise<void> {
    const api = this.shownOf(this.all);
    if (api && this.arrivals) {
      await this.loadArrivals(api);
    }
    if (!api?.may("get_notices") || api.lacksReason("get_notices")) {
      return;
    }
    const { notices, accounts } = await api.ask<Notices>("notices");
    Object.assign(this.accounts, accounts);
    this.open = notices;
    const open = new Set(notices.map((row) => row.notice_id));
    this.chosen = new Set([...this.chosen].filter((id) => open.has(id)));
    if (this.isOver) {
      const over = await api.ask<Notices>("notices", { over: true });
      Object.assign(this.accounts, over.accounts);
      this.over = over.notices;
    }
    if (this.files) {
      await this.loadFiles(api);
    }
  }

  private async loadArrivals(api: Api): Promise<void> {
    const { arrivals, accounts } = await api.ask<{ arrivals: ArrivalRow[]; accounts: Record<string, string> }>("arrivals");
    Object.assign(this.accounts, accounts);
    this.arrivals = arrivals;
  }

  private async loadFiles(api: Api): Promise<void> {
    const { exports, accounts } = await api.ask<{ exports: NoticeExport[]; accounts: Record<string, string> }>("notice_exports");
    Object.assign(this.accounts, accounts);
    this.files = exports;
  }

  override render() {
    const { all, room, sheet } = this;
    const api = this.shownOf(all);
    const gate = api ? this.gate(api, "get_notices") : null;
    if (gate || !api) {
      return gate ?? nothing;
    }
    const { t } = room;
    return html`<div class="head"><h1>${t(api.may("get_desks") ? "desk" : "notices")}</h1></div>
      ${this.askProperty(all, () => {
        this.open = this.over = this.files = this.arrivals = null;
        this.chosen = new Set();
        void this.reload();
      })}
      ${this.reason()} ${this.said()} ${api.may("get_desks") ? this.queues(api) : nothing} ${this.comes(api)} ${api.may("get_notices") ? this.notices(api) : nothing}
      ${api.may("export_notices") ? this.exports(api) : nothing}
      ${sheet?.deed === "give_notice"
        ? html`<cs-give-notice .room=${room} .api=${api} .rows=${sheet.rows} @closed=${this.closed}></cs-give-notice>`
        : nothing}
      ${sheet?.deed === "check_in_at_desk"
        ? html`<cs-arrive .room=${room} .api=${api} .desks=${this.desks.found.get(api.property.entry_id) ?? []} @closed=${this.closed}></cs-arrive>`
        : nothing}
      ${sheet?.deed === "excuse_notice"
        ? html`<cs-excuse-notice .room=${room} .api=${api} .rows=${sheet.rows} @closed=${this.closed}></cs-excuse-notice>`
        : nothing}`;
  }

  private queues(api: Api): TemplateResult {
    const { t } = this.room;
    const id = api.property.entry_id;
    const rows = this.desks.found.get(id);
    const failure = this.desks.failures.get(id);
    return html`${failure ? html`<p class="did failed" role="alert">${t("desks_unknown", { reason: failure })}</p>` : nothing}
    ${rows
      ? rows.length
        ? html`<div class="desks">${rows.map((row) => this.queue(api, row))}</div>`
        : html`<p class="box">${t("desks_none")}</p>`
      : failure
        ? nothing
        : html`<div class="skeleton" role="status" aria-label=${t("waiting")}></div>`}`;
  }

  private queue(api: Api, row: DeskRow): TemplateResult {
    const { room } = this;
    const { t } = room;
    const numbers = (found: number[]): string => found.join(t("comma"));
    const call = (absent: boolean): void => {
      void this.trying(async () => {
        const { number } = await api.ask<{ number: number | null }>("call_number", { desk_id: row.desk_id, absent });
        this.did(number === null ? t("number_nobody") : t("number_called", { number }));
      });
    };
    return html`<section class="box" data-desk=${row.desk_id}>
      <div class="head">
        <h2>${row.title}</h2>
        <span class="tag">${row.level_name || option(room, "desk_level", row.level)}</span>
        <span class=${row.open ? "tag good" : "tag"}>${t(row.open ? "desk_open" : "desk_closed")}</span>
        ${row.open && !row.staffed ? html`<span class="tag bad">${t("desk_unstaffed")}</span>` : nothing}
      </div>
      <dl>
        <dt>${t("number_now")}</dt>
        <dd class=${row.called.length ? "now" : ""} data-called>${row.called.length ? numbers(row.called) : t("number_none")}</dd>
        <dt>${t("number_waiting", { count: row.waiting.length })}</dt>
        <dd data-waiting>${row.waiting.length ? numbers(row.waiting) : t("number_none")}</dd>
      </dl>
      <div class="actions">
        ${api.may("call_number")
          ? html`<button
                class="main"
                data-do="call_number"
                ?disabled=${room.locked || !(row.waiting.length || row.called.length)}
                @click=${() => {
                  call(false);
                }}
              >
                ${t(row.called.length && !row.waiting.length ? "number_end" : "number_next")}
              </button>
              ${row.called.length
                ? html`<button
                    data-do="absent"
                    ?disabled=${room.locked}
                    @click=${() => {
                      call(true);
                    }}
                  >
                    ${t("number_absent")}
                  </button>`
                : nothing}`
          : nothing}
        ${api.may("take_number")
          ? html`<button
              data-do="take_number"
              ?disabled=${room.locked}
              @click=${() =>
                void this.trying(async () => {
                  const { number } = await api.ask<{ number: number }>("take_number", { desk_id: row.desk_id });
                  this.did(t("number_taken", { number }));
                })}
            >
              ${t("number_take")}
            </button>`
          : nothing}
      </div>
    </section>`;
  }

  /** Who comes in, and who came. */
  private comes(api: Api): TemplateResult | typeof nothing {
    const { arrivals, room } = this;
    const { t } = room;
    const arrives = ["check_in_at_desk", "check_in", "get_units"].every((right) => api.may(right));
    if (!arrives && !api.may("get_arrivals")) {
      return nothing;
    }
    return html`<section class="box" data-arrivals>
      <div class="actions">
        ${arrives
          ? html`<button
              class="main"
              data-do="check_in_at_desk"
              ?disabled=${room.locked}
              @click=${() => {
                this.sheet = { deed: "check_in_at_desk", rows: [] };
              }}
            >
              ${t("arrive")}
            </button>`
          : nothing}
        ${api.may("get_arrivals") && !arrivals
          ? html`<button data-do="arrivals" @click=${() => void this.trying(() => this.loadArrivals(api))}>${t("arrivals")}</button>`
          : nothing}
      </div>
      ${arrivals
        ? html`<h2>${t("arrivals")}</h2>
            ${arrivals.length
              ? html`<ul class="flat">
                  ${arrivals.map((row) => this.arrival(api, row))}
                </ul>`
              : html`<p>${t("arrivals_none")}</p>`}`
        : nothing}
    </section>`;
  }

  private arrival(api: Api, row: ArrivalRow): TemplateResult {
    const { room } = this;
    const { t } = room;
    const desk = this.desks.found.get(api.property.entry_id)?.find((item) => item.desk_id === row.desk_id)?.title ?? "";
    const who = row.who ? (this.accounts[row.who] ?? row.who) : "";
    return html`<li class="actions" data-arrival=${row.person_id}>
      ${this.where(api, row)} <span>${option(room, "role", row.role)}</span>
      <span class=${row.identified ? "tag good" : "tag warn"}>${t(row.identified ? "arrival_identified" : "arrival_unidentified")}</span>
      <span class=${row.briefed ? "tag good" : "tag warn"}>${t(row.briefed ? "arrival_briefed" : "arrival_unbriefed")}</span>
      <span class="quiet">${[timeOf(room, row.at), desk, who].filter((part) => part !== "").join(" · ")}</span>
    </li>`;
  }

  /** The unit and whom, with the way to their pages for who may open them. */
  private where(api: Api, row: Pick<NoticeRow, "unit_id" | "unit" | "person_id" | "name">): TemplateResult {
    const { room } = this;
    const { entry_id: entryId } = api.property;
    const unit = row.unit ?? room.t("unit_gone");
    return html`${api.may("get_unit", row.unit_id) ? linkTo(room, pathOf(room.session, "unit", row.unit_id, entryId), unit) : html`<span class="number">${unit}</span>`}
    ${api.may("get_person", row.unit_id) ? linkTo(room, pathOf(room.session, "person", row.person_id, entryId), row.name) : html`<span>${row.name}</span>`}`;
  }

  private notices(api: Api): TemplateResult {
    const { open, room } = this;
    const { t } = room;
    const now = today(room);
    return html`<div class="head">
        ${api.may("get_desks") ? html`<h2>${t("notices")}</h2>` : nothing}
        <span class="grow"></span>
        <label class="choice">
          <input
            type="checkbox"
            name="over"
            .checked=${this.isOver}
            @change=${(event: Event) => {
              this.isOver = (event.target as HTMLInputElement).checked;
              this.over = null;
              if (this.isOver) {
                void this.reload();
              }
            }}
          />
          ${t("notices_over")}
        </label>
      </div>
      ${open
        ? open.length
          ? GROUPS.map((group) => this.group(api, group, open.filter((row) => groupOf(row, now) === group)))
          : html`<p class="box">${t("notices_none")}</p>`
        : html`<div class="skeleton" role="status" aria-label=${t("waiting")}></div>`}
      ${this.bar(api)} ${this.over ? this.settled(api, this.over) : nothing}`;
  }

  private group(api: Api, group: Group, rows: NoticeRow[]): TemplateResult | typeof nothing {
    return rows.length
      ? html`<section class="box" data-group=${group}>
          <h2>${this.room.t(TITLES[group], { count: rows.length })}</h2>
          <ul class="flat">
            ${rows.map((row) => this.item(api, row))}
          </ul>
        </section>`
      : nothing;
  }

  private deeds(api: Api, row: NoticeRow): ReadonlySet<NoticeDeed> {
    return noticeDeeds(row, (right, unitId) => api.may(right, unitId), today(this.room));
  }

  private item(api: Api, row: NoticeRow): TemplateResult {
    const { room } = this;
    const { t } = room;
    const deeds = this.deeds(api, row);
    return html`<li class="actions" data-notice=${row.notice_id}>
      ${deeds.has("give_notice")
        ? html`<label class="choice">
            <input
              type="checkbox"
              aria-label=${t("notice_choose", { what: noticeName(room, row) })}
              .checked=${this.chosen.has(row.notice_id)}
              @change=${(event: Event) => {
                const chosen = new Set(this.chosen);
                chosen[(event.target as HTMLInputElement).checked ? "add" : "delete"](row.notice_id);
                this.chosen = chosen;
              }}
            />
          </label>`
        : nothing}
      ${this.facts(api, row)}
      <span class=${row.overdue ? "tag bad" : "tag"}>${t(row.overdue ? "notice_was_due" : "notice_due", { day: day(room, row.due_on) })}</span>
      ${row.assumed ? html`<span class="tag warn">${t("notice_assumed")}</span>` : nothing}
      <span class="deeds">
        ${deeds.has("give_notice") ? this.deed("give_notice", "notice_give", row) : nothing}
        ${deeds.has("excuse_notice") ? this.deed("excuse_notice", "notice_excuse", row) : nothing}
      </span>
    </li>`;
  }

  /** What, of which unit and whom, and which day it is about. */
  private facts(api: Api, row: NoticeRow): TemplateResult {
    const { room } = this;
    return html`<strong>${option(room, "notice_kind", row.kind)}</strong> ${this.where(api, row)}
      <span class="quiet">${room.t("notice_begins", { day: day(room, row.begins_on) })}</span>`;
  }

  private deed(deed: NoticeDeed, label: Key, row: NoticeRow): TemplateResult {
    return html`<button
      data-do=${deed}
      ?disabled=${this.room.locked}
      @click=${() => {
        this.sheet = { deed, rows: [row] };
      }}
    >
      ${this.room.t(label)}
    </button>`;
  }

  /** Gives all that is chosen under one receipt: those of a family go together. */
  private bar(api: Api): TemplateResult | typeof nothing {
    const rows = (this.open ?? []).filter((row) => this.chosen.has(row.notice_id) && this.deeds(api, row).has("give_notice"));
    return rows.length
      ? html`<div class="bar">
          <button
            class="main"
            data-do="give_chosen"
            ?disabled=${this.room.locked}
            @click=${() => {
              this.sheet = { deed: "give_notice", rows };
            }}
          >
            ${this.room.t("notice_give_chosen", { count: rows.length })}
          </button>
        </div>`
      : nothing;
  }

  private settled(api: Api, rows: NoticeRow[]): TemplateResult {
    const { room } = this;
    const { t } = room;
    return html`<section class="box" data-group="over">
      <h2>${t("notices_settled_title", { count: rows.length })}</h2>
      ${rows.length
        ? html`<ul class="flat">
            ${rows.map(
              (row) =>
                html`<li class="actions" data-notice=${row.notice_id}>
                  ${this.facts(api, row)}
                  <span class=${row.state === "given" ? "tag good" : "tag"}>${option(room, "notice_state", row.state)}</span>
                  ${row.late ? html`<span class="tag warn">${t("notice_late")}</span>` : nothing}
                  <span class="quiet">${this.how(row)}</span>
                  <span class="deeds">
                    ${this.deeds(api, row).has("reopen_notice")
                      ? this.pressTwice("reopen_notice", t("notice_reopen"), () => void this.reopen(api, row))
                      : nothing}
                  </span>
                </li>`,
            )}
          </ul>`
        : nothing}
    </section>`;
  }

  /** How it was settled, under which receipt, by whom and when. */
  private how(row: NoticeRow): string {
    const { room } = this;
    const { settled_how: how, settled_by: by, settled_at: at } = row;
    return [
      how && row.state === "excused" ? option(room, "notice_excuse", how) : "",
      how && row.state === "given" ? option(room, "notice_how", how) : "",
      row.receipt ? room.t("notice_receipt_is", { receipt: row.receipt }) : "",
      by ? (this.accounts[by] ?? by) : "",
      at ? timeOf(room, at) : "",
    ]
      .filter((part) => part !== "")
      .join(" · ");
  }

  private async reopen(api: Api, row: NoticeRow): Promise<void> {
    const isDone = await this.trying(async () => {
      const { written } = await api.ask<Outcome<Notices, unknown>>("reopen_notice", { notice_id: row.notice_id, version: row.version });
      this.did(this.room.t(written === null ? "somebody_faster" : "notice_reopened"));
    });
    if (isDone) {
      await this.reload();
    }
  }

  private exports(api: Api): TemplateResult {
    const { files, room } = this;
    const { t } = room;
    return html`<section class="box" data-exports>
      <h2>${t("notices_export_title")}</h2>
      <p class="quiet">${t("notices_export_hint")}</p>
      <label class="choice">
        <input
          type="checkbox"
          name="everything"
          .checked=${this.everything}
          @change=${(event: Event) => {
            this.everything = (event.target as HTMLInputElement).checked;
          }}
        />
        ${t("notices_everything")}
      </label>
      <div class="actions">
        ${this.formats(api, { everything: this.everything })}
        ${files
          ? nothing
          : html`<button data-do="files" @click=${() => void this.trying(() => this.loadFiles(api))}>${t("notices_files")}</button>`}
      </div>
      ${files
        ? html`<h3>${t("notices_files")}</h3>
            <ul class="flat">
              ${files.map(
                (file) =>
                  html`<li class="actions" data-file=${file.export_id}>
                    <span class="number">${timeOf(room, file.at)}</span>
                    <span>${file.who ? (this.accounts[file.who] ?? file.who) : ""}</span>
                    <span class="quiet">${t("notices_file", { count: file.notices, receipt: file.export_id })}</span>
                    <span class="deeds">${this.formats(api, { export_id: file.export_id })}</span>
                  </li>`,
              )}
            </ul>
            ${files.length ? nothing : html`<p>${t("notices_no_files")}</p>`}`
        : nothing}
    </section>`;
  }

  private formats(api: Api, which: { everything: boolean } | { export_id: string }): TemplateResult[] {
    const { room } = this;
    return FORMATS.map(
      (format) =>
        html`<button data-do="export-${format}" ?disabled=${room.locked} @click=${() => void this.export(api, format, which)}>
          ${room.t("search_export", { format: format.toUpperCase() })}
        </button>`,
    );
  }

  private async export(api: Api, format: Format, which: object): Promise<void> {
    const { room } = this;
    const isDone = await this.trying(async () => {
      const taken = await api.ask<Taken & { rows: number }>("export_notices", { format, language: languageOf(room.hass.language), ...which });
      saveTaken(taken, format);
      this.did(room.t("notices_exported", { count: taken.rows, receipt: taken.receipt }));
    });
    if (isDone && this.files) {
      await this.trying(() => this.loadFiles(api));
    }
  }

  private readonly closed = (event: CustomEvent<Done | undefined>): void => {
    this.sheet = null;
    if (event.detail) {
      this.chosen = new Set();
      this.did(event.detail.text);
    }
    void this.reload();
  };

  static override readonly styles = [
    ...pageStyles,
    css`
      .desks {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 360px), 1fr));
        gap: 0 12px;
      }
      .now {
        font-size: 28px;
        font-weight: 500;
        line-height: 1.1;
      }
      dl {
        align-items: baseline;
        margin-bottom: 12px;
        font-variant-numeric: tabular-nums;
      }
      li {
        gap: 0 8px;
        padding: 4px 0;
        border-top: 1px solid var(--divider-color);
      }
      li:first-child {
        border-top: 0;
      }
      li .quiet {
        overflow-wrap: anywhere;
      }
      .deeds {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
        margin-inline-start: auto;
      }
      label.choice {
        min-width: 44px;
      }
      /* The list is long, and what was done is said above it. */
      .did {
        position: sticky;
        top: 0;
        z-index: 1;
        background: var(--card-background-color, #fff);
      }
      .bar {
        position: sticky;
        bottom: 0;
        margin-bottom: 12px;
        padding: 8px 0;
        background: var(--primary-background-color);
      }
    `,
  ];
}

export const elements = { "cs-desk": DeskPage, "cs-arrive": ArriveSheet, "cs-give-notice": GiveNoticeSheet, "cs-excuse-notice": ExcuseNoticeSheet };
