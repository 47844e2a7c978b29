import { LitElement, css, html, nothing } from "lit";
import { property, state } from "lit/decorators.js";
import type { Context } from "./context";
import type { Hass } from "./model";
import { camerasNear } from "./near";
import { common, tokens } from "./styles";

/** Home Assistant's own; where it is missing there are pictures. */
const STREAM = "ha-camera-stream";
/** Seconds from one picture to the next. */
const PICTURE_SECONDS = 5;

/** What cameras near a place see. On a phone only when somebody asks for it. */
export class Cameras extends LitElement {
  @property({ attribute: false }) context!: Context;
  @property() areaId = "";
  @property({ type: Boolean, reflect: true }) dark = false;
  @property({ type: Boolean, reflect: true }) narrow = false;
  @state() private isOpen = false;
  private near: string[] = [];
  private drawn: Partial<Pick<Hass, "areas" | "devices" | "entities">> & { areaId?: string } = {};

  protected override willUpdate(): void {
    const { areas, devices, entities } = this.context.hass;
    const { drawn, areaId } = this;
    if (drawn.areas !== areas || drawn.devices !== devices || drawn.entities !== entities || drawn.areaId !== areaId) {
      this.drawn = { areas, devices, entities, areaId };
      this.near = camerasNear(this.context.hass, areaId);
    }
  }

  override render() {
    const { t } = this.context;
    if (!this.near.length) {
      return nothing;
    }
    return html`<section>
      <h2>${t("cameras")}</h2>
      ${this.narrow && !this.isOpen
        ? html`<button
            @click=${() => {
              this.isOpen = true;
            }}
          >
            ${t("cameras_show", { count: this.near.length })}
          </button>`
        : this.near.map((id) => this.camera(id))}
    </section>`;
  }

  private camera(id: string) {
    const { hass, now, t } = this.context;
    const camera = hass.states[id];
    const attributes: Record<string, unknown> = camera?.attributes ?? {};
    const picture = attributes["entity_picture"];
    const name = attributes["friendly_name"];
    const title = typeof name === "string" ? name : id;
    const isHere = camera && camera.state !== "unavailable" && typeof picture === "string";
    return html`<figure data-camera=${id}>
      ${!isHere
        ? html`<p class="quiet">${t("camera_away")}</p>`
        : customElements.get(STREAM)
          ? html`<ha-camera-stream .hass=${hass} .stateObj=${camera} muted aria-label=${title}></ha-camera-stream>`
          : html`<img src=${`${picture}&at=${Math.floor(now / PICTURE_SECONDS)}`} alt=${title} />`}
      <figcaption>${title}</figcaption>
    </figure>`;
  }

  static override readonly styles = [
    tokens,
    common,
    css`
      :host {
        display: block;
      }
      section {
        padding: 12px 16px;
        border: 1px solid var(--divider-color);
        border-radius: 8px;
        background: var(--card-background-color, #fff);
      }
      h2 {
        font-size: 16px;
        margin-bottom: 8px;
      }
      figure {
        margin: 0 0 8px;
      }
      ha-camera-stream,
      img {
        display: block;
        width: 100%;
        min-height: 120px;
        background: #000;
      }
      @media print {
        :host {
          display: none;
        }
      }
    `,
  ];
}
