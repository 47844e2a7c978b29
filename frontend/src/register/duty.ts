import { css, html, nothing, type TemplateResult } from "lit";
import type { Duty, Week } from "./model";
import { Page, pageStyles } from "./page";
import { option, type Api } from "./room";
import { Roster, secondsOf, spanOf, weekday } from "./roster";

const DAY_SECONDS = 86_400;

/** Who is on duty now and in the next seven days, and when nobody is. */
export class DutyPage extends Page {
  private readonly roster: Roster = new Roster(this);

  protected override willUpdate(): void {
    this.failure = this.roster.failure;
  }

  protected override load(): Promise<void> {
    return this.roster.read();
  }

  override render() {
    const { t } = this.room;
    return html`<div class="head"><h1>${t("duty_title")}</h1></div>
      ${this.said()}
      ${this.roster.weeks
        ? this.roster.weeks.map(({ api, week }) => this.property(api, week))
        : html`<div class="skeleton" role="status" aria-label=${t("waiting")}></div>`}`;
  }

  private property(api: Api, week: Week): TemplateResult {
    const { room } = this;
    const { t } = room;
    const gaps = week.duties.flatMap(({ duty, gaps: spans }) => spans.map((span) => ({ duty, span })));
    return html`
      ${room.session.properties.length > 1 ? html`<h2>${api.property.title}</h2>` : nothing}
      ${week.duties.length ? nothing : html`<p class="box">${t("no_duties")}</p>`}
      ${gaps.length
        ? html`<section class="box gaps" role="alert">
            <h2>${t("gaps", { count: gaps.length })}</h2>
            <ul class="flat">
              ${gaps.map(
                ({ duty, span }) =>
                  html`<li><strong>${option(room, "duty", duty)}</strong>: <span class="number">${spanOf(room, span)}</span></li>`,
              )}
            </ul>
            <p>${t("gaps_mean")}</p>
          </section>`
        : nothing}
      ${week.duties.map((row) => this.duty(row, week, this.roster.now.get(api.property.entry_id)?.get(row.duty)))}
    `;
  }

  private duty(row: Week["duties"][number], week: Week, now: Duty | undefined): TemplateResult {
    const { room } = this;
    const { t } = room;
    return html`<section class="box" data-duty=${row.duty}>
      <div class="head">
        <h2>${option(room, "duty", row.duty)}</h2>
        ${now?.gap === "unreachable" ? html`<span class="tag bad">${t("gap_unreachable")}</span>` : nothing}
        ${now?.gap === "off" ? html`<span class="tag bad">${t("gap_off")}</span>` : nothing}
      </div>
      <div class="days" aria-hidden="true">
        <span></span>
        <div class="line">${this.days(week).map(({ text, share }) => html`<span style="flex: ${share}">${text}</span>`)}</div>
      </div>
      ${row.posts.map((post) => {
        const isOn = now?.posts.find((item) => item.post === post.post)?.on;
        return html`<div class="post">
          <div>
            <strong>${post.title}</strong>
            ${isOn === undefined ? nothing : html`<span class="tag ${isOn ? "good" : ""}">${t(isOn ? "on_now" : "off_now")}</span>`}
            ${post.reachable ? nothing : html`<span class="tag bad">${t("not_reachable")}</span>`}
          </div>
          ${post.on === null
            ? html`<span class="quiet">${t("plan_unknown")}</span>`
            : html`<div class="line bars" role="img" aria-label=${post.on.map((span) => spanOf(room, span)).join("; ") || t("never")}>
                ${post.on.map((span) => html`<i style=${this.place(span, week)}></i>`)}
              </div>`}
        </div>`;
      })}
      ${row.gaps.length
        ? html`<div class="post">
            <div class="quiet">${t("nobody")}</div>
            <div class="line bars" role="img" aria-label=${row.gaps.map((span) => spanOf(room, span)).join("; ")}>
              ${row.gaps.map((span) => html`<i class="gap" style=${this.place(span, week)}></i>`)}
            </div>
          </div>`
        : nothing}
    </section>`;
  }

  private place([from, until]: [number, number], week: Week): string {
    const whole = week.until - week.from;
    const left = ((from - week.from) / whole) * 100;
    const width = ((until - from) / whole) * 100;
    return `left: ${left.toFixed(2)}%; width: ${width.toFixed(2)}%`;
  }

  /** The days of the line, the first and the last in part. */
  private days(week: Week): { text: string; share: number }[] {
    const { room } = this;
    const found: { text: string; share: number }[] = [];
    for (let at = week.from; at < week.until; ) {
      const midnight = at + DAY_SECONDS - secondsOf(room, at);
      const end = Math.min(midnight, week.until);
      const share = (end - at) / DAY_SECONDS;
      found.push({ text: share < 0.5 ? "" : weekday(room, at, !this.narrow), share });
      at = end;
    }
    return found;
  }

  static override readonly styles = [
    ...pageStyles,
    css`
      .gaps {
        border: 2px solid var(--fire);
      }
      .box .head {
        margin-bottom: 0;
      }
      .days,
      .post {
        display: grid;
        grid-template-columns: minmax(160px, 1fr) 4fr;
        gap: 4px 16px;
        align-items: center;
        min-height: 32px;
      }
      .post > div:first-child {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 8px;
        align-items: center;
      }
      .line {
        display: flex;
        position: relative;
        min-width: 0;
      }
      .days .line {
        font-size: 13px;
        color: var(--secondary-text-color);
      }
      .days .line span {
        min-width: 0;
        overflow: hidden;
        white-space: nowrap;
        border-inline-start: 1px solid var(--divider-color);
        padding-inline-start: 4px;
      }
      .bars {
        height: 20px;
        background: var(--secondary-background-color, #eee);
        border-radius: 4px;
        overflow: hidden;
      }
      .bars i {
        position: absolute;
        inset-block: 0;
        background: var(--good);
      }
      .bars i.gap {
        border: 2px solid var(--fire);
        background: repeating-linear-gradient(135deg, var(--fire) 0 4px, transparent 4px 8px);
      }
      :host([narrow]) .days,
      :host([narrow]) .post {
        grid-template-columns: 1fr;
      }
      :host([narrow]) .days > span {
        display: none;
      }
      :host([narrow]) .days .line {
        font-size: 12px;
      }
    `,
  ];
}
