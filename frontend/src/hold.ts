import { LitElement, css, html } from "lit";
import { property, state } from "lit/decorators.js";
import { pressesTwice } from "./press-twice";

/** Seconds within which a second press counts, for who cannot hold: a keyboard, a switch. */
export const AGAIN_SECONDS = 5;

/**
 * A button that acts when it was held long enough; letting go or moving away cancels.
 * With the keyboard it is pressed twice. It fires `held`.
 */
export class HoldButton extends LitElement {
  @property({ type: Number }) seconds = 1;
  @property({ type: Boolean }) disabled = false;
  @property() label = "";
  /** Said while a second press is awaited. */
  @property() again = "";
  @state() private progress = 0;
  @state() private armed = false;
  private begun: number | null = null;
  private frame = 0;
  private timer: number | undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.cancel();
    this.disarm();
  }

  override render() {
    const left = Math.max(0, this.seconds * (1 - this.progress));
    return html`<button
      part="button"
      ?disabled=${this.disabled}
      style="--part: ${this.progress}"
      @pointerdown=${this.down}
      @pointerup=${this.cancel}
      @pointerleave=${this.cancel}
      @pointercancel=${this.cancel}
      @contextmenu=${this.noMenu}
      @click=${this.pressed}
    >
      <span class="ring" aria-hidden="true"></span>
      <span aria-live="polite">${this.armed ? this.again : this.label}</span>
      ${this.progress ? html`<span class="left" aria-hidden="true">${left.toFixed(1)}</span>` : ""}
    </button>`;
  }

  private readonly noMenu = (event: Event): void => {
    event.preventDefault();
  };

  private readonly down = (event: PointerEvent): void => {
    if (event.button !== 0 || this.disabled || pressesTwice()) {
      return;
    }
    this.begun = event.timeStamp;
    const step = (now: number): void => {
      if (this.begun === null) {
        return;
      }
      if (this.disabled) {
        this.cancel();
        return;
      }
      this.progress = Math.min(1, (now - this.begun) / (this.seconds * 1000));
      if (this.progress === 1) {
        this.cancel();
        this.held();
      } else {
        this.frame = requestAnimationFrame(step);
      }
    };
    this.frame = requestAnimationFrame(step);
  };

  private readonly cancel = (): void => {
    cancelAnimationFrame(this.frame);
    this.begun = null;
    this.progress = 0;
  };

  private readonly pressed = (event: MouseEvent): void => {
    // A pointer holds; what comes without one is a key or an assistive device.
    if ((event.detail !== 0 && !pressesTwice()) || this.disabled) {
      return;
    }
    if (this.armed) {
      this.disarm();
      this.held();
    } else {
      this.armed = true;
      this.timer = window.setTimeout(this.disarm, AGAIN_SECONDS * 1000);
    }
  };

  private readonly disarm = (): void => {
    window.clearTimeout(this.timer);
    this.armed = false;
  };

  private held(): void {
    this.dispatchEvent(new CustomEvent("held"));
  }

  static override readonly styles = css`
    :host {
      display: inline-block;
    }
    button {
      font: inherit;
      font-weight: 500;
      position: relative;
      min-height: 48px;
      width: 100%;
      padding: 0 16px 0 44px;
      border-radius: 8px;
      border: 2px solid var(--danger);
      background: linear-gradient(
        to right,
        var(--danger-soft) calc(var(--part) * 100%),
        var(--card-background-color, #fff) 0
      );
      color: var(--primary-text-color);
      cursor: pointer;
      touch-action: none;
      user-select: none;
      -webkit-user-select: none;
    }
    button:focus-visible {
      outline: 3px solid var(--focus);
      outline-offset: 2px;
    }
    button:disabled {
      border-style: dashed;
      border-color: var(--shielded);
      cursor: not-allowed;
    }
    .ring {
      position: absolute;
      inset-inline-start: 12px;
      top: calc(50% - 11px);
      width: 22px;
      height: 22px;
      border-radius: 50%;
      background: conic-gradient(var(--danger) calc(var(--part) * 360deg), var(--divider-color, #ddd) 0);
      mask: radial-gradient(circle, transparent 6px, #000 7px);
    }
    .left {
      font-variant-numeric: tabular-nums;
      margin-inline-start: 8px;
    }
  `;
}
