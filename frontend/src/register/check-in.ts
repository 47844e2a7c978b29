import { html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import type { Doubts, Hit, UnitFile, Written } from "./model";
import { option, period, today } from "./room";
import type { Done } from "./sheet";
import { WhoSheet } from "./who";

const ROLES = ["tenant", "landlord"] as const;

interface Answer {
  written: Written | null;
  doubts?: Doubts;
}

/** Checks somebody into a unit: who, since when, as what. */
export class CheckInSheet extends WhoSheet {
  /** Null where it is still to be chosen. */
  @property({ attribute: false }) unit: Pick<UnitFile, "unit_id" | "title"> | null = null;
  @state() private doubts: Doubts | null = null;
  protected readonly command: string = "check_in";

  override connectedCallback(): void {
    super.connectedCallback();
    Object.assign(this.values, { role: "tenant", start: today(this.room) });
  }

  protected override heading(): string {
    return this.room.t("check_in_title", { unit: this.unit?.title ?? "" });
  }

  /** What else is asked, before the others and after them; and what is sent of it, null while something lacks. */
  protected above(): TemplateResult | typeof nothing {
    return nothing;
  }

  protected below(): TemplateResult | typeof nothing {
    return nothing;
  }

  protected said(): object | null {
    return {};
  }

  protected override body(): TemplateResult {
    const { room } = this;
    const { t } = room;
    if (this.doubts) {
      return this.ask(this.doubts);
    }
    return html`<form
      @submit=${(event: Event) => {
        event.preventDefault();
        void this.submit(() => this.send(false));
      }}
    >
      ${this.above()}
      ${this.who(
        html`${this.field("name", t("name"), { required: true })} ${this.field("phone", t("phone"), { type: "tel" })}`,
      )}
      <div class="fields">
        ${this.select(
          "role",
          t("role"),
          ROLES.map((role) => [role, option(room, "role", role)]),
        )}
        ${this.field("start", t("start"), { type: "date" })} ${this.field("end", t("end"), { type: "date" })}
      </div>
      ${this.below()}
      <div class="actions">
        <button class="main" type="submit" ?disabled=${this.blocked || !this.unit || !this.said()}>${t("check_in")}</button>
        <span class="quiet">${t("check_in_hint")}</span>
      </div>
    </form>`;
  }

  protected override choose(hit: Hit): void {
    super.choose(hit);
    this.doubts = null;
  }

  /** What should be looked at first: who may be the same, and what overlaps. */
  private ask(doubts: Doubts): TemplateResult {
    const { room } = this;
    const { t } = room;
    return html`<div class="clash" role="alert">
      ${doubts.same.length
        ? html`<h3>${t("same_person")}</h3>
            ${doubts.same.map((hit) => this.choice(hit, t("it_is_them")))}`
        : nothing}
      ${doubts.overlaps.length
        ? html`<h3>${t("overlaps")}</h3>
            <ul class="flat">
              ${doubts.overlaps.map(
                (row) =>
                  html`<li>
                    ${row.name}, ${row.unit} ${option(room, "role", row.role)}:
                    <span class="number">${period(room, row.start, row.end)}</span>
                  </li>`,
              )}
            </ul>`
        : nothing}
      <div class="actions">
        <button ?disabled=${this.blocked} @click=${() => void this.submit(() => this.send(true))}>
          ${t(doubts.same.length ? "is_new" : "check_in_anyway")}
        </button>
        <button
          @click=${() => {
            this.doubts = null;
          }}
        >
          ${t("back_to_form")}
        </button>
      </div>
    </div>`;
  }

  private async send(confirmed: boolean): Promise<Done | null> {
    const { name = "", phone = "", role = "tenant", start = "", end = "" } = this.values;
    const answer = await this.api.ask<Answer>(this.command, {
      unit_id: this.unit?.unit_id,
      ...(this.person ? { person_id: this.person.person_id } : { name: name.trim(), ...(phone.trim() ? { phone } : {}) }),
      role,
      ...(start ? { start } : {}),
      ...(end ? { end } : {}),
      ...this.said(),
      confirmed,
    });
    if (answer.written) {
      return { text: this.room.t("checked_in"), commandId: answer.written.command_id };
    }
    this.doubts = answer.doubts ?? null;
    return null;
  }
}
