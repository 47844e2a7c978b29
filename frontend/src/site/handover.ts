import { LitElement, css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import type { Context } from "../context";
import { define } from "../define";
import { dateAndClock } from "../format";
import { classIcon } from "../icons";
import type { Incident } from "../model";
import { LAST_LIFE_CLASS, byUrgency, classOf, isNew } from "../order";
import { print } from "../print";
import { common, ranks, tokens } from "../styles";
import { byUrgency as byDoor, isLeftOpen } from "./door";
import { followDoors, nameOf, stateOf, type DoorFeed } from "./door-look";
import { translator, type Key, type Translate } from "./texts";

/** What one shift leaves to the next, on paper: what is open, off or silenced. It fires `tone`, to hear the sound. */
export class HandoverPage extends LitElement {
  @property({ attribute: false }) context!: Context;
  @property({ type: Boolean, reflect: true }) dark = false;
  @property({ type: Boolean, reflect: true }) narrow = false;
  @state() private next = "";
  @state() private note = "";
  @state() private isHeard = false;
  private t: Translate = translator("en");
  private doors: DoorFeed | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) {
      this.follow();
    }
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.doors?.stop();
  }

  protected override firstUpdated(): void {
    this.follow();
  }

  private follow(): void {
    this.doors = followDoors(this.context.hass.connection, () => {
      this.requestUpdate();
    });
  }

  override render() {
    const { context } = this;
    const { book, hass, help, now } = context;
    const t = (this.t = translator(hass.language));
    if (book.truth === null) {
      return html`<p class="quiet" role="status">${context.t("waiting")}</p>`;
    }
    const all = [...book.incidents.values()].sort(byUrgency(help));
    const real = all.filter((item) => !item.drill);
    const isLife = (item: Incident): boolean => classOf(item, help) <= LAST_LIFE_CLASS;
    const of = (...wanted: Incident["rank"][]): Incident[] => real.filter((item) => wanted.includes(item.rank) && !isLife(item));
    const unseen = real.filter((item) => isLife(item) && isNew(item));
    const isReady = !unseen.length && !context.locked && this.isHeard && this.next.trim() !== "";
    return html`<h1>${t("handover")}</h1>
      <p>${t("handover_of", { place: hass.config.location_name, time: dateAndClock(hass, now) })}</p>
      ${unseen.length
        ? html`<p class="bad" role="alert">
            ${context.t("says", { what: t("handover_unseen"), said: unseen.map((item) => context.words.place(item)).join(context.t("comma")) })}
          </p>`
        : nothing}
      ${this.list("handover_life", real.filter(isLife))} ${this.list("handover_lesser", of("supervision", "fault"))}
      ${this.list("handover_shelved", of("shelved"))} ${this.off(all)} ${this.open()} ${this.list("handover_drills", all.filter((item) => item.drill))}
      ${book.devices ? html`<p>${context.t("none_heard", { ...book.devices })}</p>` : nothing}
      <div class="form">
        <div class="sound">
          <button
            class="no-print"
            @click=${() => {
              this.dispatchEvent(new CustomEvent("tone"));
            }}
          >
            ${t("handover_tone")}
          </button>
          <label class="choice">
            <input
              type="checkbox"
              .checked=${this.isHeard}
              @change=${(event: Event) => {
                this.isHeard = (event.target as HTMLInputElement).checked;
              }}
            />
            ${t("handover_heard")}
          </label>
        </div>
        <label>
          ${t("handover_note")}
          <textarea
            maxlength="1000"
            .value=${this.note}
            @input=${(event: Event) => {
              this.note = (event.target as HTMLTextAreaElement).value;
            }}
          ></textarea>
        </label>
        <label>
          ${t("handover_next")}
          <input
            maxlength="100"
            autocomplete="off"
            .value=${this.next}
            @input=${(event: Event) => {
              this.next = (event.target as HTMLInputElement).value;
            }}
          />
        </label>
        <p class="only-print said">${this.note}</p>
        <p class="only-print signatures">
          <span>${t("handover_from", { who: hass.user?.name ?? "" })}</span> <span>${t("handover_to", { who: this.next })}</span>
        </p>
        <div class="no-print">
          <button
            class="main"
            ?disabled=${!isReady}
            @click=${print}
          >
            ${context.t("print")}
          </button>
          <p class="quiet">${t("handover_kept")}</p>
        </div>
      </div>
      <p class="quiet">${context.t("not_certified")}</p>`;
  }

  private section(title: Key, rows: TemplateResult[]) {
    return html`<section>
      <h2>${this.t(title)} <span class="number">${rows.length}</span></h2>
      ${rows.length
        ? html`<ul>
            ${rows}
          </ul>`
        : nothing}
    </section>`;
  }

  private list(title: Key, incidents: Incident[]) {
    const { words, hass, help, t } = this.context;
    return this.section(
      title,
      incidents.map(
        (item) =>
          html`<li class=${item.drill ? "" : item.rank}>
            <span class="mark">${classIcon(item, help)} ${words.classWord(item, help)}</span>
            <strong>${words.place(item)}</strong>
            <span>${words.hazards(item)}</span>
            <time>${dateAndClock(hass, item.raised_at)}</time>
            <span>${[words.status(item), words.power(item)].filter(Boolean).join(t("comma"))}</span>
          </li>`,
      ),
    );
  }

  /** Supplies that are kept off, whatever else is open there. */
  private off(incidents: Incident[]) {
    const { book, words, hass, t } = this.context;
    const found = new Map(
      incidents.flatMap((item) => item.supplies.filter((supply) => supply.latched).map((supply) => [supply.supply_id, { item, supply }])),
    );
    return this.section(
      "handover_off",
      [...found.values()].map(
        ({ item, supply }) =>
          html`<li>
            <strong>${words.area(supply.area_id) ?? words.place(item)}</strong> <span>${words.supply(supply)}</span>
            <span>${[words.supplyState(supply), words.left([supply])].filter(Boolean).join(t("comma"))}</span>
            ${supply.at ? html`<time>${dateAndClock(hass, supply.at)}</time>` : nothing}
          </li>`,
      ).concat(
        book.keptOff.map(
          (row) =>
            html`<li>
              <strong>${words.area(row.area_id) ?? t("no_place")}</strong> <span>${row.name} ${row.channel.toUpperCase()}</span>
              <span>${t(row.proven ? "supply_proven" : "supply_may_be_on")}</span>
              ${row.who ? html`<span>${t("by", { who: words.who(row.who) })}</span>` : nothing}
              <time>${dateAndClock(hass, row.at)}</time>
            </li>`,
        ),
      ),
    );
  }

  /** Doors that a fire or somebody has opened, and nobody has locked. */
  private open() {
    const { context, t } = this;
    const open = [...(this.doors?.book.doors.values() ?? [])].filter(isLeftOpen);
    const order = byDoor((door) => nameOf(context, door), context.hass.language);
    return open.length
      ? this.section(
          "handover_doors",
          open.sort(order).map(
            (door) =>
              html`<li>
                <strong>${nameOf(context, door)}</strong> <span>${stateOf(t, door)}</span>
                ${door.released_at === null ? nothing : html`<time>${dateAndClock(context.hass, door.released_at)}</time>`}
              </li>`,
          ),
        )
      : nothing;
  }

  static override readonly styles = [
    tokens,
    common,
    css`
      :host {
        display: block;
        max-width: 900px;
      }
      h1 {
        font-size: 22px;
        font-weight: 500;
      }
      h2 {
        font-size: 16px;
        margin: 16px 0 4px;
      }
      ul {
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        --c: var(--shielded);
        display: flex;
        flex-wrap: wrap;
        gap: 2px 16px;
        padding: 8px 0;
        border-top: 1px solid var(--divider-color);
      }
      li .mark {
        color: var(--c);
      }
      .bad {
        color: var(--fire);
        font-weight: 500;
      }
      .form {
        display: grid;
        gap: 16px;
        margin: 24px 0;
      }
      .form > label {
        display: grid;
        gap: 4px;
      }
      .form input:not([type]) {
        min-height: 48px;
        padding: 0 12px;
        border-radius: 8px;
        border: 1px solid var(--outline-color, var(--secondary-text-color));
        background: var(--card-background-color, #fff);
      }
      .sound {
        display: flex;
        flex-wrap: wrap;
        gap: 8px 24px;
      }
      .only-print {
        display: none;
      }
      .signatures {
        gap: 48px;
        padding-top: 64px;
      }
      .signatures span {
        flex: 1;
        border-top: 1px solid;
      }
      .said {
        white-space: pre-wrap;
      }
      @media print {
        .form > label {
          display: none;
        }
        .said {
          display: block;
        }
        .signatures {
          display: flex;
        }
      }
    `,
    ranks,
  ];
}

define({ "cs-handover": HandoverPage });
