import { css, html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { keepFocus } from "../focus";
import { clockMinutes, dateAndClock, quantity } from "../format";
import { devicesIn, isInDanger, isQuiet, newsOf, openAlerts, urgency } from "./flat";
import type { Flat, Past, Visitor } from "./model";
import { Page, pageStyles } from "./page";
import { lets } from "./pages";
import { apis, day, hazardsIn, nowIn, option, pathOf, timeOf, type Api } from "./room";
import { Sheet, type Done } from "./sheet";

const ANSWERS = ["need_help", "on_my_way", "safe", "false_alarm"] as const;

type SlotState = "safe" | "on_my_way" | "need_help" | "false_alarm" | "no_answer" | "not_reached" | "under_way";

interface Own {
  api: Api;
  flat: Flat;
}

/** The flats that somebody lets or lives in, and what they say when it burns there. */
export class MinePage extends Page {
  @state() private flats: Own[] | null = null;
  /** What is being sent, by alert and unit. */
  @state() private sending = new Map<string, string>();
  private readonly known = new Map<string, Own[]>();
  /** Properties that do not answer now: what was heard of them may be over. */
  private readonly unheard = new Set<string>();
  private ends: (() => void)[] = [];
  /** What was told of flats in the last twelve months, by unit; null until it is there. */
  private readonly past = new Map<string, Past | null>();
  /** Who visits flats, by unit; null until it is there. */
  private readonly visitors = new Map<string, Visitor[] | null>();
  /** The flat to which somebody is to come. */
  @state() private visited: Own | null = null;

  protected override firstUpdated(): void {
    void this.reload();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) {
      void this.reload();
    }
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.stop();
  }

  private stop(): void {
    for (const end of this.ends.splice(0)) {
      end();
    }
  }

  protected override load(): Promise<void> {
    this.stop();
    this.unheard.clear();
    for (const api of apis(this.room, "get_mine")) {
      const end = api.follow<Flat>(
        "subscribe_mine",
        (items) => {
          this.known.set(
            api.property.entry_id,
            [...items.values()].map((flat) => ({ api, flat })),
          );
          this.flats = [...this.known.values()].flat().sort((a, b) => urgency(a.flat) - urgency(b.flat) || a.flat.title.localeCompare(b.flat.title));
        },
        (text) => {
          this.failure = text;
          this.again = null;
          if (text) {
            this.unheard.add(api.property.entry_id);
          } else {
            this.unheard.delete(api.property.entry_id);
          }
        },
      );
      this.ends.push(end);
    }
    return Promise.resolve();
  }

  protected override update(changed: PropertyValues): void {
    keepFocus(this.renderRoot, () => {
      super.update(changed);
    });
  }

  override render() {
    const { t } = this.room;
    return html`<div class="head"><h1>${t(lets(this.room.session) ? "mine_title" : "home_title")}</h1></div>
      ${this.said()}
      ${this.flats
        ? this.flats.length
          ? // One that moves takes its buttons along: an answer is of the flat, and the alarm, that was pressed.
            repeat(this.flats, ({ flat }) => flat.unit_id, (own) => this.flat(own))
          : html`<p class="box">${t("no_flats")}</p>`
        : this.failure
          ? nothing
          : html`<div class="skeleton" role="status" aria-label=${t("waiting")}></div>`}
      ${this.visited
        ? html`<cs-visit .room=${this.room} .api=${this.visited.api} .unitId=${this.visited.flat.unit_id} @closed=${this.closed}></cs-visit>`
        : nothing}`;
  }

  private readonly closed = (event: CustomEvent<Done | undefined>): void => {
    const own = this.visited;
    this.visited = null;
    if (event.detail && own) {
      this.did(event.detail.text);
      void this.askVisitors(own);
    }
  };

  private async askVisitors({ api, flat: { unit_id } }: Own): Promise<void> {
    this.visitors.set(unit_id, null);
    this.again = null;
    const isThere = await this.trying(async () => {
      const { visitors } = await api.ask<{ visitors: Visitor[] }>("visitors", { unit_id }, { withReason: false });
      this.visitors.set(unit_id, visitors);
    });
    if (!isThere) {
      this.visitors.delete(unit_id);
    }
    this.requestUpdate();
  }

  /** Who comes when, and with which card: for who lets the flat. */
  private visits(own: Own): TemplateResult | typeof nothing {
    const { room } = this;
    const { t } = room;
    const { api, flat } = own;
    if (!api.may("get_visitors", flat.unit_id)) {
      return nothing;
    }
    const visitors = this.visitors.get(flat.unit_id);
    return html`<details
      data-part="visitors"
      @toggle=${(event: Event) => {
        if ((event.target as HTMLDetailsElement).open) {
          void this.askVisitors(own);
        }
      }}
    >
      <summary>${t("visitors")}</summary>
      ${visitors === null
        ? html`<div class="skeleton" role="status" aria-label=${t("waiting")}></div>`
        : visitors?.length
          ? html`<ul class="past">
              ${repeat(visitors, ({ card_id }) => card_id, (row) => this.visitor(own, row))}
            </ul>`
          : html`<p class="quiet">${t("visitors_none")}</p>`}
      ${api.may("request_card", flat.unit_id)
        ? html`<p>
            <button
              data-do="visit"
              ?disabled=${room.locked}
              @click=${() => {
                this.visited = own;
              }}
            >
              ${t("visit")}
            </button>
          </p>`
        : nothing}
    </details>`;
  }

  private visitor(own: Own, row: Visitor): TemplateResult {
    const { room } = this;
    const { t } = room;
    const mayLose = own.api.may("lose_card", own.flat.unit_id) && ["issued", "suspended"].includes(row.decision);
    const tag = row.state === "active" ? "good" : row.state === "unproven" || row.state === "lost" ? "bad" : "";
    const count = row.state === "unproven" ? row.unproven : row.pending;
    const until = row.end ? timeOf(room, row.end) : "";
    return html`<li data-visitor=${row.card_id}>
      <p class="what">
        <strong>${row.name}</strong>
        <span class="tag ${tag}">${t(`card_${row.state as "active"}`, { count })}</span>
        <span class="number">${row.card_number}</span>
      </p>
      <p class="number">${row.start ? t("from_to", { start: timeOf(room, row.start), end: until }) : t("until", { day: until })}</p>
      ${row.state === "requested" ? html`<p class="quiet">${t("card_asked")}</p>` : nothing}
      ${mayLose
        ? this.pressTwice("lose_card", t("lose_card"), () =>
            this.trying(async () => {
              await own.api.ask("lose_card", { card_id: row.card_id }, { withReason: false });
              this.did(t("card_ordered"));
              await this.askVisitors(own);
            }),
          )
        : nothing}
    </li>`;
  }

  private flat(own: Own): TemplateResult {
    const { room } = this;
    const { t } = room;
    const { flat, api } = own;
    const alerts = openAlerts(flat);
    const isKnown = !room.locked && !this.unheard.has(api.property.entry_id);
    const incident = room.incidentIn(flat.area_id);
    return html`<section class="box flat-of-mine ${isInDanger(flat) ? "alarm" : ""}" data-unit=${flat.unit_id}>
      <div class="head">
        <h2>
          ${flat.roles.includes("landlord") && api.may("get_unit", flat.unit_id)
            ? this.link(pathOf(room.session, "unit", flat.unit_id, api.property.entry_id), flat.title)
            : flat.title}
        </h2>
        <span class="quiet">${flat.roles.map((role) => option(room, "role", role)).join(t("comma"))}</span>
        ${isQuiet(flat, incident, isKnown) ? html`<span class="tag">${t("no_alert")}</span>` : nothing}
      </div>
      ${repeat(alerts, ({ alert_id }) => alert_id, (alert) => this.alert(own, alert))}
      ${newsOf(flat).map(
        ({ hazards, created_at: at }) =>
          html`<p class="news">
            ${t(hazards.includes("false_alarm") ? "news_false_alarm" : "news_all_clear", { time: clockMinutes(room.hass, at) })}
          </p>`,
      )}
      ${incident ? this.link(`/incident/${incident}`, t("see_power"), "button") : nothing}
      ${flat.nearby.map(
        (row) =>
          html`<p class="tag warn">
            ${t("stairwell", { hazards: this.hazards(row.hazards), time: clockMinutes(room.hass, row.at) })}
          </p>`,
      )}
      ${this.devices(flat)}
      ${flat.tenants === undefined
        ? nothing
        : html`<p>
            ${t("tenants", { count: flat.tenants })}
            ${flat.lease_end ? html` · ${t("until", { day: day(room, flat.lease_end) })}` : nothing}
            ${flat.unreachable ? html` <span class="tag bad">${t("unreachable", { count: flat.unreachable })}</span>` : nothing}
          </p>`}
      ${this.visits(own)}
      <details
        data-part="past"
        @toggle=${(event: Event) => {
          if ((event.target as HTMLDetailsElement).open) {
            void this.look(own);
          }
        }}
      >
        <summary>${t("past")}</summary>
        ${this.pastOf(flat.unit_id)}
      </details>
    </section>`;
  }

  /** That each device is heard is more than that nothing burns. */
  private devices({ area_id: areaId }: Flat): TemplateResult | typeof nothing {
    const { hass, t } = this.room;
    const found = devicesIn(hass, areaId);
    if (!found) {
      return nothing;
    }
    const level = found.battery === null ? "" : t("battery_least", { level: quantity(found.battery, "%", hass.locale.language) });
    return html`<p class="devices">
      <span class=${found.heard < found.all ? "tag bad" : ""}>${t("sensors", { heard: found.heard, all: found.all })}</span>${level ? html` · ${level}` : nothing}
    </p>`;
  }

  /** Asks what was told of a flat before, each time that somebody looks. */
  private async look({ api, flat: { unit_id } }: Own): Promise<void> {
    this.past.set(unit_id, null);
    this.again = null;
    const isThere = await this.trying(async () => {
      this.past.set(unit_id, await api.ask<Past>("mine_history", { unit_id }, { withReason: false }));
    });
    if (!isThere) {
      this.past.delete(unit_id);
      this.again = () => this.look({ api, flat: { unit_id } as Flat });
    }
    this.requestUpdate();
  }

  private pastOf(unitId: string): TemplateResult | typeof nothing {
    const { t } = this.room;
    const past = this.past.get(unitId);
    if (!past) {
      return past === null ? html`<div class="skeleton" role="status" aria-label=${t("waiting")}></div>` : nothing;
    }
    if (!past.alerts.length) {
      return html`<p class="quiet">${t("past_none")}</p>`;
    }
    return html`<ul class="past">
        ${past.alerts.map((alert) => this.pastAlert(alert))}
      </ul>
      ${past.more ? html`<p class="quiet">${t("past_more", { count: past.alerts.length })}</p>` : nothing}`;
  }

  private pastAlert(alert: Past["alerts"][number]): TemplateResult {
    const { room } = this;
    const { t } = room;
    const said = alert.slots.map(({ role, number, state }) =>
      t("slot", { role: option(room, "role", role), number, state: t(`slot_${state as SlotState}`) }),
    );
    return html`<li data-alert=${alert.alert_id}>
      <p class="what">
        ${alert.drill ? html`<span class="tag">${t("drill")}</span>` : nothing}
        <strong>${this.hazards(alert.hazards)}</strong>
        <time>${dateAndClock(room.hass, alert.created_at)}</time>
        ${alert.helped ? html`<span class="tag bad">${t("slot_need_help")}</span>` : nothing}
      </p>
      ${alert.answer ? html`<p>${t("you_had_said", { answer: t(`answer_${alert.answer as (typeof ANSWERS)[number]}`) })}</p>` : nothing}
      ${said.length ? html`<p class="quiet">${said.join(t("semicolon"))}</p>` : nothing}
    </li>`;
  }

  private hazards(hazards: string[]): string {
    return hazardsIn(this.room, hazards);
  }

  private alert(own: Own, alert: Flat["alerts"][number]): TemplateResult {
    const { room } = this;
    const { t } = room;
    const key = `${alert.alert_id} ${own.flat.unit_id}`;
    return html`<div class="alert">
      <p class="what">
        ${alert.drill ? html`<span class="tag">${t("drill")}</span>` : nothing}
        <strong>${this.hazards(alert.hazards)}</strong>
        <span class="number">${clockMinutes(room.hass, alert.created_at)}</span>
      </p>
      ${alert.help_open ? html`<p class="help" role="status">${t("help_sent")}</p>` : nothing}
      <div class="answers">
        ${ANSWERS.map(
          (answer) =>
            html`<button
              class=${answer}
              data-answer=${answer}
              aria-pressed=${alert.answer === answer}
              ?disabled=${room.locked || this.sending.has(key)}
              @click=${() => void this.answer(own, alert.alert_id, answer)}
            >
              ${t(`answer_${answer}`)}
            </button>`,
        )}
      </div>
      <p role="status">
        ${this.sending.has(key)
          ? t("sending")
          : alert.answer && alert.answered_at
            ? t("you_said", {
                answer: t(`answer_${alert.answer as (typeof ANSWERS)[number]}`),
                time: clockMinutes(room.hass, alert.answered_at),
              })
            : t("please_answer")}
      </p>
      <a class="button" href="tel:119">${t("call_119")}</a>
    </div>`;
  }

  private async answer({ api, flat }: Own, alertId: string, answer: string): Promise<void> {
    const key = `${alertId} ${flat.unit_id}`;
    this.sending = new Map([...this.sending, [key, answer]]);
    this.failure = "";
    const isSent = await this.trying(() => api.ask("answer", { alert_id: alertId, unit_id: flat.unit_id, answer }, { withReason: false }));
    // The same answer again does no harm, and one that was never sent does.
    this.again = isSent ? null : () => this.answer({ api, flat }, alertId, answer);
    this.sending.delete(key);
    this.requestUpdate();
  }

  static override readonly styles = [
    ...pageStyles,
    css`
      :host {
        max-width: 720px;
        margin: 0 auto;
      }
      .alarm {
        border: 3px solid var(--fire);
      }
      .alert {
        display: grid;
        gap: 8px;
        margin-bottom: 12px;
      }
      .what {
        display: flex;
        gap: 8px 16px;
        align-items: center;
        font-size: 20px;
      }
      .help {
        padding: 12px;
        border-radius: 8px;
        background: var(--help);
        color: var(--on-fill);
        font-weight: 700;
      }
      summary {
        min-height: 44px;
        align-content: center;
        cursor: pointer;
      }
      .past {
        display: grid;
        gap: 8px;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      .past li {
        padding-block: 8px;
        border-top: 1px solid var(--divider-color);
      }
      .past .what {
        flex-wrap: wrap;
        font-size: inherit;
        gap: 4px 12px;
      }
      .answers {
        display: grid;
        grid-template-columns: 1fr 1fr 1fr;
        gap: 8px;
      }
      .answers button {
        min-height: 56px;
        padding-inline: 4px;
        white-space: normal;
      }
      .answers .need_help {
        grid-column: 1 / -1;
        min-height: 80px;
        font-size: 20px;
        font-weight: 700;
        background: var(--help);
        border-color: var(--help);
        color: var(--on-fill);
      }
      .answers [aria-pressed="true"] {
        outline: 3px solid var(--focus);
        outline-offset: 2px;
      }
    `,
  ];
}

/** Somebody is to come: who, and from when until when the doors open for them. */
export class VisitSheet extends Sheet {
  @property() unitId = "";

  override connectedCallback(): void {
    super.connectedCallback();
    this.values["start"] = nowIn(this.room);
  }

  protected override heading(): string {
    return this.room.t("visit_title");
  }

  protected override body(): TemplateResult {
    const { t } = this.room;
    const times = { type: "datetime-local", required: true, minimum: nowIn(this.room) };
    return html`<form
      @submit=${(event: Event) => {
        event.preventDefault();
        void this.submit(() => this.send());
      }}
    >
      <div class="fields">
        ${this.field("name", t("name"), { required: true })} ${this.field("phone", t("phone"), { type: "tel" })}
        ${this.field("start", t("visit_from"), times)} ${this.field("end", t("valid_until"), times)}
      </div>
      <p class="quiet">${t("visit_hint")}</p>
      <div class="actions"><button class="main" type="submit" ?disabled=${this.blocked}>${t("visit_do")}</button></div>
    </form>`;
  }

  private async send(): Promise<Done> {
    const { name, phone, start, end } = this.values;
    await this.api.ask(
      "request_card",
      { unit_id: this.unitId, holder: "visitor", name, ...(phone ? { phone } : {}), start, end },
      { withReason: false },
    );
    return { text: this.room.t("card_asked") };
  }
}

export const elements = { "cs-mine": MinePage, "cs-visit": VisitSheet };
