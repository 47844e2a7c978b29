import { LitElement, css, html, nothing } from "lit";
import { property, query, state } from "lit/decorators.js";
import type { Context } from "../context";
import { define } from "../define";
import { reasonOf, type Rejected } from "../errors";
import { common, tokens } from "../styles";
import { AGAIN_SECONDS } from "../twice";
import { translator, type Translate } from "./texts";

/** A picture, and where on it places are: percent from the left and the top, by area. */
export interface PlanData {
  picture: string;
  pins: Record<string, [number, number]>;
}

/** The longer side of a picture, in pixels: it is made smaller here, and what the camera wrote into it is gone. */
const MOST_PIXELS = 2000;

async function pictureOf(file: File): Promise<string> {
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, MOST_PIXELS / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  const pen = canvas.getContext("2d");
  if (!pen) {
    throw new Error("no canvas");
  }
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", 0.85);
}

/** Percent, to a tenth. */
const percent = (value: number): number => Math.round(Math.min(100, Math.max(0, value)) * 10) / 10;

/**
 * The plan of one building. Its places are slots by their areas' ids; those that are not pinned stand below.
 * It fires `changed` when a plan was set or removed.
 */
export class Plan extends LitElement {
  @property({ attribute: false }) context!: Context;
  @property() floorId = "";
  @property({ attribute: false }) places: { areaId: string; name: string }[] = [];
  @property({ type: Boolean }) mayEdit = false;
  @property({ type: Boolean, reflect: true }) dark = false;
  /** Null for none; undefined until it is known. */
  @state() private plan: PlanData | null | undefined = undefined;
  @state() private error: string | null = null;
  /** What is being made, until it is kept. */
  @state() private draft: PlanData | null = null;
  /** The place that the next press on the picture pins. */
  @state() private chosen = "";
  @query("input[type=file]") private file?: HTMLInputElement | null;
  private t: Translate = translator("en");

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    this.t = translator(this.context.hass.language);
    if (changed.has("floorId")) {
      this.plan = undefined;
      this.draft = null;
      void this.load(this.floorId);
    }
  }

  private async load(floorId: string): Promise<void> {
    const { hass, t } = this.context;
    try {
      const plan = await hass.connection.sendMessagePromise<PlanData | null>({ type: "community_safety/plan", floor_id: floorId });
      if (floorId === this.floorId) {
        this.plan = plan;
        this.error = null;
      }
    } catch (error) {
      this.error = reasonOf(hass, error as Rejected, t("not_allowed"), t("line_lost"));
    }
  }

  override render() {
    const { t, context, draft } = this;
    if (this.error) {
      return html`<p role="alert" class="did failed">${t("plan_failed", { reason: this.error })}</p>
        <div class="rest">${this.places.map(({ areaId }) => html`<slot name=${areaId}></slot>`)}</div>`;
    }
    if (this.plan === undefined) {
      return html`<p class="quiet" role="status">${context.t("waiting")}</p>`;
    }
    const plan = draft ?? this.plan;
    const isPinned = ({ areaId }: { areaId: string }): boolean => plan !== null && areaId in plan.pins;
    const rest = this.places.filter((place) => !isPinned(place));
    const deed = context.did(this.key);
    return html`
      ${plan
        ? html`<div class="picture ${draft ? "drawing" : ""}" @click=${this.pressed}>
            <img src=${plan.picture} alt="" />
            ${this.places.filter(isPinned).map(({ areaId }) => {
              const [left, top] = plan.pins[areaId] ?? [0, 0];
              return html`<div
                class="pin ${this.chosen === areaId && draft ? "chosen" : ""}"
                style="left: ${left}%; top: ${top}%"
                @click=${(event: MouseEvent) => {
                  this.choose(event, areaId);
                }}
              >
                <slot name=${areaId}></slot>
              </div>`;
            })}
          </div>`
        : html`<p class="quiet">${t("plan_none")}</p>`}
      ${draft ? this.sheet(draft) : nothing}
      ${rest.length && !draft ? html`<div class="rest">${rest.map(({ areaId }) => html`<slot name=${areaId}></slot>`)}</div>` : nothing}
      ${this.mayEdit ? this.buttons(draft) : nothing}
      ${deed ? html`<p class="did ${deed.state}" role=${deed.state === "failed" ? "alert" : "status"}>${deed.text}</p>` : nothing}
    `;
  }

  private get key(): string {
    return `plan ${this.floorId}`;
  }

  private buttons(draft: PlanData | null) {
    const { t, context } = this;
    return html`<div class="choices no-print">
      <input type="file" accept="image/*" hidden @change=${this.read} />
      <button
        @click=${() => {
          this.file?.click();
        }}
      >
        ${t(this.plan ? "plan_other" : "plan_choose")}
      </button>
      ${draft
        ? html`<button class="main" ?disabled=${context.locked} @click=${() => this.keep(draft)}>${t("plan_keep")}</button>
            <button
              @click=${() => {
                this.draft = null;
              }}
            >
              ${context.t("cancel")}
            </button>`
        : this.plan
          ? html`<button
                @click=${() => {
                  this.draft = this.plan ? { ...this.plan, pins: { ...this.plan.pins } } : null;
                  this.chosen = "";
                }}
              >
                ${t("plan_edit")}
              </button>
              <cs-twice
                .label=${t("plan_remove")}
                .again=${context.t("press_again", { seconds: AGAIN_SECONDS })}
                .disabled=${context.locked}
                @pressed=${() => this.keep(null)}
              ></cs-twice>`
          : nothing}
    </div>`;
  }

  /** Each place with its numbers, for who cannot point. */
  private sheet(draft: PlanData) {
    const { t } = this;
    const field = (areaId: string, name: string, axis: 0 | 1) =>
      html`<label>
        ${t(axis ? "plan_top" : "plan_left")}
        <input
          type="number"
          min="0"
          max="100"
          step="0.1"
          aria-label=${this.context.t("says", { what: name, said: t(axis ? "plan_top" : "plan_left") })}
          .value=${String(draft.pins[areaId]?.[axis] ?? "")}
          @change=${(event: Event) => {
            const value = (event.target as HTMLInputElement).valueAsNumber;
            const [left, top] = draft.pins[areaId] ?? [50, 50];
            if (Number.isFinite(value)) {
              this.pin(areaId, axis ? left : value, axis ? value : top);
            }
          }}
        />
      </label>`;
    return html`<p>${t("plan_how")}</p>
      <ul>
        ${this.places.map(
          ({ areaId, name }) =>
            html`<li>
              <button
                aria-pressed=${this.chosen === areaId ? "true" : "false"}
                @click=${() => {
                  this.chosen = areaId;
                }}
              >
                ${name}
              </button>
              ${field(areaId, name, 0)} ${field(areaId, name, 1)}
              ${areaId in draft.pins
                ? html`<button
                    aria-label=${`${t("plan_unpin")} ${name}`}
                    @click=${() => {
                      const pins = Object.entries(draft.pins).filter(([key]) => key !== areaId);
                      this.draft = { ...draft, pins: Object.fromEntries(pins) };
                    }}
                  >
                    ${t("plan_unpin")}
                  </button>`
                : nothing}
            </li>`,
        )}
      </ul>`;
  }

  private pin(areaId: string, left: number, top: number): void {
    if (this.draft) {
      this.draft = { ...this.draft, pins: { ...this.draft.pins, [areaId]: [percent(left), percent(top)] } };
    }
  }

  /** While it is drawn, a place leads nowhere. */
  private choose(event: MouseEvent, areaId: string): void {
    if (this.draft) {
      event.preventDefault();
      event.stopPropagation();
      this.chosen = areaId;
    }
  }

  private readonly pressed = (event: MouseEvent): void => {
    const { left, top, width, height } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    if (this.draft && this.chosen) {
      this.pin(this.chosen, ((event.clientX - left) / width) * 100, ((event.clientY - top) / height) * 100);
    }
  };

  private readonly read = async (event: Event): Promise<void> => {
    const input = event.target as HTMLInputElement;
    const [file] = input.files ?? [];
    input.value = "";
    if (!file) {
      return;
    }
    try {
      const pins = (this.draft ?? this.plan)?.pins ?? {};
      this.draft = { picture: await pictureOf(file), pins };
      this.chosen = this.places.find(({ areaId }) => !(areaId in pins))?.areaId ?? "";
      this.error = null;
    } catch {
      this.error = this.t("plan_unreadable");
    }
  };

  private async keep(plan: PlanData | null): Promise<void> {
    // A place that has gone meanwhile is on no plan.
    const known = new Set(this.places.map(({ areaId }) => areaId));
    const kept = plan && { ...plan, pins: Object.fromEntries(Object.entries(plan.pins).filter(([areaId]) => known.has(areaId))) };
    const answer = await this.context.ask<null>(this.key, { type: "community_safety/set_plan", floor_id: this.floorId, plan: kept });
    if (answer !== undefined) {
      this.plan = kept;
      this.draft = null;
      this.dispatchEvent(new CustomEvent("changed"));
    }
  }

  static override readonly styles = [
    tokens,
    common,
    css`
      :host {
        display: grid;
        gap: 12px;
      }
      .picture {
        position: relative;
        justify-self: start;
        max-width: 100%;
      }
      .drawing {
        cursor: crosshair;
      }
      img {
        display: block;
        max-width: 100%;
        max-height: 80vh;
      }
      .pin {
        position: absolute;
        translate: -50% -50%;
      }
      .pin.chosen {
        outline: 3px dashed var(--focus);
      }
      .rest {
        display: flex;
        flex-wrap: wrap;
        gap: 4px;
      }
      ul {
        list-style: none;
        margin: 0;
        padding: 0;
        display: grid;
        gap: 4px;
      }
      li {
        display: flex;
        flex-wrap: wrap;
        align-items: end;
        gap: 4px 12px;
      }
      li > button:first-child {
        min-width: 140px;
      }
      button[aria-pressed="true"] {
        border-width: 3px;
        border-color: var(--focus);
      }
      label {
        display: grid;
        font-size: 14px;
      }
      input[type="number"] {
        width: 96px;
        min-height: 44px;
        padding: 0 8px;
        border: 1px solid var(--outline-color, var(--secondary-text-color));
        border-radius: 8px;
        background: var(--card-background-color, #fff);
      }
    `,
  ];
}

define({ "cs-plan": Plan });
