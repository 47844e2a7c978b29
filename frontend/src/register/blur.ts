import { LitElement, css, html, nothing } from "lit";
import { property, state } from "lit/decorators.js";
import { styleMap } from "lit/directives/style-map.js";
import { pageStyles } from "./page";
import type { Room } from "./room";

/** Left, top, width and height, as parts of the picture's. */
export type Box = [number, number, number, number];

/** By how much a key moves or widens the place that is being drawn. */
const STEP = 0.02;
const STEPS: Record<string, [number, number]> = {
  ArrowLeft: [-STEP, 0],
  ArrowRight: [STEP, 0],
  ArrowUp: [0, -STEP],
  ArrowDown: [0, STEP],
};

const within = (value: number): number => Math.min(1, Math.max(0, value));

/** Returns the box between two corners, in whichever order. */
export function between(a: [number, number], b: [number, number]): Box {
  const [left, right] = [within(Math.min(a[0], b[0])), within(Math.max(a[0], b[0]))];
  const [top, bottom] = [within(Math.min(a[1], b[1])), within(Math.max(a[1], b[1]))];
  return [left, top, right - left, bottom - top];
}

/** Returns a box that a key has moved, or with shift made larger or smaller; null for another key. */
export function stepped([left, top, width, height]: Box, key: string, isShift: boolean): Box | null {
  const by = STEPS[key];
  if (!by) {
    return null;
  }
  const [x, y] = by;
  return isShift
    ? [left, top, Math.min(1 - left, Math.max(STEP, width + x)), Math.min(1 - top, Math.max(STEP, height + y))]
    : [Math.min(1 - width, within(left + x)), Math.min(1 - height, within(top + y)), width, height];
}

/** A picture on which places are drawn that are to be unreadable. It fires `closed`, with these or null. */
export class BlurPhoto extends LitElement {
  @property({ attribute: false }) room!: Room;
  @property() source = "";
  @property() name = "";
  @state() private boxes: Box[] = [];
  /** What is being drawn, and the corner where that began. */
  @state() private box: Box | null = null;
  private corner: [number, number] | null = null;

  override render() {
    const { t } = this.room;
    const shown = this.box ? [...this.boxes, this.box] : this.boxes;
    return html`<p id="how">${t("blur_how")}</p>
      <div
        class="picture"
        tabindex="0"
        role="application"
        aria-label=${this.name}
        aria-describedby="how"
        @pointerdown=${this.begin}
        @pointermove=${this.move}
        @pointerup=${this.end}
        @keydown=${this.press}
      >
        <img src=${this.source} alt=${this.name} draggable="false" />
        ${shown.map(
          ([left, top, width, height]) =>
            html`<span
              style=${styleMap({ left: `${left * 100}%`, top: `${top * 100}%`, width: `${width * 100}%`, height: `${height * 100}%` })}
            ></span>`,
        )}
      </div>
      <p role="status">${t("blur_places", { count: this.boxes.length })}</p>
      <div class="actions">
        <button class="main" data-do="blur_now" ?disabled=${!this.boxes.length || this.room.locked} @click=${this.done(true)}>${t("blur_now")}</button>
        ${this.boxes.length
          ? html`<button
              @click=${() => {
                this.boxes = this.boxes.slice(0, -1);
              }}
            >
              ${t("blur_back")}
            </button>`
          : nothing}
        <button @click=${this.done(false)}>${t("cancel")}</button>
      </div>`;
  }

  private at(event: PointerEvent): [number, number] {
    const { left, top, width, height } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return [(event.clientX - left) / width, (event.clientY - top) / height];
  }

  private readonly begin = (event: PointerEvent): void => {
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    this.corner = this.at(event);
    this.box = null;
  };

  private readonly move = (event: PointerEvent): void => {
    if (this.corner) {
      this.box = between(this.corner, this.at(event));
    }
  };

  private readonly end = (): void => {
    this.corner = null;
    this.keep();
  };

  private keep(): void {
    const { box } = this;
    this.box = null;
    if (box && box[2] > 0 && box[3] > 0) {
      this.boxes = [...this.boxes, box];
    }
  }

  private readonly press = (event: KeyboardEvent): void => {
    if (event.key === "Enter") {
      event.preventDefault();
      this.keep();
      return;
    }
    const next = stepped(this.box ?? [0.4, 0.4, 0.2, 0.2], event.key, event.shiftKey);
    if (next) {
      event.preventDefault();
      this.box = next;
    }
  };

  private done(isMeant: boolean) {
    return (): void => {
      this.dispatchEvent(new CustomEvent<Box[] | null>("closed", { detail: isMeant ? this.boxes : null }));
    };
  }

  static override readonly styles = [
    ...pageStyles,
    css`
      :host {
        display: grid;
        gap: 8px;
      }
      .picture {
        position: relative;
        touch-action: none;
        cursor: crosshair;
      }
      img {
        display: block;
        width: 100%;
        height: auto;
      }
      span {
        position: absolute;
        background: #000;
        outline: 2px solid #fff;
      }
    `,
  ];
}
