import { mdiWrench } from "@mdi/js";
import { css, html, nothing, type TemplateResult } from "lit";
import { icon } from "../icons";
import { Faults } from "./faults";
import { GuestElement } from "./guest";
import { linkTo, pageStyles } from "./page";
import { gapOf, Roster } from "./roster";

/** What of the register is a fault among the incidents: alerts that do not go out, and a duty that nobody covers. Else it shows nothing. */
export class Notices extends GuestElement {
  private readonly roster: Roster = new Roster(this);
  private readonly faults: Faults = new Faults(this);

  /** What is heard as a fault, until it is muted: that people are not told. */
  sounds: readonly string[] = [];

  protected override updated(): void {
    const { texts } = this.faults;
    if (texts.join() !== this.sounds.join()) {
      this.sounds = texts;
      this.dispatchEvent(new Event("sounds"));
    }
  }

  override render() {
    const { room, roster } = this;
    const { t } = room;
    const isOne = room.session.properties.length < 2;
    const found = (roster.weeks ?? []).flatMap(({ api, week }) =>
      week.duties.flatMap((duty) => {
        const text = gapOf(room, duty, roster.now.get(api.property.entry_id)?.get(duty.duty));
        return text ? [{ duty: duty.duty, text: isOne ? text : `${api.property.title} · ${text}` }] : [];
      }),
    );
    const rows = roster.failure ? [{ duty: "", text: t("roster_unknown", { reason: roster.failure }) }, ...found] : found;
    const faults = this.faults.texts;
    return rows.length || faults.length
      ? html`<ul class="flat" aria-label=${t("duty_title")}>
          ${faults.map((text) => html`<li data-row data-fault>${this.row(text)}</li>`)}
          ${rows.map(
            ({ duty, text }) =>
              html`<li data-row data-duty=${duty}>
                ${this.row(text)} ${linkTo(room, "/duty", t("duty_title"), "button")}
              </li>`,
          )}
        </ul>`
      : nothing;
  }

  private row(text: string): TemplateResult {
    return html`<span class="mark class">${icon(mdiWrench)} ${this.room.t("fault")}</span><span class="text">${text}</span>`;
  }

  static override readonly styles = [
    ...pageStyles,
    css`
      ul {
        margin-top: 8px;
      }
      li {
        --c: var(--fault);
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 16px;
        margin-bottom: 8px;
        padding: 10px 16px 10px 20px;
        border: 1px solid var(--divider-color);
        border-inline-start: 8px solid var(--c);
        border-radius: 8px;
        background: var(--card-background-color, #fff);
      }
      .text {
        flex: 1 1 200px;
        min-width: 0;
      }
    `,
  ];
}
