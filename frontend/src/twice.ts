import { LitElement, css, html } from "lit";
import { property, state } from "lit/decorators.js";
import { common } from "./styles";

/** Within so many seconds a second press counts. */
export const AGAIN_SECONDS = 5;

/** A button that is pressed twice: the second time it says what it does. It fires `armed`, then `pressed` or `disarmed`. */
export class TwiceButton extends LitElement {
  @property() label = "";
  @property() again = "";
  @property({ type: Boolean }) disabled = false;
  @state() private isArmed = false;
  private timer: number | undefined;

  override focus(options?: FocusOptions): void {
    this.renderRoot.querySelector("button")?.focus(options);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.disarm();
  }

  override render() {
    return html`<button class=${this.isArmed ? "armed" : ""} ?disabled=${this.disabled} @click=${this.press}>
      <span aria-live="polite">${this.isArmed ? this.again : this.label}</span>
    </button>`;
  }

  private readonly press = (): void => {
    if (!this.isArmed) {
      this.isArmed = true;
      this.timer = window.setTimeout(() => {
        this.disarm();
        this.dispatchEvent(new CustomEvent("disarmed"));
      }, AGAIN_SECONDS * 1000);
      this.dispatchEvent(new CustomEvent("armed"));
      return;
    }
    this.disarm();
    this.dispatchEvent(new CustomEvent("pressed"));
  };

  private readonly disarm = (): void => {
    window.clearTimeout(this.timer);
    this.isArmed = false;
  };

  static override readonly styles = [
    common,
    css`
      :host {
        display: inline-block;
      }
      button {
        width: 100%;
      }
      .armed {
        border: 2px solid var(--danger);
        background: var(--danger-soft);
      }
    `,
  ];
}
