import { LitElement, css, html } from "lit";
import { property, query } from "lit/decorators.js";
import type { Context } from "./context";
import { pressTwice, pressesTwice } from "./press-twice";
import { common, tokens } from "./styles";

/** What each key does, and how this device is worked. It fires `single` with if keys work alone, and `closed`. */
export class Keys extends LitElement {
  @property({ attribute: false }) context!: Context;
  @property({ attribute: false }) keys: [key: string, text: string][] = [];
  @property({ type: Boolean }) single = true;
  @property({ type: Boolean, reflect: true }) dark = false;
  @query("dialog") private dialog?: HTMLDialogElement;

  protected override firstUpdated(): void {
    this.dialog?.showModal();
  }

  override render() {
    const { t } = this.context;
    const choice = (text: string, isOn: boolean, choose: (isOn: boolean) => void) =>
      html`<label class="choice">
        <input
          type="checkbox"
          .checked=${isOn}
          @change=${(event: Event) => {
            choose((event.target as HTMLInputElement).checked);
          }}
        />
        ${text}
      </label>`;
    return html`<dialog
      aria-labelledby="keys"
      @close=${() => {
        this.dispatchEvent(new CustomEvent("closed"));
      }}
    >
      <div class="rows">
        <h2 id="keys">${t("keys")}</h2>
        <dl>${this.keys.map(([key, text]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${text}</dd></div>`)}</dl>
        ${choice(t("keys_on"), this.single, (detail) => {
          this.dispatchEvent(new CustomEvent("single", { detail }));
        })}
        ${choice(t("keys_twice"), pressesTwice(), pressTwice)}
        <button
          @click=${() => {
            this.dialog?.close();
          }}
        >
          ${t("close")}
        </button>
      </div>
    </dialog>`;
  }

  static override readonly styles = [
    tokens,
    common,
    css`
      dl {
        margin: 0;
        display: grid;
        gap: 8px;
      }
      dl div {
        display: flex;
        gap: 16px;
      }
      dt {
        min-width: 48px;
      }
      dd {
        margin: 0;
      }
    `,
  ];
}
