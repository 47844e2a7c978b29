import { mdiCloseThick } from "@mdi/js";
import { LitElement, css, html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { POWER_MILLISECONDS, type Context } from "../context";
import { define } from "../define";
import { keepFocus } from "../focus";
import { dateAndClock } from "../format";
import { AGAIN_SECONDS, HoldButton } from "../hold";
import { mdiCheckBold, mdiHelpCircleOutline, icon } from "../icons";
import { howToHold } from "../press-twice";
import { common, tokens } from "../styles";
import { undotted } from "../translate";
import { byUrgency, isCalm, type Door, type Order, type Ordered } from "./door";
import { doorIcon, doorStyles, followDoors, nameOf, sortOf, stateOf, type DoorFeed } from "./door-look";
import { translator, type Translate } from "./texts";

const DOMAIN = "community_safety";
const ORDERS: Order[] = ["open", "unlock", "lock"];
const REASONS = ["resident", "visitor", "delivery", "emergency", "maintenance"];
const CHECKED = ["on_site", "camera", "phone"];
/** The server takes no shorter words. */
const LEAST_COMMENT = 4;

/** Every door and gate: how it stands, and what people have it do. */
export class DoorsPage extends LitElement {
  @property({ attribute: false }) context!: Context;
  /** The door whose page it is. */
  @property() doorId: string | null = null;
  @property({ type: Boolean, reflect: true }) dark = false;
  @property({ type: Boolean, reflect: true }) narrow = false;
  /** What the register knows of a door: its cards, and who went through. */
  @property({ attribute: false }) brought: (deviceId: string, channel: string) => unknown = () => nothing;
  @state() private words = "";
  @state() private sheet: Order | null = null;
  @state() private checked: string | null = null;
  @state() private comment = "";
  /** What was ordered of the door; null until it is there, and why it is not. */
  @state() private ordered: { orders: Ordered[]; names: Record<string, string> } | null = null;
  @query("dialog") private dialog?: HTMLDialogElement;
  private feed: DoorFeed | null = null;
  private askedFor: string | null = null;
  private t: Translate = translator("en");

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) {
      this.subscribe();
    }
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.feed?.stop();
    this.feed = null;
  }

  protected override firstUpdated(): void {
    this.subscribe();
  }

  private subscribe(): void {
    this.feed = followDoors(this.context.hass.connection, () => {
      this.requestUpdate();
    });
    this.requestUpdate();
  }

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    this.t = translator(this.context.hass.language);
    if (changed.has("doorId")) {
      this.ordered = null;
      this.askedFor = null;
      this.sheet = null;
    }
  }

  protected override update(changed: PropertyValues): void {
    keepFocus(this.renderRoot, () => {
      super.update(changed);
    });
  }

  protected override updated(): void {
    if (this.sheet && !this.dialog?.open) {
      this.dialog?.showModal();
    }
    const { doorId } = this;
    if (doorId !== null && this.askedFor !== doorId && !this.context.locked && this.feed?.book.doors.has(doorId)) {
      this.askedFor = doorId;
      void this.askOrdered(doorId);
    }
  }

  private async askOrdered(door_id: string): Promise<void> {
    const answer = await this.context.ask<NonNullable<DoorsPage["ordered"]>>(`${door_id} orders`, {
      type: `${DOMAIN}/door_orders`,
      door_id,
    });
    if (answer && this.doorId === door_id) {
      this.ordered = answer;
    }
  }

  override render() {
    const { feed, doorId, t } = this;
    if (!feed?.book.isKnown) {
      return html`<p class="empty" role=${feed?.error ? "alert" : "status"}>
        ${feed?.error ? t("doors_failed", { reason: feed.error }) : this.context.t("waiting")}
      </p>`;
    }
    const door = doorId === null ? undefined : feed.book.doors.get(doorId);
    if (doorId === null) {
      return this.all([...feed.book.doors.values()]);
    }
    return html`<a class="back" href=${this.context.to("/doors")} @click=${this.goes("/doors")}>‹ ${t("doors")}</a>
      ${door ? this.one(door) : html`<p class="empty">${t("door_gone")}</p>`}`;
  }

  private goes(path: string): (event: MouseEvent) => void {
    return (event) => {
      if (!event.ctrlKey && !event.metaKey && !event.shiftKey) {
        event.preventDefault();
        this.context.go(path);
      }
    };
  }

  private readonly name = (door: Door): string => nameOf(this.context, door);

  private place(door: Door): string {
    const { words } = this.context;
    return [words.building(door.area_id), words.area(door.area_id)].filter(Boolean).join(" · ") || this.t("no_area");
  }

  private all(doors: Door[]) {
    const { context, t } = this;
    const wanted = this.words.trim().toLowerCase();
    const rows = doors
      .filter((door) => !wanted || `${this.name(door)} ${door.name} ${this.place(door)}`.toLowerCase().includes(wanted))
      .sort(byUrgency(this.name, context.hass.language));
    const troubled = doors.filter((door) => !isCalm(door)).length;
    return html`<header class="top">
        <h2>
          ${t("doors")} <span class="quiet">${t("doors_count", { count: doors.length, troubled })}</span>
        </h2>
        <input
          type="search"
          aria-label=${t("doors_find")}
          placeholder=${t("doors_find")}
          .value=${this.words}
          @input=${(event: Event) => {
            this.words = (event.target as HTMLInputElement).value;
          }}
        />
      </header>
      <ul class="rows" aria-label=${t("doors")}>
        ${repeat(
          rows,
          (door) => door.door_id,
          (door) => {
            const path = `/doors/${encodeURIComponent(door.door_id)}`;
            return html`<li>
              <a class="door ${door.state}" data-door=${door.door_id} href=${context.to(path)} @click=${this.goes(path)}>
                ${this.mark(door)}
                <span class="what"><strong>${this.name(door)}</strong> <span class="quiet">${this.place(door)}</span></span>
                <span class="how">${this.hazards(door)}</span>
              </a>
            </li>`;
          },
        )}
      </ul>
      ${rows.length ? nothing : html`<p class="empty">${t(doors.length ? "doors_none" : "doors_empty")}</p>`}`;
  }

  private mark(door: Door) {
    return html`<span class="mark class">${doorIcon(door.state)} ${stateOf(this.t, door)}</span>`;
  }

  /** What is wrong with its controller beside what the door itself shows. */
  private hazards(door: Door): string {
    const { words, t } = this.context;
    const said: Record<string, string> = {
      unreleased: "refused_to_release",
      forced: "door_forced",
      held_open: "door_held_open",
    };
    return door.hazards
      .filter((hazard) => hazard !== said[door.state])
      .map((hazard) => words.option("hazard", hazard))
      .join(t("comma"));
  }

  private one(door: Door) {
    const { context, t } = this;
    const incidents = [...context.book.incidents.values()].filter(
      (incident) => !incident.drill && incident.alarms.some((alarm) => alarm.device_id === door.device_id),
    );
    return html`<header class="head door ${door.state}">
        ${this.mark(door)}
        <h1>${this.name(door)}</h1>
        <span>${this.place(door)}</span>
      </header>
      <p>${t(`${sortOf(door)}_hint_${door.state}`)}</p>
      ${door.released_at === null
        ? nothing
        : html`<p>${t("door_released_at", { time: dateAndClock(context.hass, door.released_at) })}</p>`}
      ${incidents.map(
        (incident) =>
          html`<a
            class="button"
            href=${context.href(incident.incident_id)}
            @click=${this.goes(`/incident/${incident.incident_id}`)}
            >${context.t("says", { what: context.words.place(incident), said: context.words.hazards(incident) })}</a
          >`,
      )}
      <div class="choices no-print">${ORDERS.map((order) => this.button(door, order))}</div>
      ${this.deed(`${door.door_id} order`)}
      <ul class="facts">
        <li>${t(door.opens_on_fire ? "opens_on_fire" : "stays_on_fire")}</li>
        ${door.credentials === null ? nothing : html`<li>${t(`${sortOf(door)}_credentials`, { count: door.credentials })}</li>`}
        ${this.hazards(door) ? html`<li>${context.t("says", { what: door.name, said: this.hazards(door) })}</li>` : nothing}
      </ul>
      ${this.brought(door.device_id, door.channel)} ${this.log(door)}
      <p class="quiet foot">${context.t("not_certified")}</p>
      ${this.sheet ? html`<dialog aria-labelledby="sheet" @close=${this.closed}>${this.form(door, this.sheet)}</dialog>` : nothing}`;
  }

  /** What is in the way of an order: "" for nothing, null where it is not offered. */
  private hindrance(door: Door, order: Order): string | null {
    const { context, t } = this;
    const code = door.may[order];
    if (code === undefined || context.isQuiet) {
      return null;
    }
    if (context.locked) {
      return context.t("blocked_stale");
    }
    return code === null ? "" : t(code === "still_present" ? "blocked_fire" : "blocked_away");
  }

  private button(door: Door, order: Order): TemplateResult | typeof nothing {
    const hinders = this.hindrance(door, order);
    return hinders === null
      ? nothing
      : html`<button
          data-order=${order}
          ?disabled=${hinders !== ""}
          @click=${() => {
            this.checked = null;
            this.comment = "";
            this.sheet = order;
          }}
        >
          <span>${this.t(`${sortOf(door)}_order_${order}`)}${hinders ? html` <small>${hinders}</small>` : nothing}</span>
        </button>`;
  }

  private ordering(door: Door, order: Order): string {
    return undotted(this.t(`${sortOf(door)}_order_${order}`));
  }

  private readonly closed = (): void => {
    const order = this.sheet;
    this.sheet = null;
    void this.updateComplete.then(() => {
      this.renderRoot.querySelector<HTMLElement>(`[data-order="${order ?? ""}"]`)?.focus();
    });
  };

  private async order(door: Door, order: Order, why: object): Promise<void> {
    this.dialog?.close();
    await this.context.ask(
      `${door.door_id} order`,
      { type: `${DOMAIN}/order_door`, door_id: door.door_id, order, ...why },
      POWER_MILLISECONDS,
    );
    // What has failed was ordered, too.
    await this.askOrdered(door.door_id);
  }

  private form(door: Door, order: Order) {
    const { context, t } = this;
    const hinders = this.hindrance(door, order) !== "";
    return html`<div class="rows">
      <h2 id="sheet">${context.t("says", { what: this.ordering(door, order), said: this.name(door) })}</h2>
      ${order === "unlock" ? html`<p>${t(`${sortOf(door)}_hint_unlocked`)}</p>` : nothing}
      ${order === "lock" ? this.lockForm(door, hinders) : this.openForm(door, order, hinders)}
      <button
        @click=${() => {
          this.dialog?.close();
        }}
      >
        ${context.t("cancel")}
      </button>
    </div>`;
  }

  private openForm(door: Door, order: Order, hinders: boolean) {
    const { words } = this.context;
    const comment = this.comment.trim();
    return html`<fieldset>
        <legend>${this.t("order_why")}</legend>
        <div class="choices">
          ${REASONS.map(
            (reason) =>
              html`<button data-reason=${reason} ?disabled=${hinders} @click=${() => void this.order(door, order, { reason })}>
                ${words.option("order_reason", reason)}
              </button>`,
          )}
        </div>
        <label>
          ${words.option("order_reason", "other")}
          <textarea
            maxlength="500"
            .value=${this.comment}
            @input=${(event: Event) => {
              this.comment = (event.target as HTMLTextAreaElement).value;
            }}
          ></textarea>
        </label>
        <button
          data-reason="other"
          ?disabled=${hinders || comment.length < LEAST_COMMENT}
          @click=${() => void this.order(door, order, { reason: "other", comment })}
        >
          ${this.ordering(door, order)}
        </button>
      </fieldset>
      <p class="quiet">${this.t("order_kept")}</p>`;
  }

  private lockForm(door: Door, hinders: boolean) {
    const { t, context } = this;
    return html`<fieldset>
        <legend>${t(`${sortOf(door)}_checked`)}</legend>
        ${CHECKED.map(
          (way) =>
            html`<label class="choice">
              <input
                type="radio"
                name="checked"
                .checked=${this.checked === way}
                @change=${() => {
                  this.checked = way;
                }}
              />
              ${context.words.option("checked", way)}
            </label>`,
        )}
      </fieldset>
      <cs-hold
        seconds="1.5"
        .disabled=${hinders || this.checked === null}
        .label=${context.t("says", { what: context.t(howToHold()), said: this.ordering(door, "lock") })}
        .again=${context.t("press_again", { seconds: AGAIN_SECONDS })}
        @held=${() => void this.order(door, "lock", { checked: this.checked })}
      ></cs-hold>`;
  }

  private log(door: Door) {
    const { context, t, ordered } = this;
    return html`<section class="box log">
      <h2>${t("ordered")}</h2>
      ${ordered
        ? ordered.orders.length
          ? html`<ul>
              ${ordered.orders.map(
                (row) => html`<li data-proven=${String(row.proven)}>
                  <time>${dateAndClock(context.hass, row.at)}</time>
                  <strong>${t(`${sortOf(door)}_ordered_${row.order}`)}</strong>
                  <span>${context.words.option(row.order === "lock" ? "checked" : "order_reason", row.why)}</span>
                  ${row.comment ? html`<q>${row.comment}</q>` : nothing}
                  <span>${context.t("by", { who: (row.who && ordered.names[row.who]) ?? context.t("somebody") })}</span>
                  ${this.proof(row.proven)}
                </li>`,
              )}
            </ul>`
          : html`<p class="quiet">${t("ordered_none")}</p>`
        : this.deed(`${door.door_id} orders`)}
    </section>`;
  }

  private proof(proven: boolean | null) {
    const { t } = this;
    if (proven === null) {
      return html`<span class="quiet">${icon(mdiHelpCircleOutline)} ${t("ordered_unknown")}</span>`;
    }
    return proven
      ? html`<span class="good">${icon(mdiCheckBold)} ${t("ordered_proven")}</span>`
      : html`<span class="bad">${icon(mdiCloseThick)} ${t("ordered_failed")}</span>`;
  }

  private deed(key: string) {
    const deed = this.context.did(key);
    return deed
      ? html`<p class="did ${deed.state}" role=${deed.state === "failed" ? "alert" : "status"}>${deed.text}</p>`
      : nothing;
  }

  static override readonly styles = [
    tokens,
    common,
    css`
      :host {
        display: block;
      }
      .top,
      .head {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 8px 16px;
        margin-bottom: 12px;
      }
      h1 {
        font-size: 22px;
        font-weight: 500;
      }
      h2 {
        font-size: 20px;
      }
      h2 .quiet {
        font-size: 16px;
        font-weight: 400;
      }
      .back {
        display: inline-flex;
        align-items: center;
        min-width: 44px;
        min-height: 44px;
      }
      input[type="search"] {
        flex: 1 1 200px;
        min-height: 44px;
        padding: 0 12px;
        border: 1px solid var(--outline-color, var(--secondary-text-color));
        border-radius: 8px;
        background: var(--card-background-color, #fff);
      }
      ul.rows,
      .facts,
      .log ul {
        list-style: none;
        margin: 0;
        padding: 0;
      }
      ul.rows {
        display: grid;
        gap: 4px;
      }
      .rows a {
        display: grid;
        grid-template-columns: minmax(220px, 2fr) 4fr 3fr;
        gap: 4px 16px;
        align-items: center;
        min-height: 56px;
        padding: 8px 16px;
        border: 1px solid var(--divider-color);
        border-inline-start: 8px solid var(--c);
        border-radius: 8px;
        background: var(--card-background-color, #fff);
        text-decoration: none;
        content-visibility: auto;
        contain-intrinsic-size: auto 56px;
      }
      .what {
        display: flex;
        flex-wrap: wrap;
        gap: 0 12px;
        overflow-wrap: anywhere;
      }
      .class {
        justify-self: start;
      }
      .rows .locked,
      .rows .open {
        border-inline-start-color: var(--divider-color);
      }
      .locked .class,
      .open .class {
        border-color: transparent;
        padding-inline-start: 0;
      }
      .unreleased .class {
        background: var(--c);
        color: var(--on-fill);
      }
      .releasing .class,
      .unknown .class {
        border-style: dashed;
      }
      .how {
        color: var(--fault);
        font-weight: 500;
      }
      .choices {
        margin: 12px 0;
      }
      .facts {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 24px;
        margin-bottom: 12px;
      }
      .log h2 {
        margin-bottom: 8px;
        font-size: 18px;
        font-weight: 500;
      }
      .box {
        border: 1px solid var(--divider-color);
        border-radius: 8px;
        padding: 12px 16px;
        margin: 12px 0;
        background: var(--card-background-color, #fff);
      }
      .log li {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 2px 12px;
        min-height: 36px;
        border-top: 1px solid var(--divider-color);
      }
      .log span {
        display: inline-flex;
        align-items: center;
        gap: 4px;
      }
      .log svg {
        width: 18px;
        height: 18px;
      }
      .good {
        color: var(--good);
      }
      .bad {
        color: var(--danger);
        font-weight: 500;
      }
      .empty {
        padding: 24px 16px;
        font-size: 18px;
      }
      :host([narrow]) .rows a {
        grid-template-columns: minmax(0, 1fr);
      }
      :host([narrow]) .choices button {
        flex: 1 1 140px;
      }
    `,
    doorStyles,
  ];
}

define({ "cs-hold": HoldButton, "cs-doors": DoorsPage });
