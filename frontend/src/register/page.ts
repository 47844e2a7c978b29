import { LitElement, css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { common } from "../styles";
import { AGAIN_SECONDS } from "../twice";
import { Failure, giveReason, givenReason, option, type Api, type Room } from "./room";

/** What the pages of the register have in common. */
export abstract class Page extends LitElement {
  @property({ attribute: false }) room!: Room;
  @property({ type: Boolean, reflect: true }) narrow = false;
  /** What went wrong, or was done, last; and what undoes it. */
  @state() protected failure = "";
  @state() protected done = "";
  /** The property that was chosen, where there are several. */
  @state() private propertyId: string | null = null;
  /** What is tried again; null: to load. */
  protected again: (() => Promise<unknown>) | null = null;

  /** Loads what the page shows. Throws Failure. */
  protected abstract load(): Promise<void>;

  /** Loads again, and says what went wrong. */
  protected async reload(): Promise<void> {
    this.failure = "";
    await this.trying(() => this.load());
  }

  /** Says what was done: what went wrong before it is over. */
  protected did(text: string): void {
    this.failure = "";
    this.done = text;
  }

  /** Does something. Returns if it went well; else it is said why. */
  protected async trying(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
      return false;
    } finally {
      this.requestUpdate();
    }
  }

  protected said(): TemplateResult | typeof nothing {
    const { t } = this.room;
    return this.failure
      ? html`<p class="did failed" role="alert">
          ${this.failure}
          <button @click=${() => void (this.again ? this.again() : this.reload())}>${t("retry")}</button>
        </p>`
      : this.done
        ? html`<p class="did" role="status">${this.done}</p>`
        : nothing;
  }

  /** The property that is shown: the one that was chosen, or the first. */
  protected shownOf(all: Api[]): Api | undefined {
    return all.find((api) => api.property.entry_id === this.propertyId) ?? all[0];
  }

  /** Asks which property is to be shown, where there are several. */
  protected askProperty(all: Api[], chosen: () => void, isOff = false): TemplateResult | typeof nothing {
    const shown = this.shownOf(all);
    return all.length > 1
      ? html`<label class="field">
          ${this.room.t("property")}
          <select
            name="property"
            ?disabled=${isOff}
            @change=${(event: Event) => {
              this.propertyId = (event.target as HTMLSelectElement).value;
              chosen();
            }}
          >
            ${all.map(({ property }) => html`<option value=${property.entry_id} ?selected=${property === shown?.property}>${property.title}</option>`)}
          </select>
        </label>`
      : nothing;
  }

  /** Asks why somebody looks, where the role may not without that. */
  protected gate(api: Api, right: string): TemplateResult | null {
    const { room } = this;
    if (!api.lacksReason(right)) {
      return null;
    }
    return html`<section class="box gate" aria-labelledby="why">
      <h1 id="why">${room.t("why")}</h1>
      <p class="quiet">${room.t("why_audited")}</p>
      <div class="choices">
        ${reasonsOf(room).map(
          (reason) =>
            html`<button
              data-reason=${reason}
              @click=${() => {
                giveReason(reason);
                void this.reload();
              }}
            >
              ${option(room, "reason", reason)}
            </button>`,
        )}
      </div>
    </section>`;
  }

  /** Asks for the reason of one deed, whatever was given before. */
  protected askReason(api: Api, right: string, chosen: (reason: string) => void): TemplateResult {
    const { room } = this;
    const reasons = api.property.for_a_reason.includes(right) ? reasonsOf(room) : room.session.reasons;
    return html`<fieldset>
      <legend>${room.t("reason")}</legend>
      <div class="choices">
        ${reasons.map(
          (reason) =>
            html`<button
              data-reason=${reason}
              ?disabled=${room.locked}
              @click=${() => {
                chosen(reason);
              }}
            >
              ${option(room, "reason", reason)}
            </button>`,
        )}
      </div>
    </fieldset>`;
  }

  /** The reason that was given, and the way to another. */
  protected reason(): TemplateResult | typeof nothing {
    const { room } = this;
    const reason = givenReason();
    return reason
      ? html`<p class="reason quiet">
          ${room.t("reason_given", { reason: option(room, "reason", reason) })}
          <button
            class="plain"
            @click=${() => {
              giveReason(null);
              this.requestUpdate();
            }}
          >
            ${room.t("reason_other")}
          </button>
        </p>`
      : nothing;
  }

  /** A button that is pressed twice; before the second time it says what that does, or just to press again. */
  protected pressTwice(deed: string, label: string, pressed: () => unknown, again?: string, isOff = false): TemplateResult {
    const { room } = this;
    return html`<cs-twice
      data-do=${deed}
      .label=${label}
      .again=${again ?? room.t("press_again", { seconds: AGAIN_SECONDS })}
      .disabled=${room.locked || isOff}
      @pressed=${pressed}
    ></cs-twice>`;
  }

  protected link(path: string, text: unknown, name = ""): TemplateResult {
    return linkTo(this.room, path, text, name);
  }
}

/** A link that goes there without loading the page anew. */
export const linkTo = (room: Room, path: string, text: unknown, name = ""): TemplateResult =>
  html`<a
    href=${room.href(path)}
    class=${name}
    @click=${(event: MouseEvent) => {
      if (!event.ctrlKey && !event.metaKey && !event.shiftKey) {
        event.preventDefault();
        room.go(path);
      }
    }}
    >${text}</a
  >`;

/** Reasons that say more than that one works here. */
export const reasonsOf = (room: Room): string[] => room.session.reasons.filter((reason) => reason !== "management");

export const messageOf = (error: unknown): { text: string; key: string | null } =>
  error instanceof Failure
    ? { text: error.message, key: error.key }
    : { text: error instanceof Error ? error.message : String(error), key: null };

export const pageStyles = [
  common,
  css`
    :host {
      display: block;
    }
    h1 {
      font-size: 22px;
      font-weight: 500;
    }
    h2 {
      font-size: 18px;
      font-weight: 500;
      margin-bottom: 8px;
    }
    h3 {
      font-size: 16px;
      font-weight: 500;
    }
    .box {
      border: 1px solid var(--divider-color);
      border-radius: 8px;
      padding: 12px 16px;
      margin-bottom: 12px;
      background: var(--card-background-color, #fff);
      min-width: 0;
    }
    .head {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 4px 16px;
      margin-bottom: 12px;
    }
    .grow {
      flex: 1;
    }
    a:not(.button) {
      display: inline-flex;
      align-items: center;
      min-height: 44px;
      min-width: 44px;
    }
    button.plain {
      border: 0;
      background: none;
      text-decoration: underline;
      padding: 0 8px;
      min-height: 44px;
    }
    .tag {
      display: inline-block;
      padding: 0 8px;
      border: 1px solid var(--outline-color, var(--secondary-text-color));
      border-radius: 4px;
      font-size: 14px;
      line-height: 22px;
      white-space: nowrap;
    }
    .tag.bad {
      color: var(--fire);
      border-color: var(--fire);
      font-weight: 500;
    }
    .tag.good {
      color: var(--good);
      border-color: var(--good);
    }
    .tag.warn {
      color: var(--fault);
      border-color: var(--fault);
      font-weight: 500;
    }
    .did {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 8px;
      margin-bottom: 12px;
      padding: 8px 16px;
      border: 1px solid currentColor;
      border-radius: 8px;
    }
    .number {
      font-variant-numeric: tabular-nums;
      white-space: nowrap;
    }
    table {
      width: 100%;
      border-collapse: collapse;
    }
    th {
      text-align: start;
      font-weight: 500;
      font-size: 14px;
      color: var(--secondary-text-color);
      padding: 4px 8px;
    }
    td {
      padding: 2px 8px;
      border-top: 1px solid var(--divider-color);
      vertical-align: middle;
    }
    th:first-child,
    td:first-child {
      padding-inline-start: 0;
    }
    label.field {
      display: grid;
      gap: 4px;
      font-size: 14px;
    }
    input:not([type="checkbox"], [type="radio"]),
    select {
      min-height: 48px;
      width: 100%;
      padding: 0 12px;
      font-size: 16px;
      border-radius: 8px;
      border: 1px solid var(--outline-color, var(--secondary-text-color));
      background: var(--primary-background-color);
      color: var(--primary-text-color);
    }
    input[aria-invalid="true"] {
      border: 2px solid var(--fire);
    }
    .wrong {
      color: var(--fire);
      font-weight: 500;
    }
    .fields {
      display: grid;
      grid-template-columns: repeat(auto-fit, minmax(180px, 1fr));
      gap: 12px;
    }
    .fields:has([type="datetime-local"]) {
      grid-template-columns: repeat(auto-fit, minmax(min(100%, 240px), 1fr));
    }
    .actions {
      display: flex;
      flex-wrap: wrap;
      gap: 8px;
      align-items: center;
    }
    ul.flat {
      list-style: none;
      margin: 0;
      padding: 0;
    }
    dl {
      display: grid;
      grid-template-columns: auto 1fr;
      gap: 4px 16px;
      margin: 0;
    }
    dd {
      margin: 0;
      overflow-wrap: anywhere;
    }
    dt {
      color: var(--secondary-text-color);
    }
    dialog {
      width: min(640px, calc(100vw - 24px));
    }
    .skeleton {
      height: 160px;
      border-radius: 8px;
      background: var(--secondary-background-color, #eee);
    }
    :host([narrow]) .box {
      padding: 12px;
    }
  `,
];
