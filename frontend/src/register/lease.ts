import { html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import type { Occupant, Outcome, Unit, UnitFile, Units } from "./model";
import { findUnits } from "./find";
import { day, option, period, today } from "./room";
import { Sheet, type Done } from "./sheet";

export type Deed = "check_out" | "renew_lease" | "correct_lease" | "move";
const MOST_UNITS = 5;

/** Changes one lease. Who was slower is shown what is there now, and what they wanted. */
export class LeaseSheet extends Sheet {
  @property({ attribute: false }) unit!: UnitFile;
  @property({ attribute: false }) occupant!: Occupant;
  @property() deed: Deed = "check_out";
  @state() private now: Occupant | null = null;
  /** Somebody was faster; null in `now`: they are not in the unit any more. */
  @state() private isConflict = false;
  @state() private units: Unit[] = [];
  @state() private target: Unit | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    const { start, end } = this.occupant;
    Object.assign(this.values, { date: today(this.room) });
    if (this.deed === "correct_lease") {
      Object.assign(this.values, { start: start ?? "", end: end ?? "" });
    }
    if (this.deed === "move") {
      void this.submit(async () => {
        this.units = (await this.api.ask<Units>("units", { limit: 2000 })).units;
        return null;
      });
    }
  }

  protected override heading(): string {
    const { name, role, slot } = this.occupant;
    const who = `${name} (${option(this.room, "role", role)} ${slot})`;
    return this.room.t(`${this.deed}_title`, { who, unit: this.unit.title });
  }

  protected override body(): TemplateResult {
    const { t } = this.room;
    if (this.isConflict) {
      return this.conflict();
    }
    return html`<form
      @submit=${(event: Event) => {
        event.preventDefault();
        void this.submit(() => this.send(this.occupant.version));
      }}
    >
      <p class="quiet">${this.terms(this.occupant)}</p>
      ${this.deed === "move" ? this.where() : nothing}
      <div class="fields">${this.fields()}</div>
      ${this.deed === "check_out" ? html`<p class="quiet">${t("check_out_hint")}</p>` : nothing}
      <div class="actions">
        <button class="main" type="submit" ?disabled=${this.blocked || (this.deed === "move" && !this.target)}>
          ${t(this.deed).replace(/…+$/, "")}
        </button>
      </div>
    </form>`;
  }

  private fields(): TemplateResult[] {
    const { t } = this.room;
    switch (this.deed) {
      case "check_out":
        return [this.field("date", t("leaves_on"), { type: "date", required: true })];
      case "renew_lease":
        return [this.field("end", t("new_end"), { type: "date", required: true })];
      case "correct_lease":
        return [this.field("start", t("start"), { type: "date" }), this.field("end", t("end"), { type: "date" })];
      case "move":
        return [
          this.field("date", t("moves_on"), { type: "date", required: true }),
          this.field("end", t("end"), { type: "date" }),
        ];
    }
  }

  private where(): TemplateResult {
    const { t } = this.room;
    const hits = findUnits(this.units, this.values["to"] ?? "")
      .filter((unit) => unit.unit_id !== this.unit.unit_id)
      .slice(0, MOST_UNITS);
    return this.target
      ? html`<p>${t("moves_to")} <strong>${this.target.title}</strong></p>`
      : html`${this.field("to", t("moves_to"))}
          <div class="choices">
            ${hits.map(
              (unit) =>
                html`<button
                  type="button"
                  @click=${() => {
                    this.target = unit;
                  }}
                >
                  ${unit.title}
                </button>`,
            )}
          </div>`;
  }

  private terms(lease: Occupant): string {
    const { room } = this;
    const until = period(room, lease.start, lease.end);
    return lease.left_on ? `${until} · ${room.t("leaves", { day: day(room, lease.left_on) })}` : until;
  }

  private wanted(): string {
    const { room } = this;
    const { date = "", start = "", end = "" } = this.values;
    switch (this.deed) {
      case "check_out":
        return room.t("leaves", { day: day(room, date) });
      case "renew_lease":
        return room.t("until", { day: day(room, end) });
      case "correct_lease":
        return period(room, start || null, end || null);
      case "move":
        return `${room.t("moves_to")} ${this.target?.title ?? ""}, ${day(room, date)}`;
    }
  }

  /** Both sides, and nothing lost: what was typed is still there. */
  private conflict(): TemplateResult {
    const { t } = this.room;
    const { now } = this;
    const last = now?.history.at(-1);
    return html`<div class="clash" role="alert">
      <h3>${t("somebody_faster")}</h3>
      <dl>
        <dt>${t("was")}</dt>
        <dd>${this.terms(this.occupant)}</dd>
        <dt>${t("is_now")}</dt>
        <dd>
          ${now ? this.terms(now) : t("not_there")}
          ${last ? html`<span class="quiet">(${option(this.room, "lease_change", last.what)})</span>` : nothing}
        </dd>
        <dt>${t("you_wanted")}</dt>
        <dd>${this.wanted()}</dd>
      </dl>
      <div class="actions">
        ${now
          ? html`<button ?disabled=${this.blocked} @click=${() => void this.submit(() => this.send(now.version))}>
              ${t("do_mine")}
            </button>`
          : nothing}
        <button @click=${() => void this.submit(() => Promise.resolve({ text: t("kept_theirs") }))}>${t("keep_theirs")}</button>
      </div>
    </div>`;
  }

  private async send(version: number): Promise<Done | null> {
    const { date = "", start = "", end = "" } = this.values;
    const lease = { unit_id: this.unit.unit_id, lease_id: this.occupant.lease_id, version };
    const data: Record<Deed, object> = {
      check_out: { unit_id: this.unit.unit_id, person_id: this.occupant.person_id, date, version },
      renew_lease: { ...lease, end },
      correct_lease: { ...lease, ...(start ? { start } : {}), end: end || null },
      move: { ...lease, to_unit_id: this.target?.unit_id, date, ...(end ? { end } : {}) },
    };
    const answer = await this.api.ask<Outcome<UnitFile>>(this.deed, data[this.deed]);
    if (answer.written) {
      return { text: this.room.t(`${this.deed}_done`), commandId: answer.written.command_id };
    }
    this.now = answer.conflict?.people.find((row) => row.lease_id === this.occupant.lease_id) ?? null;
    this.isConflict = true;
    return null;
  }
}
