import { LitElement, css, html, nothing } from "lit";
import { property, state } from "lit/decorators.js";
import type { Context } from "../context";
import { said } from "../deeds";
import { define } from "../define";
import { common, tokens } from "../styles";
import type { Position } from "../unit";
import { translator } from "./texts";

/** So long Home Assistant's map is waited for, in milliseconds. */
const PATIENCE_MILLISECONDS = 20_000;
/** What stands for a building among the entities that Home Assistant's map knows. */
const PREFIX = "geo_location.community_safety_";

/** A building as it is marked. */
export interface Marked {
  key: string;
  /** All of it, in words. */
  title: string;
  /** What it is called where there is no room. */
  short: string;
  /** The outline of the symbol of its worst state; null while all is well. */
  symbol: string | null;
  /** How many places are so. */
  places: number;
  colour: string;
  /** What is written in where the mark is in its colour. */
  paper: string;
  position: Position;
}

/** A mark as a picture: Home Assistant's own ones show nothing of a state. */
export function pictureOf({ short, symbol, places, colour, paper }: Omit<Marked, "key" | "title" | "position">): string {
  const escaped = short.replace(/[&<]/g, (sign) => (sign === "&" ? "&amp;" : "&lt;"));
  const ink = symbol ? paper : colour;
  const below = symbol
    ? `<path transform="translate(3 32)" d="${symbol}"/><text x="29" y="52" font-size="${places > 99 ? "17" : "22"}">${String(places)}</text>`
    : "";
  const drawn = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" fill="${ink}" font-family="sans-serif" font-weight="700"><rect width="64" height="64" fill="${symbol ? colour : paper}"/><text x="32" y="${symbol ? "26" : "41"}" font-size="${short.length > 2 ? "19" : "24"}" text-anchor="middle">${escaped}</text>${below}</svg>`;
  // It stands in a style's url() without quotes.
  return `data:image/svg+xml,${encodeURIComponent(drawn).replace(/[()']/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`)}`;
}

interface Card extends HTMLElement {
  hass?: unknown;
  setConfig(config: object): void;
}

declare global {
  interface Window {
    loadCardHelpers?: () => Promise<{ createCardElement(config: object): Card }>;
  }
}

/** Home Assistant's own map, with the buildings on it. It fires `building` with the key of the one that was pressed. */
export class Geography extends LitElement {
  @property({ attribute: false }) context!: Context;
  @property({ attribute: false }) marked: Marked[] = [];
  @property({ type: Boolean, reflect: true }) dark = false;
  @state() private hasFailed = false;
  private card: Card | null = null;
  private configured = "";
  private stood = "";
  private states: object = {};
  /** Who of the map wants to know of states. */
  private readonly listeners = new Set<(states: object) => void>();

  override connectedCallback(): void {
    super.connectedCallback();
    // The map asks for states by this event of its framework; the nearest who knows them answers.
    this.addEventListener("context-request", this.asked);
    this.addEventListener("hass-more-info", this.pressed);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.removeEventListener("context-request", this.asked);
    this.removeEventListener("hass-more-info", this.pressed);
    this.listeners.clear();
  }

  protected override firstUpdated(): void {
    void this.load();
  }

  private async load(): Promise<void> {
    const late = new Promise<never>((_resolve, reject) => {
      setTimeout(() => {
        reject(new Error("no answer"));
      }, PATIENCE_MILLISECONDS);
    });
    try {
      const helpers = await Promise.race([this.helpers(), late]);
      this.card = helpers?.createCardElement(this.config()) ?? null;
    } catch (error) {
      console.error(error);
    }
    if (this.card) {
      this.configured = JSON.stringify(this.config());
      this.hand();
      this.renderRoot.querySelector(".map")?.append(this.card);
    } else {
      this.hasFailed = true;
    }
  }

  /** What makes cards comes with a dashboard: the way to one is fetched if nobody has been there yet. */
  private async helpers(): Promise<{ createCardElement(config: object): Card } | undefined> {
    if (!window.loadCardHelpers) {
      type Resolver = Node & { routerOptions?: { routes?: Record<string, { load?: () => Promise<unknown> } | undefined> } };
      const { panels } = this.context.hass;
      const dashboard = Object.keys(panels ?? {}).find((key) => panels?.[key]?.component_name === "lovelace");
      let node = this.parentNode;
      while (node && node.nodeName !== "PARTIAL-PANEL-RESOLVER") {
        node = node instanceof ShadowRoot ? node.host : node.parentNode;
      }
      await (node as Resolver | null)?.routerOptions?.routes?.[dashboard ?? ""]?.load?.();
    }
    return window.loadCardHelpers?.();
  }

  private config(): object {
    return {
      type: "map",
      aspect_ratio: "16:9",
      hours_to_show: 0,
      cluster: false,
      entities: this.marked.map(({ key, title, colour }) => ({ entity: PREFIX + key, name: title, color: colour })),
    };
  }

  protected override updated(): void {
    const standing = JSON.stringify(this.marked);
    if (standing !== this.stood) {
      this.stood = standing;
      this.states = {
        ...this.context.hass.states,
        ...Object.fromEntries(
          this.marked.map(({ key, title, position: [latitude, longitude], ...look }) => [
            PREFIX + key,
            {
              entity_id: PREFIX + key,
              state: "0",
              attributes: { friendly_name: title, latitude, longitude, source: "community_safety", entity_picture: pictureOf(look) },
              context: { id: "", parent_id: null, user_id: null },
              last_changed: "",
              last_updated: "",
            },
          ]),
        ),
      };
      this.hand();
      for (const tell of this.listeners) {
        tell(this.states);
      }
    }
  }

  private hand(): void {
    const { card } = this;
    if (card) {
      card.hass = { ...this.context.hass, states: this.states };
      const config = this.config();
      if (JSON.stringify(config) !== this.configured) {
        this.configured = JSON.stringify(config);
        card.setConfig(config);
      }
    }
  }

  private readonly asked = (event: Event): void => {
    const { context, callback, subscribe } = event as Event & {
      context?: unknown;
      callback?: (value: object, end?: () => void) => void;
      subscribe?: boolean;
    };
    if (context === "states" && callback) {
      event.stopPropagation();
      const end = (): void => {
        this.listeners.delete(tell);
      };
      const tell = (states: object): void => {
        callback(states, subscribe ? end : undefined);
      };
      if (subscribe) {
        this.listeners.add(tell);
      }
      tell(this.states);
    }
  };

  private readonly pressed = (event: Event): void => {
    const { entityId } = (event as CustomEvent<{ entityId?: string }>).detail;
    if (entityId?.startsWith(PREFIX)) {
      // There is no such entity: whoever shows more of it would find none.
      event.stopPropagation();
      this.dispatchEvent(new CustomEvent("building", { detail: entityId.slice(PREFIX.length) }));
    }
  };

  override render() {
    const t = translator(this.context.hass.language);
    return html`<div class="map"></div>
      ${this.hasFailed ? html`<p role="alert">${t("geography_failed")}</p>` : nothing}`;
  }

  static override readonly styles = [
    tokens,
    common,
    css`
      :host {
        display: block;
      }
      .map {
        --ha-marker-size: 60px;
        max-width: 1100px;
        margin-block: 8px;
      }
    `,
  ];
}

/** Where a building is, in degrees: for who may set it. It fires `changed` when it was kept. */
export class PositionForm extends LitElement {
  @property({ attribute: false }) context!: Context;
  @property() floorId = "";
  @property({ attribute: false }) position: Position | null = null;
  @property({ type: Boolean, reflect: true }) dark = false;

  private async keep(position: number[] | null): Promise<void> {
    const answer = await this.context.ask(this.deedKey, {
      type: "community_safety/set_position",
      floor_id: this.floorId,
      position,
    });
    if (answer !== undefined) {
      this.dispatchEvent(new CustomEvent("changed"));
    }
  }

  private get deedKey(): string {
    return `${this.floorId} position`;
  }

  private readonly submitted = (event: SubmitEvent): void => {
    event.preventDefault();
    const data = new FormData(event.target as HTMLFormElement);
    void this.keep(["latitude", "longitude"].map((name) => Number(data.get(name))));
  };

  override render() {
    const { context, position } = this;
    const t = translator(context.hass.language);
    const home = [context.hass.config.latitude, context.hass.config.longitude];
    const fields = ["latitude", "longitude"] as const;
    return html`<form class="no-print" @submit=${this.submitted}>
      ${fields.map(
        (name, index) =>
          html`<label>
            ${t(name)}
            <input
              type="number"
              step="any"
              required
              name=${name}
              min=${index ? -180 : -90}
              max=${index ? 180 : 90}
              .value=${String((position ?? home)[index] ?? "")}
            />
          </label>`,
      )}
      <button class="main" ?disabled=${context.locked}>${t("position_keep")}</button>
      ${position
        ? html`<button type="button" ?disabled=${context.locked} @click=${() => this.keep(null)}>${t("position_none")}</button>`
        : nothing}
      ${said(context.did(this.deedKey))}
      <p class="quiet">${t("position_means")}</p>
    </form>`;
  }

  static override readonly styles = [
    tokens,
    common,
    css`
      form {
        display: flex;
        flex-wrap: wrap;
        align-items: end;
        gap: 8px 16px;
        margin-bottom: 12px;
      }
      form p {
        flex-basis: 100%;
      }
      label {
        display: grid;
        font-size: 14px;
      }
      input {
        width: 150px;
        min-height: 44px;
        padding: 0 8px;
        border: 1px solid var(--outline-color, var(--secondary-text-color));
        border-radius: 8px;
        background: var(--card-background-color, #fff);
      }
    `,
  ];
}

define({ "cs-geography": Geography, "cs-position": PositionForm });
