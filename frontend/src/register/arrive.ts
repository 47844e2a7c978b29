import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { undotted } from "../translate";
import { CheckInSheet } from "./check-in";
import { findUnits } from "./find";
import type { DeskRow, Unit, Units } from "./model";

const MOST_UNITS = 5;
const PAGE = 2000;

/** Checks somebody in at a desk, on one screen: the unit, who it is, the lease, what was looked at and said, and a card. */
export class ArriveSheet extends CheckInSheet {
  @property({ attribute: false }) desks: DeskRow[] = [];
  @state() private units: Unit[] = [];
  protected override readonly command = "check_in_at_desk";

  override connectedCallback(): void {
    super.connectedCallback();
    Object.assign(this.values, { desk: (this.desks.find((row) => row.open) ?? this.desks[0])?.desk_id ?? "", identified: "", briefed: "" });
    void this.submit(async () => {
      for (let total = 1; this.units.length < total; ) {
        const found = await this.api.ask<Units>("units", { limit: PAGE, offset: this.units.length });
        this.units = [...this.units, ...found.units];
        total = found.units.length ? found.total : 0;
      }
      return null;
    });
  }

  protected override heading(): string {
    const { room, unit } = this;
    return unit ? room.t("check_in_title", { unit: unit.title }) : undotted(room.t("arrive"));
  }

  protected override above(): TemplateResult {
    const { unit, units, values } = this;
    const { t } = this.room;
    if (unit) {
      return html`<div class="actions">
        <button
          type="button"
          data-do="other"
          @click=${() => {
            this.unit = null;
          }}
        >
          ${t("arrive_unit_other")}
        </button>
      </div>`;
    }
    const hits = findUnits(units, values["unit"] ?? "").slice(0, MOST_UNITS);
    return html`${this.field("unit", t("arrive_unit"), { placeholder: "1-1-101" })}
    ${hits.length
      ? html`<div class="choices">
          ${hits.map(
            (hit) =>
              html`<button
                type="button"
                data-unit=${hit.unit_id}
                @click=${() => {
                  this.unit = hit;
                }}
              >
                ${hit.title}
              </button>`,
          )}
        </div>`
      : nothing}`;
  }

  protected override below(): TemplateResult {
    const { t } = this.room;
    const yesOrNo: [string, string][] = [
      ["", "–"],
      ["yes", t("answer_yes")],
      ["no", t("answer_no")],
    ];
    return html`<div class="fields wide">
        <div>
          ${this.select("identified", t("arrive_identified"), yesOrNo)}
          <p class="quiet">${t("arrive_identified_hint")}</p>
        </div>
        ${this.select("briefed", t("arrive_briefed"), yesOrNo)}
      </div>
      <div class="fields wide">
        ${this.field("card_number", t("arrive_card"))}
        ${this.desks.length
          ? this.select(
              "desk",
              t("arrive_at"),
              this.desks.map((row) => [row.desk_id, row.title]),
            )
          : nothing}
      </div>`;
  }

  protected override said(): object | null {
    const { identified, briefed, desk, card_number: card = "" } = this.values;
    return identified && briefed
      ? {
          identified: identified === "yes",
          briefed: briefed === "yes",
          ...(desk ? { desk_id: desk } : {}),
          ...(card.trim() ? { card_number: card.trim() } : {}),
        }
      : null;
  }

  static override readonly styles = [
    ...CheckInSheet.styles,
    css`
      .fields.wide {
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 240px), 1fr));
        align-items: start;
      }
    `,
  ];
}
