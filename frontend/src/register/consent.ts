import { html, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import type { Consent, Person } from "./model";
import { option, today } from "./room";
import { Sheet, type Done } from "./sheet";

/** Writes down what somebody agrees to. */
export class ConsentSheet extends Sheet {
  @property({ attribute: false }) person!: Person;
  @property({ attribute: false }) scopes: string[] = [];
  /** What they agree to already: who was named then is named again, unless that is taken back. */
  @property({ attribute: false }) consents: Consent[] = [];
  private readonly dropped = new Set<string>();

  override connectedCallback(): void {
    super.connectedCallback();
    this.values["scope"] = this.scopes[0] ?? "";
  }

  protected override heading(): string {
    return this.room.t("consent_title", { who: this.person.name });
  }

  protected override body(): TemplateResult {
    const { room } = this;
    const { t } = room;
    const named = this.consents.find((row) => row.scope === this.values["scope"])?.contacts ?? [];
    return html`<form
      @submit=${(event: Event) => {
        event.preventDefault();
        void this.submit(() => this.send(named.map((row) => row.person_id)));
      }}
    >
      <div class="fields">
        ${this.select(
          "scope",
          t("to_what"),
          this.scopes.map((scope) => [scope, option(room, "consent_scope", scope)]),
        )}
        ${this.field("until", t("last_day"), { type: "date", minimum: today(room) })}
      </div>
      <p class="quiet">${t("last_day_hint")}</p>
      <h3>${t("contact_title")}</h3>
      ${named.map(
        (row) =>
          html`<label class="choice">
            <input
              type="checkbox"
              .checked=${!this.dropped.has(row.person_id)}
              @change=${(event: Event) => {
                if ((event.target as HTMLInputElement).checked) {
                  this.dropped.delete(row.person_id);
                } else {
                  this.dropped.add(row.person_id);
                }
              }}
            />
            ${row.name}
          </label>`,
      )}
      <div class="fields">
        ${this.field("contact", t("name"))} ${this.field("contact_phone", t("phone"), { type: "tel" })}
      </div>
      <div class="actions">
        <button class="main" type="submit" ?disabled=${this.blocked}>${t("give_consent")}</button>
      </div>
    </form>`;
  }

  private async send(named: string[]): Promise<Done> {
    const { scope, until, contact = "", contact_phone: phone = "" } = this.values;
    await this.api.ask("give_consent", {
      person_id: this.person.person_id,
      scope,
      ...(until ? { until } : {}),
      contacts: [
        ...named.filter((id) => !this.dropped.has(id)).map((id) => ({ person_id: id })),
        ...(contact.trim() ? [{ name: contact.trim(), ...(phone.trim() ? { phone } : {}) }] : []),
      ],
    });
    return { text: this.room.t("consent_given") };
  }
}
