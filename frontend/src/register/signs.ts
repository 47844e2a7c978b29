import { mdiAccountAlert, mdiAccountQuestion, mdiExitRun, mdiEye, mdiEyeOff, mdiLockAlert, mdiPauseCircleOutline } from "@mdi/js";
import { css, html, svg, type SVGTemplateResult, type TemplateResult } from "lit";
import type { WatchMonth, WatchRow } from "./model";
import { timeOf, type Room } from "./room";
import { explained, lookOf, notesOf, rightOf, shownOf, type Shown } from "./watching";

const SYMBOLS: Record<Shown, string> = {
  alarm: mdiAccountAlert,
  asking: mdiAccountQuestion,
  suspended: mdiEyeOff,
  unreadable: mdiLockAlert,
  away: mdiExitRun,
  paused: mdiPauseCircleOutline,
  watching: mdiEye,
};
const drawn = (path: string): SVGTemplateResult => svg`<svg viewBox="0 0 24 24" aria-hidden="true"><path fill="currentColor" d=${path}></path></svg>`;

/** The state of a watch: by its colour, its symbol and its word. */
export const stateOf = ({ t }: Room, row: Pick<WatchRow, "state" | "unreadable">): TemplateResult =>
  html`<span class="tag state ${lookOf(row)}" data-state=${shownOf(row)}>${drawn(SYMBOLS[shownOf(row)])} ${t(`care_state_${shownOf(row)}`)}</span>`;

/** A time of the server: without its day, where that is today. */
export function moment(room: Room, iso: string): string {
  const { hass } = room;
  const options = { timeZone: hass.config.time_zone } as const;
  const day = new Intl.DateTimeFormat("sv", options);
  return day.format(new Date(iso)) === day.format(room.now() * 1000)
    ? new Intl.DateTimeFormat(hass.locale.language, { ...options, timeStyle: "short" }).format(new Date(iso))
    : timeOf(room, iso);
}

/** What is to be said of a watch, sentence by sentence. */
export const sentences = (room: Room, row: WatchRow): string[] =>
  explained(row).map(({ key, times = {}, values = {} }) =>
    room.t(key, { ...values, ...Object.fromEntries(Object.entries(times).map(([name, iso]) => [name, moment(room, iso)])) }),
  );

export const notes = (room: Room, row: WatchRow): TemplateResult[] =>
  notesOf(row).map((note) => html`<span class="tag ${note === "dead" ? "warn" : ""}">${room.t(`care_why_${note}`)}</span>`);

/** How often it asked, told others, and was right. */
export function monthly(room: Room, rows: WatchMonth[]): TemplateResult {
  const { t } = room;
  if (!rows.length) {
    return html`<p>${t("care_no_months")}</p>`;
  }
  const month = new Intl.DateTimeFormat(room.hass.locale.language, { year: "numeric", month: "short", timeZone: "UTC" });
  const number = new Intl.NumberFormat(room.hass.locale.language);
  return html`<div class="wide" tabindex="0" role="group" aria-label=${t("care_months")}><table>
    <thead>
      <tr>
        <th scope="col">${t("care_month")}</th>
        <th scope="col">${t("care_month_asked")}</th>
        <th scope="col">${t("care_month_told")}</th>
        <th scope="col">${t("care_outcome_needless")}</th>
        <th scope="col">${t("care_outcome_real")}</th>
        <th scope="col">${t("care_month_right")}</th>
      </tr>
    </thead>
    <tbody>
      ${rows.map((row) => {
        const right = rightOf(row);
        return html`<tr>
          <th scope="row">${month.format(new Date(`${row.month}-01T00:00:00Z`))}</th>
          ${[row.asked, row.told, row.needless, row.real].map((count) => html`<td class="number">${number.format(count)}</td>`)}
          <td class="number">${right === null ? "–" : t("care_percent", { percent: number.format(right) })}</td>
        </tr>`;
      })}
    </tbody>
  </table></div>`;
}

/** How states look on all pages of care. */
export const signStyles = css`
  .line {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 4px 12px;
    min-height: 44px;
  }
  .state {
    display: inline-flex;
    align-items: center;
    gap: 6px;
    min-height: 32px;
    border-width: 2px;
    font-weight: 700;
  }
  .state.filled {
    background: var(--fire);
    border-color: var(--fire);
    color: var(--on-fill);
  }
  .warning {
    border: 2px solid var(--fault);
  }
  .wide {
    overflow-x: auto;
  }
  td,
  th:not(:first-child) {
    text-align: end;
  }
`;
