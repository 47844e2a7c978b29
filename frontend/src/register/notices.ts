import { mdiWrench } from "@mdi/js";
import { css, html, nothing } from "lit";
import { icon } from "../icons";
import { GuestElement } from "./guest";
import { linkTo, pageStyles } from "./page";
import { gapOf, Roster } from "./roster";

/** What of the register is a fault among the incidents: a duty that nobody covers. Else it shows nothing. */
export class Notices extends GuestElement {
  private readonly roster: Roster = new Roster(this);

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
    return rows.length
      ? html`<ul class="flat" aria-label=${t("duty_title")}>
          ${rows.map(
            ({ duty, text }) =>
              html`<li data-row data-duty=${duty}>
                <span class="mark class">${icon(mdiWrench)} ${t("fault")}</span>
                <span class="text">${text}</span>
                ${linkTo(room, "/duty", t("duty_title"), "button")}
              </li>`,
          )}
        </ul>`
      : nothing;
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
