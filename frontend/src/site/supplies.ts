import { LitElement, css, html, nothing } from "lit";
import { property, state } from "lit/decorators.js";
import { missed, type Answered } from "../answers";
import { POWER_MILLISECONDS, type Context } from "../context";
import { said } from "../deeds";
import { define } from "../define";
import { dateAndClock } from "../format";
import { AGAIN_SECONDS, HoldButton } from "../hold";
import { howToHold } from "../press-twice";
import { common, tokens } from "../styles";
import type { Device } from "./inventory";
import { translator } from "./texts";

const CHECKED = ["on_site", "camera", "phone"] as const;
const REASONS = ["fire_brigade", "electric_shock", "water", "repair", "other"] as const;
type Supply = Device["supplies"][number];

/** The power of one device: what is kept off is restored, and what stays on in a fire is switched off by its name. */
export class Supplies extends LitElement {
  @property({ attribute: false }) context!: Context;
  @property({ attribute: false }) device!: Device;
  @property({ attribute: false }) who: (id: string) => string = () => "";
  @property({ type: Boolean, reflect: true }) dark = false;
  @state() private checked: (typeof CHECKED)[number] | null = null;
  /** What is written of the name of which supply, and why. */
  @state() private typed = { key: "", name: "" };
  @state() private reason: (typeof REASONS)[number] | "" = "";

  override render() {
    const { context, device } = this;
    const t = translator(context.hass.language);
    return html`<ul>
      ${device.supplies.map(
        (supply) =>
          html`<li data-supply=${supply.key}>
            <strong>${supply.channel ? context.t("channel", { name: device.name, channel: supply.channel.toUpperCase() }) : device.name}</strong>
            <span>${this.stands(supply)}</span>
            ${supply.off ? this.restore(supply) : supply.protected ? this.open(supply) : nothing}
            ${said(context.did(this.keyOf(supply)))}
          </li>`,
      )}
    </ul>
    ${device.supplies.some(({ protected: stays }) => stays) && device.may.open_protected === null ? html`<p class="quiet">${t("supplies_protected")}</p>` : nothing}`;
  }

  private keyOf(supply: Supply): string {
    return `${this.device.device_id} power ${supply.key}`;
  }

  private stands({ off, protected: stays }: Supply): string {
    const { context } = this;
    const t = translator(context.hass.language);
    if (!off) {
      return stays ? context.t("supply_protected") : t("supply_not_off");
    }
    const why = off.reason ? context.words.option("opening_reason", off.reason) : "";
    return [
      t("kept_off", { time: dateAndClock(context.hass, off.at), who: off.who ? this.who(off.who) : t("nobody_person") }),
      ...(why ? [why] : []),
      ...(off.proven ? [] : [context.t("supply_may_be_on")]),
    ].join(context.t("comma"));
  }

  private restore(supply: Supply) {
    const { context, device } = this;
    const { t, words } = context;
    const code = device.may.restore;
    if (code === undefined) {
      return nothing;
    }
    return html`<fieldset>
        <legend>${t("restore_how")}</legend>
        ${CHECKED.map(
          (way) =>
            html`<label class="choice">
              <input type="radio" name=${supply.key} .checked=${this.checked === way} @change=${() => (this.checked = way)} />
              ${words.option("checked", way)}
            </label>`,
        )}
      </fieldset>
      ${code ? html`<p class="quiet">${translator(context.hass.language)("supply_wanted_off")}</p>` : nothing}
      <cs-hold
        seconds="1.5"
        .disabled=${context.locked || code !== null || this.checked === null}
        .label=${t("says", { what: t(howToHold()), said: translator(context.hass.language)("supply_restore") })}
        .again=${t("press_again", { seconds: AGAIN_SECONDS })}
        @held=${() => this.tell(supply, { type: "community_safety/restore_supply", checked: this.checked })}
      ></cs-hold>`;
  }

  private open(supply: Supply) {
    const { context, device } = this;
    const { t, words } = context;
    const own = translator(context.hass.language);
    if (device.may.open_protected === undefined) {
      return nothing;
    }
    const typed = this.typed.key === supply.key ? this.typed.name : "";
    return html`<label>
        ${own("supply_name", { name: device.name })}
        <input
          autocomplete="off"
          .value=${typed}
          @input=${(event: Event) => {
            this.typed = { key: supply.key, name: (event.target as HTMLInputElement).value };
          }}
        />
      </label>
      <label>
        ${t("shelve_why")}
        <select
          @change=${(event: Event) => {
            this.reason = (event.target as HTMLSelectElement).value as typeof this.reason;
          }}
        >
          <option value="" .selected=${this.reason === ""}></option>
          ${REASONS.map((item) => html`<option value=${item} .selected=${this.reason === item}>${words.option("opening_reason", item)}</option>`)}
        </select>
      </label>
      <cs-hold
        seconds="1"
        .disabled=${context.locked || typed.trim() !== device.name || this.reason === ""}
        .label=${t("says", { what: t(howToHold()), said: own("supply_open") })}
        .again=${t("press_again", { seconds: AGAIN_SECONDS })}
        @held=${() => this.tell(supply, { type: "community_safety/open_protected", name: typed.trim(), reason: this.reason })}
      ></cs-hold>`;
  }

  /** What is not proven is said where it was ordered. */
  private async tell(supply: Supply, command: object): Promise<void> {
    const { context, device } = this;
    const key = this.keyOf(supply);
    const answer = await context.ask<Answered>(key, { ...command, device_id: device.device_id, supply: supply.key }, POWER_MILLISECONDS);
    if (answer !== undefined) {
      const reason = missed(answer, context.words, "restore");
      if (reason !== null) {
        context.fail(key, reason);
      }
      this.typed = { key: "", name: "" };
      this.reason = "";
      this.checked = null;
    }
  }

  static override readonly styles = [
    tokens,
    common,
    css`
      :host {
        display: block;
      }
      ul {
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: grid;
        gap: 8px;
        padding: 8px 0;
        border-top: 1px solid var(--divider-color);
      }
      li > label {
        display: grid;
        gap: 2px;
      }
      select,
      input:not([type]) {
        min-height: 44px;
        padding: 0 12px;
        border: 1px solid var(--outline-color, var(--secondary-text-color));
        border-radius: 8px;
        background: var(--card-background-color, #fff);
        font-size: 16px;
      }
    `,
  ];
}

define({ "cs-hold": HoldButton, "cs-supplies": Supplies });
