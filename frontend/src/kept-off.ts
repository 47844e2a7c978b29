import { LitElement, css, html, nothing } from "lit";
import { property } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import type { Context } from "./context";
import { dateAndClock } from "./format";
import { mdiPowerPlugOff, icon } from "./icons";
import type { KeptOff } from "./model";
import { common, tokens } from "./styles";

/** What a person has switched off by hand, for no incident: it is worked at its device. */
export class KeptOffList extends LitElement {
  @property({ attribute: false }) context!: Context;
  @property({ type: Boolean, reflect: true }) dark = false;

  override render() {
    const { t, book } = this.context;
    return html`<h2>${t("kept_off")}</h2>
      <ul aria-label=${t("kept_off")}>
        ${repeat(book.keptOff, (row) => row.supply_id, (row) => this.row(row))}
      </ul>`;
  }

  private row({ device_id: device, name, channel, area_id: area, proven, reason, at, who }: KeptOff) {
    const { context } = this;
    const { t, hass, words } = context;
    const path = `/devices/${encodeURIComponent(device ?? "")}`;
    const why = [who ? t("by", { who: words.who(who) }) : "", reason ? words.option("opening_reason", reason) : ""];
    return html`<li data-row>
      <span class="mark class">${icon(mdiPowerPlugOff)} ${t("class_power_off")}</span>
      <strong>${words.area(area) ?? t("no_place")}</strong>
      <span>${channel ? t("channel", { name, channel: channel.toUpperCase() }) : name}</span>
      <span class=${proven ? "" : "may-be-on"}>${t(proven ? "supply_proven" : "supply_may_be_on")}</span>
      <time>${dateAndClock(hass, at)}</time>
      <span>${why.filter(Boolean).join(t("comma"))}</span>
      ${context.isQuiet
        ? nothing
        : html`<a
            class="button"
            href=${context.to(path)}
            aria-label=${`${t("open")} ${name}`}
            @click=${(event: MouseEvent) => {
              if (!event.ctrlKey && !event.metaKey && !event.shiftKey) {
                event.preventDefault();
                context.go(path);
              }
            }}
            >${t("open")}</a
          >`}
    </li>`;
  }

  static override readonly styles = [
    tokens,
    common,
    css`
      :host {
        display: block;
        margin-top: 24px;
      }
      h2 {
        font-size: 16px;
        margin-bottom: 8px;
      }
      ul {
        display: grid;
        gap: 8px;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        --c: var(--shielded);
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 16px;
        padding: 10px 16px 10px 20px;
        border: 1px solid var(--divider-color);
        border-inline-start: 8px solid var(--c);
        border-radius: 8px;
        background: var(--card-background-color, #fff);
      }
      .button {
        margin-inline-start: auto;
      }
    `,
  ];
}
