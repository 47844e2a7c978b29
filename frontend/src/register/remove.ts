import { html, nothing, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";
import type { UnitFile } from "./model";
import { Sheet, type Done } from "./sheet";

/** Removes a unit, once it was read what goes with it. */
export class RemoveSheet extends Sheet {
  @property({ attribute: false }) unit!: UnitFile;

  protected override heading(): string {
    return this.room.t("remove_title", { unit: this.unit.title });
  }

  protected override body(): TemplateResult {
    const { t } = this.room;
    const count = this.unit.people.length;
    return html`<p>${t("remove_means")}</p>
      ${count ? html`<p class="wrong">${t("remove_people", { count })}</p>` : nothing}
      <div class="actions">
        <button class="main" ?disabled=${this.blocked} @click=${() => void this.submit(() => this.send())}>${t("remove_unit")}</button>
      </div>`;
  }

  private async send(): Promise<Done> {
    const { unit_id: unitId, title, people } = this.unit;
    await this.api.ask("remove_unit", { unit_id: unitId, with_people: people.length > 0 });
    return { text: this.room.t("removed", { unit: title }) };
  }
}
