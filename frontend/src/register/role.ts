import { html, nothing, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import { accountNames, type Held } from "./grants";
import type { Roles } from "./model";
import { option, today } from "./room";
import type { Done } from "./sheet";
import { WhoSheet } from "./who";

/** Gives an account a role, or says anew until when it has one. */
export class RoleSheet extends WhoSheet {
  @property({ attribute: false }) found!: Roles;
  /** Whose last day is changed; null for a new one. */
  @property({ attribute: false }) grant: Held | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    const [first] = this.found.kinds;
    Object.assign(this.values, { user_id: "", role: first?.role ?? "", until: this.grant?.until ?? "" });
  }

  protected override heading(): string {
    const { room, grant } = this;
    return grant
      ? room.t("role_until_title", { who: grant.account, role: option(room, "account_role", grant.role) })
      : room.t("give_role").replace(/…+$/, "");
  }

  private get isOfPerson(): boolean {
    return this.found.kinds.some(({ role, of_a_person: isOf }) => isOf && role === this.values["role"]);
  }

  protected override body(): TemplateResult {
    const { room, grant } = this;
    const { t } = room;
    const lacks = !grant && (!this.values["user_id"] || (this.isOfPerson && !this.person));
    return html`<form
      @submit=${(event: Event) => {
        event.preventDefault();
        void this.submit(() => this.send());
      }}
    >
      ${grant ? nothing : this.whose()}
      <div class="fields">${this.field("until", t("last_day"), { type: "date", minimum: today(room) })}</div>
      <p class="quiet">${t("role_until_hint")}</p>
      <div class="actions">
        <button class="main" type="submit" ?disabled=${this.blocked || lacks}>${t(grant ? "save" : "give")}</button>
      </div>
    </form>`;
  }

  private whose(): TemplateResult {
    const { room, found } = this;
    const { t } = room;
    const accounts = [...accountNames(found)].sort(([, a], [, b]) => a.localeCompare(b));
    return html`<div class="fields">
        ${this.select("user_id", t("account"), [["", "–"], ...accounts])}
        ${this.select(
          "role",
          t("role_title"),
          found.kinds.map(({ role }) => [role, option(room, "account_role", role)]),
        )}
      </div>
      <p class="quiet">${t("account_hint")}</p>
      ${this.isOfPerson
        ? html`<h3>${t("who_they_are")}</h3>
            <p class="quiet">${t("who_they_are_hint")}</p>
            ${this.who(this.field("find", t("find_person")))}`
        : nothing}`;
  }

  private async send(): Promise<Done> {
    const { grant, room } = this;
    const { user_id: userId, role, until } = this.values;
    const personId = grant ? grant.person_id : this.isOfPerson ? this.person?.person_id : null;
    await this.api.ask("grant_role", {
      ...(grant ? { user_id: grant.user_id, role: grant.role } : { user_id: userId, role }),
      ...(personId ? { person_id: personId } : {}),
      ...(until ? { until } : {}),
    });
    return { text: room.t(grant ? "saved" : "role_given") };
  }
}
