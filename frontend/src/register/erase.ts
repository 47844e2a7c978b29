import { html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import type { Person } from "./model";
import { option, Failure } from "./room";
import { Sheet, type Done } from "./sheet";

/** Erases somebody for good: nothing brings them back, so their name is typed first. */
export class EraseSheet extends Sheet {
  @property({ attribute: false }) person!: Person;
  /** An open alert tells them: nobody would warn them any more. */
  @state() private isTold = false;
  @state() private isMeant = false;

  override connectedCallback(): void {
    super.connectedCallback();
    this.values["reason"] = "request";
  }

  protected override heading(): string {
    return this.room.t("erase_title", { who: this.person.name });
  }

  protected override body(): TemplateResult {
    const { person, room } = this;
    const { t } = room;
    const units = person.leases.filter((lease) => !lease.left_on && lease.is_inside).map((lease) => lease.unit ?? "");
    const isTyped = (this.values["typed"] ?? "").trim() === person.name;
    return html`<form
      @submit=${(event: Event) => {
        event.preventDefault();
        void this.submit(() => this.send());
      }}
    >
      <p>${t("erase_means")}</p>
      ${units.length ? html`<p class="wrong">${t("erase_lives", { units: units.join(t("comma")) })}</p>` : nothing}
      ${this.isTold
        ? html`<label class="choice">
            <input
              type="checkbox"
              .checked=${this.isMeant}
              @change=${(event: Event) => {
                this.isMeant = (event.target as HTMLInputElement).checked;
              }}
            />
            ${t("erase_told")}
          </label>`
        : nothing}
      <div class="fields">
        ${this.select(
          "reason",
          t("reason"),
          room.session.reasons.map((reason) => [reason, option(room, "reason", reason)]),
        )}
        ${this.field("typed", t("type_name", { name: person.name }))}
      </div>
      <div class="actions">
        <button class="main" type="submit" ?disabled=${this.blocked || !isTyped || (this.isTold && !this.isMeant)}>${t("erase")}</button>
      </div>
    </form>`;
  }

  private async send(): Promise<Done> {
    const { t } = this.room;
    try {
      const answer = await this.api.ask<{ files_removed: string[]; files_left: string[] }>("erase_person", {
        person_id: this.person.person_id,
        even_in_alert: this.isMeant,
        reason: this.values["reason"],
      });
      const files = (key: "files_removed" | "files_left"): string =>
        answer[key].length ? ` ${t(key, { files: answer[key].join(t("comma")) })}` : "";
      return { text: `${t("erased")}${files("files_removed")}${files("files_left")}` };
    } catch (error) {
      this.isTold ||= error instanceof Failure && error.key === "person_in_alert";
      throw error;
    }
  }
}
