import { css, html, nothing, svg, type SVGTemplateResult, type TemplateResult } from "lit";
import type { WatchChart } from "./model";
import type { Room } from "./room";
import { heardIn, hoursOf } from "./watching";

/** In the units of the picture: a quarter of an hour is ten wide. */
const STEP = 10;
const HIGH = 160;
const MARK = { top: HIGH + 12, high: 28 };
const FOOT = MARK.top + MARK.high + 32;
const NAMED_HOURS = [0, 6, 12, 18, 24];

/** The usual day and today, as a picture and as a table: whoever sees no picture reads the same. */
export function dayChart(room: Room, chart: WatchChart, nowQuarter: number): TemplateResult {
  const { t } = room;
  const wide = chart.usual.length * STEP;
  const percent = new Intl.NumberFormat(room.hass.locale.language, { style: "percent", maximumFractionDigits: 0 });
  const hour = new Intl.DateTimeFormat(room.hass.locale.language, { timeStyle: "short", timeZone: "UTC" });
  const at = (hours: number): string => hour.format(new Date(hours * 3_600_000));
  const hours = hoursOf(chart, nowQuarter);
  const usual: SVGTemplateResult[] = chart.usual.map((share, quarter) =>
    share === null
      ? svg`<rect class="unknown" x=${quarter * STEP} y="0" width=${STEP} height=${HIGH}></rect>`
      : svg`<rect class="usual" x=${quarter * STEP + 1} y=${HIGH - share * HIGH} width=${STEP - 2} height=${share * HIGH}></rect>`,
  );
  const today: SVGTemplateResult[] = chart.today.map((mark, quarter) => {
    const heard = heardIn([mark], quarter, nowQuarter);
    return svg`<rect class=${heard} x=${quarter * STEP + 1} y=${MARK.top} width=${STEP - 2} height=${MARK.high}></rect>`;
  });
  return html`<figure>
    <svg viewBox="-4 -4 ${wide + 8} ${FOOT}" role="img" aria-label=${t("care_chart_label")}>
      <defs>
        <pattern id="hatched" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <line class="hatch" x1="0" y1="0" x2="0" y2="8"></line>
        </pattern>
      </defs>
      ${usual}
      <line class="axis" x1="0" y1=${HIGH} x2=${wide} y2=${HIGH}></line>
      ${today}
      <line class="now" x1=${(nowQuarter + 1) * STEP} y1="0" x2=${(nowQuarter + 1) * STEP} y2=${MARK.top + MARK.high}></line>
      ${NAMED_HOURS.map((named) => {
        const x = (named * wide) / 24;
        const anchor = named === 0 ? "start" : named === 24 ? "end" : "middle";
        return svg`<line class="axis" x1=${x} y1=${HIGH} x2=${x} y2=${MARK.top}></line>
          <text x=${x} y=${FOOT - 10} text-anchor=${anchor}>${named === 24 ? "24" : String(named)}</text>`;
      })}
    </svg>
    <figcaption>
      <span class="key"><i class="usual"></i>${t("care_chart_usual")}</span>
      <span class="key"><i class="heard"></i>${t("care_chart_heard")}</span>
      <span class="key"><i class="silent"></i>${t("care_chart_silent")}</span>
      <span class="key"><i class="unseen"></i>${t("care_chart_unseen")}</span>
    </figcaption>
    <details>
      <summary>${t("care_chart_table")}</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">${t("care_chart_hour")}</th>
            <th scope="col">${t("care_chart_usual")}</th>
            <th scope="col">${t("care_chart_today")}</th>
          </tr>
        </thead>
        <tbody>
          ${hours.map(
            (row) =>
              html`<tr>
                <th scope="row">${at(row.hour)}</th>
                <td>${row.usual === null ? t("care_chart_not_known") : percent.format(row.usual)}</td>
                <td>${row.today === "coming" ? nothing : t(`care_chart_${row.today}`)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </details>
  </figure>`;
}

export const chartStyles = css`
  figure {
    margin: 0;
    max-width: 960px;
  }
  figure svg {
    display: block;
    width: 100%;
    height: auto;
  }
  figure text {
    fill: var(--primary-text-color);
    font-size: 22px;
  }
  :host([narrow]) figure text {
    font-size: 40px;
  }
  rect.usual,
  i.usual {
    fill: var(--outline-color, var(--secondary-text-color));
    background: var(--outline-color, var(--secondary-text-color));
  }
  rect.heard,
  i.heard {
    fill: var(--focus);
    background: var(--focus);
  }
  rect.silent {
    fill: none;
    stroke: var(--secondary-text-color);
    stroke-width: 1;
  }
  rect.coming {
    fill: none;
  }
  rect.unseen,
  rect.unknown {
    fill: url("#hatched");
  }
  .hatch {
    stroke: var(--fault);
    stroke-width: 4;
  }
  .axis {
    stroke: var(--secondary-text-color);
    stroke-width: 1;
  }
  .now {
    stroke: var(--fire);
    stroke-width: 3;
    stroke-dasharray: 8 6;
  }
  figcaption {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 16px;
  }
  .key {
    display: inline-flex;
    align-items: center;
    gap: 6px;
  }
  .key i {
    width: 16px;
    height: 16px;
  }
  i.silent {
    border: 1px solid var(--secondary-text-color);
  }
  i.unseen {
    background: repeating-linear-gradient(45deg, var(--fault) 0 3px, transparent 3px 6px);
  }
  summary {
    min-height: 44px;
    align-content: center;
    cursor: pointer;
  }
  @media (forced-colors: active) {
    rect.usual,
    i.usual {
      fill: CanvasText;
      background: CanvasText;
      forced-color-adjust: none;
    }
    rect.heard,
    i.heard {
      fill: Highlight;
      background: Highlight;
      forced-color-adjust: none;
    }
  }
`;
