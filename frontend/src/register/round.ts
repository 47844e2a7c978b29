import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import type { RoundFile, RoundForm, RoundRow } from "./model";
import { Page, linkTo, pageStyles } from "./page";
import { apis, day, option, pathOf, timeOf, type Api, type Room } from "./room";
import { Sheet, type Done } from "./sheet";
import { undotted } from "../translate";

const RISKS = ["general", "key", "high"];
const OUTCOMES = ["met", "not_met", "refused"];
const NO_SCAN = ["no_plate", "unreadable", "no_reception", "elsewhere"];
/** Days on which nobody has opened, in a row, that are worth a word. */
const MANY_DAYS = 2;

/** How urgent a round is, in words. */
export function dueText(room: Room, row: RoundRow): string {
  const { t } = room;
  switch (row.when) {
    case "overdue":
      return t("round_overdue_since", { at: timeOf(room, row.due_at) });
    case "away":
      return t("round_away_hint");
    default:
      return row.cause ? t("round_until", { at: timeOf(room, row.due_at) }) : t("round_on", { day: day(room, row.next_on) });
  }
}

/** Somebody who is visited, in a list: why, until when, and who sees to it. */
export function roundFacts(room: Room, row: RoundRow, accounts: Record<string, string>): TemplateResult {
  const { t } = room;
  return html`<span class="tag">${option(room, "visit_risk", row.risk)}</span>
    ${row.cause ? html`<span class="tag bad">${option(room, "visit_cause", row.cause)}</span>` : nothing}
    ${row.missed ? html`<span class=${row.missed < MANY_DAYS ? "tag warn" : "tag bad"}>${t("round_missed", { count: row.missed })}</span>` : nothing}
    <span class=${row.when === "overdue" ? "tag bad" : "quiet"}>${dueText(room, row)}</span>
    <span class="quiet">${row.last ? t("round_last", { outcome: option(room, "visit_outcome", row.last.outcome), at: timeOf(room, row.last.at) }) : t("round_never")}</span>
    ${row.in_charge
      ? html`<span class="quiet">${t("round_in_charge", { name: accounts[row.in_charge] ?? t("round_nobody_any_more") })}</span>`
      : html`<span class="tag warn">${t("round_nobody")}</span>`}`;
}

/** Their name, with the way to their page for who may open it. */
export const roundName = (room: Room, api: Api, row: RoundRow): TemplateResult =>
  api.may("get_person") ? linkTo(room, pathOf(room.session, "person", row.person_id, api.property.entry_id), row.name) : html`<strong>${row.name}</strong>`;

/** The list of who is visited at a door, with what whoever comes has to know; where nobody is, nothing. */
export class RoundsHere extends Page {
  /** The property that the place is in; null: whichever the code is of. */
  @property({ attribute: false }) of: Api | null = null;
  /** The code on the plate that was scanned, or null and the place's id. */
  @property() code: string | null = null;
  @property() placeId = "";
  /** It is all that is shown. */
  @property({ type: Boolean }) alone = false;
  @state() private rows: RoundRow[] | null = null;
  @state() private visited: RoundRow | null = null;
  private accounts: Record<string, string> = {};
  private found: Api | null = null;

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has("code") || changed.has("placeId") || changed.has("of")) {
      this.rows = this.visited = this.found = null;
      void this.reload();
    }
  }

  private get all(): Api[] {
    return this.of ? [this.of] : apis(this.room, "get_rounds");
  }

  protected override async load(): Promise<void> {
    const which = this.code === null ? { place_id: this.placeId } : { code: this.code };
    let failure: unknown;
    for (const api of this.all) {
      if (api.lacksReason("get_rounds")) {
        return;
      }
      try {
        const { rounds, accounts } = await api.ask<{ rounds: RoundRow[]; accounts: Record<string, string> }>("rounds_at_place", which);
        this.accounts = accounts;
        this.found = api;
        this.rows = rounds;
        return;
      } catch (error) {
        // A plate does not say of which property it is.
        failure = error;
      }
    }
    throw failure;
  }

  override render() {
    const { room, rows, found } = this;
    const { t } = room;
    const first = this.all[0];
    const gate = this.alone && first ? this.gate(first, "get_rounds") : null;
    if (gate) {
      return gate;
    }
    if (!found || !rows) {
      return this.said();
    }
    if (!rows.length && !this.alone) {
      return nothing;
    }
    return html`<section class="box rounds">
        <h2>${t("rounds")}</h2>
        ${this.said()}
        ${rows.length
          ? html`<ul class="flat">
              ${rows.map(
                (row) =>
                  html`<li data-round=${row.person_id} class=${row.when}>
                    <div class="actions">${roundName(room, found, row)} ${row.unit ?? ""} ${roundFacts(room, row, this.accounts)}</div>
                    ${row.note ? html`<p class="note">${row.note}</p>` : nothing}
                    ${found.may("record_visit")
                      ? html`<button
                          class="main"
                          data-do="record_visit"
                          ?disabled=${room.locked}
                          @click=${() => {
                            this.visited = row;
                          }}
                        >
                          ${t("round_record")}
                        </button>`
                      : nothing}
                  </li>`,
              )}
            </ul>`
          : html`<p>${t("rounds_nobody_here")}</p>`}
      </section>
      ${this.visited
        ? html`<cs-record-visit .room=${room} .api=${found} .row=${this.visited} .code=${this.code} @closed=${this.closed}></cs-record-visit>`
        : nothing}`;
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
        border-top: 1px solid var(--divider-color);
        padding: 8px 0;
      }
      li:first-child {
        border-top: 0;
      }
      .note {
        overflow-wrap: anywhere;
        margin: 4px 0 8px;
        white-space: pre-line;
      }
    `,
  ];
}

/** Writes down that one is at somebody's door, and what was found. Who and when, the account and the server say. */
export class RecordVisitSheet extends Sheet {
  @property({ attribute: false }) row!: RoundRow;
  /** The code on the plate that was scanned; null: it is said why not. */
  @property() code: string | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    this.values["no_scan"] = NO_SCAN[0] ?? "";
  }

  protected override heading(): string {
    return this.room.t("round_record_title", { who: this.row.name });
  }

  protected override body(): TemplateResult {
    const { room, values } = this;
    const { t } = room;
    return html`<form
      @submit=${(event: Event) => {
        event.preventDefault();
        void this.submit(() => this.send());
      }}
    >
      <fieldset>
        <legend>${t("finding")}</legend>
        <div class="choices">
          ${OUTCOMES.map(
            (key) =>
              html`<button
                type="button"
                data-outcome=${key}
                aria-pressed=${values["outcome"] === key ? "true" : "false"}
                @click=${() => {
                  values["outcome"] = key;
                  this.requestUpdate();
                }}
              >
                ${option(room, "visit_outcome", key)}
              </button>`,
          )}
        </div>
      </fieldset>
      ${this.code === null
        ? this.select(
            "no_scan",
            t("round_no_scan"),
            NO_SCAN.map((key) => [key, option(room, "visit_no_scan", key)]),
          )
        : html`<p class="quiet">${t("plate_scanned")}</p>`}
      ${this.field("note", t("visit_note"))}
      <div class="actions">
        <button class="main" type="submit" ?disabled=${this.blocked || !values["outcome"]}>${t("save")}</button>
      </div>
    </form>`;
  }

  private async send(): Promise<Done> {
    const { outcome, note = "", no_scan: noScan } = this.values;
    const { code, row, room } = this;
    const { missed, next_on: nextOn } = await this.api.ask<{ missed: number; next_on: string }>("record_visit", {
      person_id: row.person_id,
      outcome,
      note,
      ...(code === null ? { no_scan: noScan } : { code }),
    });
    return { text: room.t(missed ? "round_recorded_again" : "round_recorded", { day: day(room, nextOn) }) };
  }

  static override readonly styles = [
    ...Sheet.styles,
    css`
      button[aria-pressed="true"] {
        outline: 3px solid var(--primary-color, #03a9f4);
      }
    `,
  ];
}

/** Says how often somebody is visited, and who sees to it. */
export class RoundSheet extends Sheet {
  @property() personId = "";
  @property({ attribute: false }) form!: RoundForm;

  override connectedCallback(): void {
    super.connectedCallback();
    const { form, values } = this;
    values["risk"] = form.risk ?? RISKS[0] ?? "";
    values["in_charge"] = form.in_charge && form.in_charge in form.accounts ? form.in_charge : "";
    values["unit_id"] = form.unit_id ?? form.homes[0]?.unit_id ?? "";
    values["note"] = form.note;
  }

  protected override heading(): string {
    return undotted(this.room.t("round_put"));
  }

  protected override body(): TemplateResult {
    const { form, room } = this;
    const { t } = room;
    return html`<form
      @submit=${(event: Event) => {
        event.preventDefault();
        void this.submit(() => this.send());
      }}
    >
      <div class="fields">
        ${this.select(
          "risk",
          t("round_risk"),
          RISKS.map((key) => [key, option(room, "visit_risk", key)]),
        )}
        ${this.select("in_charge", t("round_who"), [["", t("round_nobody")], ...Object.entries(form.accounts)])}
        ${form.homes.length > 1
          ? this.select(
              "unit_id",
              t("round_door"),
              form.homes.map((row) => [row.unit_id, row.unit ?? ""]),
            )
          : nothing}
      </div>
      <p class="quiet">${t("round_who_hint")}</p>
      ${this.field("note", t("round_note"))}
      <div class="actions">
        <button class="main" type="submit" ?disabled=${this.blocked}>${t("save")}</button>
      </div>
    </form>`;
  }

  private async send(): Promise<Done> {
    const { risk, in_charge: inCharge, unit_id: unitId, note } = this.values;
    await this.api.ask("put_round", {
      person_id: this.personId,
      risk,
      note,
      version: this.form.version,
      in_charge: inCharge || null,
      ...(unitId ? { unit_id: unitId } : {}),
    });
    return { text: this.room.t("saved") };
  }
}

/** How somebody is visited, on their own page: shown when somebody asks, as each look is in the audit. */
export class RoundSection extends Page {
  @property({ attribute: false }) api!: Api;
  @property() personId = "";
  @state() private form: RoundForm | null = null;
  @state() private file: RoundFile | null = null;
  @state() private sheet: "put" | "record" | null = null;
  @state() private isAsked = false;

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has("personId")) {
      this.form = this.file = this.sheet = null;
      this.isAsked = false;
      this.done = "";
    }
  }

  protected override async load(): Promise<void> {
    const { api, personId } = this;
    const form = await api.ask<RoundForm>("round_form", { person_id: personId });
    const file = form.version ? await api.ask<RoundFile>("round", { person_id: personId }) : null;
    if (personId === this.personId) {
      this.form = form;
      this.file = file;
    }
  }

  override render() {
    const { api, file, form, room } = this;
    const { t } = room;
    if (!this.isAsked) {
      return html`<p class="actions">
        <button
          data-do="round"
          @click=${() => {
            this.isAsked = true;
            void this.reload();
          }}
        >
          ${t("rounds")}
        </button>
      </p>`;
    }
    return html`<section class="box rounds">
        <h2>${t("rounds")}</h2>
        ${this.said()}
        ${form
          ? html`${file ? this.shown(file) : html`<p>${t(form.agreed ? "round_none" : "round_no_consent")}</p>`}
              <div class="actions">
                ${form.agreed ? this.opens("put", "put_round", file ? t("change") : t("round_put")) : nothing}
                ${file ? this.deeds(api) : nothing}
              </div>`
          : nothing}
      </section>
      ${this.sheets()}`;
  }

  private opens(sheet: "put" | "record", deed: string, text: string): TemplateResult {
    return html`<button
      data-do=${deed}
      ?disabled=${this.room.locked}
      @click=${() => {
        this.sheet = sheet;
      }}
    >
      ${text}
    </button>`;
  }

  private deeds(api: Api): TemplateResult {
    const { t } = this.room;
    return html`${api.may("record_visit") ? this.opens("record", "record_visit", t("round_record")) : nothing}
    ${api.may("request_visit") ? html`<button data-do="request_visit" ?disabled=${this.room.locked} @click=${this.does("request_visit", "round_requested")}>${t("round_request")}</button>` : nothing}
    ${api.may("end_round") ? this.pressTwice("end_round", t("round_end"), this.does("end_round", "round_ended"), t("round_end_means")) : nothing}`;
  }

  private does(command: string, done: "round_requested" | "round_ended"): () => void {
    return () => {
      void this.trying(async () => {
        await this.api.ask(command, { person_id: this.personId });
        this.did(this.room.t(done));
        await this.load();
      });
    };
  }

  private shown(file: RoundFile): TemplateResult {
    const { room } = this;
    const { t } = room;
    return html`<div class="actions">${file.unit ?? ""} ${roundFacts(room, file, file.accounts)}</div>
      ${file.note ? html`<p class="note">${file.note}</p>` : nothing}
      ${file.visits.length
        ? html`<ul class="flat">
            ${file.visits.map(
              (row) =>
                html`<li class="actions">
                  <span class="number">${timeOf(room, row.at)}</span>
                  <strong>${option(room, "visit_outcome", row.outcome)}</strong>
                  <span>${row.note}</span>
                  <span class="quiet">${(row.who && file.accounts[row.who]) ?? ""}</span>
                  <span class=${row.no_scan ? "tag" : "tag good"}>${row.no_scan ? option(room, "visit_no_scan", row.no_scan) : t("plate_scanned")}</span>
                </li>`,
            )}
          </ul>`
        : nothing}`;
  }

  private readonly closed = (event: CustomEvent<Done | undefined>): void => {
    this.sheet = null;
    if (event.detail) {
      this.did(event.detail.text);
    }
    void this.reload();
  };

  private sheets(): TemplateResult | typeof nothing {
    const { api, closed, file, form, room, sheet } = this;
    if (sheet === "put" && form) {
      return html`<cs-round .room=${room} .api=${api} .personId=${this.personId} .form=${form} @closed=${closed}></cs-round>`;
    }
    return sheet === "record" && file
      ? html`<cs-record-visit .room=${room} .api=${api} .row=${file} @closed=${closed}></cs-record-visit>`
      : nothing;
  }

  static override readonly styles = [
    ...pageStyles,
    css`
      li {
        border-top: 1px solid var(--divider-color);
        padding: 4px 0;
      }
      li span,
      .note {
        overflow-wrap: anywhere;
      }
      .note {
        margin: 4px 0;
        white-space: pre-line;
      }
      .box > .actions {
        margin-top: 8px;
      }
    `,
  ];
}
