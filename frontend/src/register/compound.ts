import { LitElement, css, html, nothing, svg, type SVGTemplateResult } from "lit";
import { property } from "lit/decorators.js";
import { common } from "../styles";
import type { PlaceRow } from "./model";

/** Metres to a degree of latitude; of longitude so many at the equator. */
const METRES = 111_320;
/** The least that is shown, in metres: a compound with one place is no point. */
const LEAST_METRES = 200;

export interface Position {
  latitude: number;
  longitude: number;
}

export const isPlaced = (row: PlaceRow): row is PlaceRow & Position => row.latitude !== null && row.longitude !== null;

interface Frame {
  west: number;
  north: number;
  size: number;
  /** Metres to a degree of longitude there. */
  wide: number;
}

/** The square that shows all of these, north at the top. */
export function frameOf(points: Position[], centre: Position): Frame {
  const shown = points.length ? points : [centre];
  const of = (pick: (point: Position) => number): [number, number] => {
    const values = shown.map(pick);
    return [Math.min(...values), Math.max(...values)];
  };
  const [south, north] = of((point) => point.latitude);
  const [west, east] = of((point) => point.longitude);
  const middle = { latitude: (south + north) / 2, longitude: (west + east) / 2 };
  const wide = METRES * Math.cos((middle.latitude * Math.PI) / 180);
  const size = Math.max(LEAST_METRES, 1.2 * Math.max((north - south) * METRES, (east - west) * wide));
  return {
    west: middle.longitude - size / 2 / wide,
    north: middle.latitude + size / 2 / METRES,
    size,
    wide,
  };
}

/** Where a position is, in metres from the left and from the top. */
export const toMetres = (frame: Frame, point: Position): { x: number; y: number } => ({
  x: (point.longitude - frame.west) * frame.wide,
  y: (frame.north - point.latitude) * METRES,
});

/** The position of a point, to a tenth of a metre. */
export const toPosition = (frame: Frame, x: number, y: number): Position => ({
  latitude: Number((frame.north - y / METRES).toFixed(6)),
  longitude: Number((frame.west + x / frame.wide).toFixed(6)),
});

/** The compound from above: each place that has a position. It fires `placed` with where somebody has clicked. */
export class CompoundMap extends LitElement {
  @property({ attribute: false }) places: PlaceRow[] = [];
  @property({ attribute: false }) centre: Position = { latitude: 0, longitude: 0 };
  @property({ attribute: false }) nameOf: (row: PlaceRow) => string = () => "";
  @property({ attribute: false }) label = "";
  /** A click says where this place is. */
  @property({ attribute: false }) placing: string | null = null;

  override render() {
    const placed = this.places.filter(isPlaced);
    const frame = frameOf(placed, this.centre);
    const unit = frame.size / 100;
    return html`<svg
      role="img"
      aria-label=${this.label}
      class=${this.placing ? "placing" : ""}
      viewBox="0 0 ${frame.size} ${frame.size}"
      @click=${(event: MouseEvent) => {
        this.clicked(event, frame);
      }}
    >
      ${placed.map((row) => this.dot(row, frame, unit))}
    </svg>`;
  }

  private dot(row: PlaceRow & Position, frame: Frame, unit: number): SVGTemplateResult {
    const { x, y } = toMetres(frame, row);
    // Towards the middle: at the edge there is no room for it.
    const side = x > frame.size / 2 ? -1 : 1;
    const isLarge = row.kind !== "unit" && row.kind !== "shop";
    return svg`<g class="${row.kind} ${row.place_id === this.placing ? "chosen" : ""}">
      <circle cx=${x} cy=${y} r=${isLarge ? unit * 1.6 : unit * 0.8}><title>${this.nameOf(row)}</title></circle>
      ${isLarge
        ? svg`<text x=${x + side * unit * 2.2} y=${y + unit * 1.4} font-size=${unit * 4} text-anchor=${side > 0 ? "start" : "end"}>${this.nameOf(row)}</text>`
        : nothing}
    </g>`;
  }

  private clicked(event: MouseEvent, frame: Frame): void {
    if (!this.placing) {
      return;
    }
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * frame.size;
    const y = ((event.clientY - box.top) / box.height) * frame.size;
    this.dispatchEvent(new CustomEvent<Position>("placed", { detail: toPosition(frame, x, y) }));
  }

  static override readonly styles = [
    common,
    css`
      :host {
        display: block;
      }
      svg {
        display: block;
        margin-top: 8px;
        width: 100%;
        height: auto;
        max-width: 560px;
        aspect-ratio: 1;
        border: 1px solid var(--divider-color);
        border-radius: 8px;
        background: var(--secondary-background-color, #eee);
      }
      .placing {
        cursor: crosshair;
      }
      circle {
        fill: var(--secondary-text-color);
      }
      .building circle,
      .stairwell circle {
        fill: var(--primary-color, #03a9f4);
      }
      .charging circle,
      .bike_parking circle {
        fill: var(--fault);
      }
      .chosen circle {
        fill: var(--fire);
      }
      text {
        fill: var(--primary-text-color);
      }
    `,
  ];
}
