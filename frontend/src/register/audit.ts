import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { dateAndClock } from "../format";
import { save } from "../save";
import { csv } from "../site/figures";
import type { Audit, AuditRow } from "./model";
import { Page, pageStyles } from "./page";
import { apis, option, pathOf, type Api } from "./room";
import type { Key } from "./texts";
import { en } from "./texts/en";

const PAGE_ROWS = 100;
const DAYS = [1, 7, 30, 365];
const REFUSED = "_refused";
/** What is done without an account, at the pages that need none. */
const BY_ANYBODY = new Set(["file_report", "answer_report"]);
/** What only a person does, and without an account on their own page. */
const BY_RESIDENTS = new Set(["resident_page", "invite_visitor", "get_visitors", "end_visit"]);

/** Who has read or changed what, and what was refused. */
export class AuditPage extends Page {
  /** `unit` or `person`, of whom the rows are; empty for all. */
  @property() about = "";
  @property() aboutId: string | null = null;
  @state() private answer: Audit | null = null;
  @state() private rows: AuditRow[] = [];
  @state() private days = 30;
  @state() private why = "";
  @state() private who = "";
  /** Everybody of whom a row was shown. */
  private accounts: Record<string, string> = {};

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has("about") || changed.has("aboutId")) {
      void this.reload();
    }
  }

  private get all(): Api[] {
    return apis(this.room, "get_audit", "get_own_audit");
  }

  private get api(): Api | undefined {
    return this.shownOf(this.all);
  }

  /** Some are shown their own deeds, and no more. */
  private get isOwn(): boolean {
    return !this.api?.may("get_audit");
  }

  protected override async load(): Promise<void> {
    this.answer = null;
    this.rows = [];
    await this.more();
  }

  private async more(): Promise<void> {
    const { api, answer } = this;
    if (!api || (!this.isOwn && api.lacksReason("get_audit"))) {
      return;
    }
    const next = await api.ask<Audit>("audit", {
      ...(this.about === "unit" ? { unit_id: this.aboutId } : {}),
      ...(this.about === "person" ? { person_id: this.aboutId } : {}),
      ...(this.why ? { about: this.why } : {}),
      ...(this.who ? { user_id: this.who } : {}),
      ...(answer ? { until: answer.until, since: answer.since } : { since: this.room.now() - this.days * 86_400 }),
      own: this.isOwn,
      offset: this.rows.length,
      limit: PAGE_ROWS,
    });
    this.accounts = { ...this.accounts, ...next.accounts };
    this.answer = next;
    this.rows = [...this.rows, ...next.rows];
  }

  override render() {
    const { api, room, answer } = this;
    const { t } = room;
    const gate = api && !this.isOwn ? this.gate(api, "get_audit") : null;
    if (gate || !api) {
      return gate ?? this.said();
    }
    const change = (key: "days" | "why" | "who") => (event: Event) => {
      const { value } = event.target as HTMLSelectElement;
      if (key === "days") {
        this.days = Number(value);
      } else {
        this[key] = value;
      }
      void this.reload();
    };
    return html`<div class="head">
        <h1>${t(this.isOwn ? "own_deeds" : "audit_title")}</h1>
        ${this.about ? html`<span class="tag">${t(this.about === "unit" ? "audit_of_unit" : "audit_of_person")}</span> ${this.link("/audit", t("show_all"))}` : nothing}
      </div>
      <div class="fields box">
        ${this.askProperty(this.all, () => {
          this.who = "";
          this.accounts = {};
          void this.reload();
        })}
        <label class="field">
          ${t("since")}
          <select @change=${change("days")}>
            ${DAYS.map((days) => html`<option value=${days} ?selected=${days === this.days}>${t("days", { count: days })}</option>`)}
          </select>
        </label>
        <label class="field">
          ${t("reason")}
          <select @change=${change("why")}>
            <option value="">${t("filter_all")}</option>
            ${room.session.reasons.map((reason) => html`<option value=${reason} ?selected=${reason === this.why}>${option(room, "reason", reason)}</option>`)}
            <option value="refused" ?selected=${this.why === "refused"}>${t("refused")}</option>
          </select>
        </label>
        ${this.isOwn
          ? nothing
          : html`<label class="field">
              ${t("who")}
              <select @change=${change("who")}>
                <option value="">${t("filter_all")}</option>
                ${Object.entries(this.accounts).map(([id, name]) => html`<option value=${id} ?selected=${id === this.who}>${name}</option>`)}
              </select>
            </label>`}
      </div>
      ${this.said()}
      ${answer
        ? html`${this.rows.length ? (this.narrow ? this.list(api) : this.table(api)) : html`<p class="box">${t("no_rows")}</p>`}
          ${this.rows.length ? html`<button data-do="save" @click=${this.download}>${t("audit_csv")}</button>` : nothing}
          ${answer.more
            ? html`<button @click=${() => void this.trying(() => this.more())}>${t("show_older")}</button>`
            : nothing}`
        : this.failure
          ? nothing
          : html`<div class="skeleton" role="status" aria-label=${t("waiting")}></div>`}`;
  }

  private what(row: AuditRow): string {
    const { t } = this.room;
    const name = deed(row);
    const text = name.startsWith("safety.") ? t("did_safety") : did(name, t);
    return name === row.what ? text : t("did_refused", { what: text });
  }

  private by(row: AuditRow): string {
    if (row.who) {
      return this.accounts[row.who] ?? row.who;
    }
    const { t } = this.room;
    return t(BY_ANYBODY.has(row.what) ? "who_reported" : BY_RESIDENTS.has(deed(row)) ? "who_resident" : "automation");
  }

  private reasonOf(row: AuditRow): string {
    return row.why === "refused" ? this.room.t("refused") : option(this.room, "reason", row.why);
  }

  /** What is shown, for a report: accounts by name, people by the ends of their ids. */
  private readonly download = (): void => {
    const { t } = this.room;
    const text = csv([
      [t("when"), t("who"), t("what"), t("reason"), t("unit"), t("person")],
      ...this.rows.map((row) => [
        row.at,
        this.by(row),
        this.what(row),
        this.reasonOf(row),
        row.unit_id ? (row.unit ?? t("unit_gone")) : "",
        row.person_id?.slice(-6) ?? "",
      ]),
    ]);
    save(`${t("audit_title")}.csv`, new Blob([text], { type: "text/csv" }));
  };

  private whose(api: Api, row: AuditRow): TemplateResult {
    const { room } = this;
    const { entry_id: entryId } = api.property;
    const unit = row.unit_id
      ? api.may("get_unit", row.unit_id)
        ? this.link(pathOf(room.session, "unit", row.unit_id, entryId), row.unit ?? room.t("unit_gone"))
        : (row.unit ?? room.t("unit_gone"))
      : nothing;
    const person = row.person_id
      ? api.may("get_person")
        ? this.link(pathOf(room.session, "person", row.person_id, entryId), room.t("person"))
        : room.t("person_id", { id: row.person_id.slice(-6) })
      : nothing;
    return html`${unit} ${person}`;
  }

  private table(api: Api): TemplateResult {
    const { t, hass } = this.room;
    return html`<table class="box">
      <thead>
        <tr>
          <th scope="col">${t("when")}</th>
          <th scope="col">${t("who")}</th>
          <th scope="col">${t("what")}</th>
          <th scope="col">${t("reason")}</th>
          <th scope="col">${t("whose")}</th>
        </tr>
      </thead>
      <tbody>
        ${this.rows.map(
          (row) =>
            html`<tr class=${row.why === "refused" ? "refused" : ""}>
              <td class="number">${dateAndClock(hass, Date.parse(row.at) / 1000)}</td>
              <td>${this.by(row)}</td>
              <td>${this.what(row)}</td>
              <td>${this.reasonOf(row)}</td>
              <td>${this.whose(api, row)}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;
  }

  private list(api: Api): TemplateResult {
    const { hass } = this.room;
    return html`<ul class="flat">
      ${this.rows.map(
        (row) =>
          html`<li class="box ${row.why === "refused" ? "refused" : ""}">
            <strong>${this.what(row)}</strong>
            <div>${this.by(row)} · ${this.reasonOf(row)}</div>
            <div class="quiet number">${dateAndClock(hass, Date.parse(row.at) / 1000)}</div>
            <div class="actions">${this.whose(api, row)}</div>
          </li>`,
      )}
    </ul>`;
  }

  static override readonly styles = [
    ...pageStyles,
    css`
      table.box {
        padding: 0;
      }
      table.box th,
      table.box td {
        padding: 4px 16px;
      }
      .refused {
        color: var(--fire);
      }
      li.box {
        margin-bottom: 8px;
      }
    `,
  ];
}

/** What was done, or refused. */
const deed = ({ what }: AuditRow): string => (what.endsWith(REFUSED) ? what.slice(0, -REFUSED.length) : what);

/** What a command of the register does, in words; of a later version, what it is called. */
const did = (name: string, t: (key: Key) => string): string => (`did_${name}` in en ? t(`did_${name}` as Key) : name);
