import { LitElement, css, html, nothing, type TemplateResult } from "lit";
import { property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import type { Context } from "./context";
import { closing, deeds, helpDeed, hindrance, said } from "./deeds";
import { Feed } from "./feed";
import { clock, dateAndClock, day as dayOf, isoDay, lasted } from "./format";
import { AGAIN_SECONDS } from "./hold";
import { classIcon, statusIcon, supplyIcon } from "./icons";
import type { Action, Incident, Supply } from "./model";
import { LAST_LIFE_CLASS, classOf, statusOf } from "./order";
import { howToHold } from "./press-twice";
import { print } from "./print";
import { isCalling, type Alert, type Group, type People, type Slot } from "./response";
import { entryOf, pastPowerOf, reportOf } from "./story";
import { common, ranks, tokens } from "./styles";
import { undotted } from "./translate";
import { lines } from "./timeline";

const STEPS = ["verified", "called_119", "plan_started", "head_informed"] as const;
const CHECKED = ["on_site", "camera", "phone"] as const;
const FALSE_CAUSES = ["cooking", "steam", "dust", "insects", "smoking", "device_fault", "unknown"] as const;
const LEAST_COMMENT = 4;
/** How long a warning or fault may call nobody, in minutes. */
const SHELF_MINUTES = [15, 60, 240, 480] as const;
const SHELF_REASONS = ["chattering", "maintenance", "works", "awaiting_repair", "other"] as const;
const LEFT_REASONS = ["awaiting_repair", "investigation", "works", "vacant", "other"] as const;
/** So many days ahead power may be left off. */
const MOST_LEFT_DAYS = 365;
const POWER_ENTRIES = new Set(["cut_off", "restored", "left_off", "left_off_due", "drill", "came_back_closed", "current_returned"]);
const PEOPLE_ENTRIES = new Set(["on_my_way", "false_alarm", "need_help", "help_closed"]);
const FILTERS = ["all", "power", "people", "staff"] as const;
/** So many other incidents of a stairwell are named. */
const MOST_NEAR = 8;
type Filter = (typeof FILTERS)[number];
type Sheet = "reset" | "restore" | "shelve" | "leave_off" | "note" | "report";

/** Who is behind a slot. */
interface Named {
  unit_id: string | null;
  role: string;
  number: number;
  name: string;
}

const radio = (name: string, isChosen: boolean, choose: () => void, text: string) =>
  html`<label class="choice"><input type="radio" name=${name} .checked=${isChosen} @change=${choose} /> ${text}</label>`;

const partOf = (group: Group, slot: Slot): string => `${group.alert_id} ${group.unit_id ?? ""} ${slot.role} ${slot.number}`;

export interface Past {
  incident: Incident & { closed_at: number };
  /** Who was told, and who answered; null where nobody may know. */
  people: People | null;
}

/** One incident, to be worked from its first alarm until its power is back. */
export class IncidentPage extends LitElement {
  @property({ attribute: false }) context!: Context;
  @property() incidentId = "";
  /** One that is over, as it was kept: nothing is heard of it any more. */
  @property({ attribute: false }) past: Past | null = null;
  @property({ type: Boolean, reflect: true }) dark = false;
  @property({ type: Boolean, reflect: true }) narrow = false;
  @state() private filter: Filter = "all";
  @state() private sheet: Sheet | null = null;
  @state() private checked: (typeof CHECKED)[number] | null = null;
  @state() private comment = "";
  @state() private minutes: (typeof SHELF_MINUTES)[number] = 60;
  /** Why it is shelved, or left off. */
  @state() private reason: (typeof SHELF_REASONS)[number] | (typeof LEFT_REASONS)[number] | null = null;
  @state() private until = "";
  @query("dialog") private dialog?: HTMLDialogElement;
  private feed: Feed | null = null;
  /** What it was when it was last heard of: it stays readable when it is over. */
  private last: Incident | null = null;
  private isOver = false;
  /** The names that were asked for, by alert and slot. */
  private readonly named = new Map<string, string>();
  private heard = false;

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated && !this.past) {
      this.subscribe();
    }
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.feed?.stop();
    this.feed = null;
  }

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (this.past) {
      this.last = this.past.incident;
      this.isOver = true;
    } else if (changed.has("incidentId")) {
      this.subscribe();
    }
  }

  protected override updated(): void {
    if (this.sheet && !this.dialog?.open) {
      this.dialog?.showModal();
    }
  }

  private subscribe(): void {
    this.feed?.stop();
    this.last = null;
    this.isOver = this.heard = false;
    this.named.clear();
    const feed = new Feed(
      this.context.hass.connection,
      { type: "community_safety/incident", incident_id: this.incidentId },
      (message) => {
        const now = feed.book.incidents.get(this.incidentId);
        this.heard ||= message !== null;
        const worse = feed.book.ended[0]?.moved_to;
        if (worse) {
          this.context.open(worse);
          return;
        }
        if (now) {
          this.last = now;
          this.isOver = false;
        } else {
          this.isOver = this.last !== null;
          this.last = feed.book.ended[0]?.incident ?? this.last;
        }
        for (const [who, name] of feed.book.names) {
          this.context.book.names.set(who, name);
        }
        this.requestUpdate();
      },
    );
    this.feed = feed;
    feed.start();
  }

  override render() {
    const { t } = this.context;
    const incident = this.last;
    const back = html`<a class="back no-print" href=${this.backTo} @click=${this.back}>
      ‹ ${t(this.past ? "page_history" : "back")}
    </a>`;
    if (!incident) {
      const isUnknown = this.heard && !this.feed?.error;
      return html`${back}
        <p class="nothing">${this.feed?.error ?? t(isUnknown ? "incident_unknown" : "waiting")}</p>
        ${isUnknown ? html`<a class="button" href=${this.context.to(this.inHistory)} @click=${this.look}>${t("incident_in_history")}</a>` : nothing}`;
    }
    const actions = this.isOver ? nothing : this.actions(incident);
    return html`${back} ${this.head(incident)} ${this.near(incident)} ${this.narrow ? nothing : actions} ${this.more(incident)}
      <div class="columns">
        <div>
          ${this.alarms(incident)} ${this.checks(incident)}
          ${incident.area_id && !this.past
            ? html`<cs-cameras
                .context=${this.context}
                .areaId=${incident.area_id}
                .dark=${this.dark}
                .narrow=${this.narrow}
              ></cs-cameras>`
            : nothing}
        </div>
        <div>${this.people(incident)} ${this.past ? this.pastPower(incident) : this.power(incident)}</div>
      </div>
      ${this.timeline(incident)}
      <p class="quiet foot">
        ${t("not_certified")} <span class="only-print">${t("printed", { time: dateAndClock(this.context.hass, this.context.now) })}</span>
      </p>
      ${this.narrow ? actions : nothing}
      ${this.sheet ? html`<dialog aria-labelledby="sheet" @close=${this.closed}>${this.sheets(incident, this.sheet)}</dialog>` : nothing}`;
  }

  private readonly back = (event: MouseEvent): void => {
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      if (this.past) {
        this.context.go(`/history${location.search}`);
      } else {
        this.context.open(null);
      }
    }
  };

  private get backTo(): string {
    return this.past ? this.context.to(`/history${location.search}`) : this.context.href(null);
  }

  /** Where it may be found when it is over. */
  private get inHistory(): string {
    return `/history/${encodeURIComponent(this.incidentId)}`;
  }

  private readonly look = (event: MouseEvent): void => {
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      this.context.go(this.inHistory);
    }
  };

  private head(incident: Incident) {
    const { words, hass, t, help, now } = this.context;
    const { past } = this;
    const age = lasted((past?.incident.closed_at ?? now) - incident.raised_at, hass.locale.language);
    return html`<header class="head ${incident.drill ? "drill" : `filled ${help.has(incident.incident_id) ? "help" : incident.rank}`} ${incident.present ? "" : "over"}">
      <span class="mark class">${classIcon(incident, help)} ${words.classWord(incident, help)}</span>
      <h1>${words.place(incident)}</h1>
      <span>${words.address(incident)}</span>
      <span>
        ${t("since")}
        <time datetime=${new Date(incident.raised_at * 1000).toISOString()}>${(past ? dateAndClock : clock)(hass, incident.raised_at)}</time>
        <span class="number">(${past || this.context.age === "live" ? age : t("at_least", { age })})</span>
      </span>
      ${this.next(incident)}
      ${incident.acknowledged || incident.drill || this.isOver ? nothing : html`<span class="chip">${t("chip_new")}</span>`}
      <span class="mark status">
        ${statusIcon(incident)}
        ${this.isOver ? t("incident_over") : statusOf(incident) === "new" ? nothing : words.status(incident)}
      </span>
    </header>`;
  }

  /** What else burns in this stairwell: each is worked by itself. */
  private near(incident: Incident) {
    const { context } = this;
    const { book, words, t } = context;
    if (this.past || incident.drill || !words.isInStairwell(incident.area_id)) {
      return nothing;
    }
    const here = words.stairwell(incident.area_id);
    const others = [...book.incidents.values()].filter(
      (item) =>
        item.incident_id !== incident.incident_id &&
        !item.drill &&
        classOf(item, context.help) <= LAST_LIFE_CLASS &&
        words.isInStairwell(item.area_id) &&
        words.stairwell(item.area_id) === here,
    );
    const rest = others.length - MOST_NEAR;
    return others.length
      ? html`<p class="near no-print">
          <span>${t("near")}</span>
          ${others.slice(0, MOST_NEAR).map(
            (item) =>
              html`<a
                href=${context.href(item.incident_id)}
                @click=${(event: MouseEvent) => {
                  if (!event.ctrlKey && !event.metaKey && !event.shiftKey) {
                    event.preventDefault();
                    context.open(item.incident_id);
                  }
                }}
                >${words.place(item)} ${words.classWord(item, context.help)}</a
              >`,
          )}
          ${rest > 0 ? html`<span>${t("more_places", { count: rest })}</span>` : nothing}
        </p>`
      : nothing;
  }

  private next(incident: Incident) {
    const { people, words, now } = this.context;
    const text = people && !this.isOver ? words.nextStep(people.alertsOf(incident), now) : "";
    return text ? html`<span class="number next">${text}</span>` : nothing;
  }

  /** Who was reached over what, and who answered: a part of the register, absent without it. */
  private people(incident: Incident) {
    const { words, t } = this.context;
    const people = this.past ? this.past.people : this.context.people;
    const peopleOld = !this.past && this.context.peopleOld;
    if (!people) {
      return nothing;
    }
    const alerts = people.alertsOf(incident);
    const groups = people.groupsOf(incident);
    const calls = people.calls().filter(({ alert }) => alerts.includes(alert));
    return html`<section class="box people">
      <h2>${t("people")}</h2>
      ${peopleOld ? html`<p role="alert">${t("people_old")}</p>` : nothing} ${this.isOver ? nothing : this.register(alerts)}
      ${groups.length ? html`<p>${words.people(incident, people)}</p>` : html`<p class="quiet">${t("people_none")}</p>`}
      ${groups.map(
        (group) => html`
          <h3>
            ${words.group(group)}
            ${group.registered ? html`<span class="quiet">${t("registered", { count: group.registered })}</span>` : nothing}
          </h3>
          <ul class="plain">
            ${group.slots.map(
              (slot) =>
                html`<li class=${isCalling(slot) ? "calling" : ""}>
                  <span>${words.person(slot)} <span class="no-print">${this.named.get(partOf(group, slot)) ?? ""}</span></span>
                  <strong>${words.answer(slot)}</strong>
                  <span class="quiet">${slot.reached.map((item) => words.reached(item)).join(t("comma"))}</span>
                  ${closing(this.context, calls.find(({ who }) => who?.slot === slot))}
                </li>`,
            )}
          </ul>
        `,
      )}
      ${calls
        .filter(({ who }) => !who)
        .map((call) => html`<p class="calling"><strong>${words.call(call)}</strong> ${closing(this.context, call)}</p>`)}
      ${alerts.map((alert) => helpDeed(this.context, alert.alert_id))}
    </section>`;
  }

  /** What the register does about these alerts: it tells everybody once more, and names people. */
  private register(alerts: Alert[]) {
    const { context } = this;
    const { t } = context;
    const told = alerts.filter(({ alert_id: id }) => context.mayAbout(id, "tell_again"));
    const named = alerts.filter(({ alert_id: id }) => context.mayAbout(id, "get_person_revealed"));
    const all = (rows: Alert[], command: string) => () => {
      for (const { alert_id: id } of rows) {
        void context.askAbout<{ people?: Named[] }>(`${id} ${command}`, id, command).then((answer) => {
          for (const row of answer?.people ?? []) {
            this.named.set(`${id} ${row.unit_id ?? ""} ${row.role} ${row.number}`, row.name);
          }
          this.requestUpdate();
        });
      }
    };
    return html`<div class="choices no-print">
      ${told.length
        ? html`<cs-twice
            data-do="tell_again"
            .label=${t("tell_again")}
            .again=${t("press_again", { seconds: AGAIN_SECONDS })}
            .disabled=${context.locked}
            @pressed=${all(told, "tell_again")}
          ></cs-twice>`
        : nothing}
      ${named.length
        ? html`<button data-do="names" ?disabled=${context.locked} @click=${all(named, "response_names")}>${t("names_show")}</button>`
        : nothing}
      ${alerts.flatMap(({ alert_id: id }) => ["tell_again", "response_names"].map((command) => said(context.did(`${id} ${command}`))))}
    </div>`;
  }

  private button(incident: Incident, action: Action, press: () => void, main = false): TemplateResult | typeof nothing {
    const hinders = hindrance(this.context, incident, action);
    if (hinders === null) {
      return nothing;
    }
    const { t } = this.context;
    return html`<button class=${main ? "main" : ""} data-action=${action} ?disabled=${hinders !== ""} @click=${press}>
      <span>${t(action)}${hinders ? html` <small>${hinders}</small>` : nothing}</span>
    </button>`;
  }

  private actions(incident: Incident) {
    const { context } = this;
    const { t } = context;
    const cut = hindrance(context, incident, "cut_off");
    const act = (action: Action) => () => {
      void context.act(incident, action);
    };
    return html`<section class="actions no-print" aria-label=${context.words.place(incident)}>
      ${this.button(incident, "acknowledge", act("acknowledge"), true)}
      ${cut === null
        ? nothing
        : html`<cs-hold
            data-action="cut_off"
            seconds="1"
            .disabled=${cut !== ""}
            .label=${t("says", { what: t(howToHold()), said: `${t("cut_off")}${cut ? ` – ${cut}` : ""}` })}
            .again=${t("press_again", { seconds: AGAIN_SECONDS })}
            @held=${act("cut_off")}
          ></cs-hold>`}
      ${this.button(incident, "restore", this.opens("restore"))}
      ${this.button(incident, "reset", this.opens("reset"))}
      ${this.button(incident, "end_drill", act("end_drill"))}
      ${deeds(context, incident, "acknowledge", "cut_off", "restore", "reset", "end_drill")}
      ${cut === null ? nothing : this.cutList(incident)}
    </section>`;
  }

  /** What does not have to be at hand. */
  private more(incident: Incident) {
    const { context } = this;
    const { t } = context;
    return html`<section class="more no-print">
      ${this.isOver
        ? nothing
        : html`${this.button(incident, "silence", () => {
            void context.act(incident, "silence");
          })}
          ${this.button(incident, "release", () => {
            void context.act(incident, "release");
          })}
          ${this.button(incident, "shelve", this.opens("shelve"))}
          ${this.button(incident, "unshelve", () => {
            void context.act(incident, "unshelve");
          })}
          ${this.button(incident, "leave_off", this.opens("leave_off"))}
          ${this.button(incident, "note", this.opens("note"))}`}
      ${incident.drill || this.past ? nothing : html`<button @click=${this.opens("report")}>${t("text_119")}</button>`}
      <button @click=${print}>${t("print")}</button>
      ${deeds(context, incident, "silence", "release", "shelve", "unshelve", "leave_off", "note")}
    </section>`;
  }

  private opens(sheet: Sheet): () => void {
    return () => {
      this.comment = this.until = "";
      this.checked = this.reason = null;
      this.sheet = sheet;
    };
  }

  /** What a cut-off opens and what stays on, before anybody holds the button. */
  private cutList(incident: Incident) {
    const { words, t } = this.context;
    const names = (...states: Supply["state"][]): string =>
      incident.supplies
        .filter((supply) => states.includes(supply.state))
        .map((supply) => words.supply(supply))
        .join(t("comma"));
    const opens = names("on", "off", "unknown", "may_be_on");
    const stays = names("protected");
    return html`<p class="did quiet">
      ${t("says", { what: t("cut_opens"), said: opens })}${stays
        ? html`<br />${t("says", { what: t("cut_stays"), said: stays })}`
        : nothing}
    </p>`;
  }

  private alarms(incident: Incident) {
    const { words, hass, t } = this.context;
    return html`<section class="box">
      <h2>${t("alarms")}</h2>
      <ul class="plain">
        ${incident.alarms.map((alarm) => {
          const values = words.values(alarm);
          return html`<li>
            <strong>${words.hazard(alarm)}</strong> ${values} <span>${alarm.device_name}</span>
            <span class="quiet">
              ${alarm.state === "closed"
                ? t("closed_plain")
                : alarm.present
                  ? t("present")
                  : t("over", { time: clock(hass, alarm.cleared_at ?? 0) })}
            </span>
            <time>${clock(hass, alarm.raised_at)}</time>
          </li>`;
        })}
      </ul>
    </section>`;
  }

  private checks(incident: Incident) {
    const { words, hass, t } = this.context;
    if (incident.drill) {
      return nothing;
    }
    const done = new Map(
      lines(incident)
        .filter(({ entry }) => typeof entry["step"] === "string")
        .map(({ entry }) => [String(entry["step"]), entry]),
    );
    const hinders = this.isOver ? null : hindrance(this.context, incident, "note");
    return html`<section class="box">
      <h2>${t("checks")}</h2>
      ${STEPS.map((step) => {
        const entry = done.get(step);
        const isOff = hinders !== "" || entry !== undefined;
        return html`<label class="choice">
          <input
            type="checkbox"
            .checked=${entry !== undefined}
            ?disabled=${isOff}
            @change=${(event: Event) => {
              // It is ticked when it is written down, and not before.
              (event.target as HTMLInputElement).checked = false;
              void this.context.act(incident, "note", { step });
            }}
          />
          <span>
            ${t(`step_${step}`)}
            ${entry ? html`<span class="quiet">${words.who(entry.who)} <time>${clock(hass, entry.at)}</time></span>` : nothing}
          </span>
        </label>`;
      })}
    </section>`;
  }

  private power(incident: Incident) {
    const { words, t } = this.context;
    return html`<section class="box">
      <h2>${t("power")}</h2>
      ${incident.supplies.length
        ? html`<table>
            <thead>
              <tr>
                <th scope="col">${t("supply")}</th>
                <th scope="col">${t("supply_state")}</th>
                <th scope="col">${t("supply_flow")}</th>
              </tr>
            </thead>
            <tbody>
              ${repeat(
                incident.supplies,
                (supply) => supply.supply_id,
                (supply) =>
                  html`<tr data-supply=${supply.supply_id} data-state=${supply.state}>
                    <th scope="row">${words.supply(supply)}</th>
                    <td>
                      <span class="mark ${supply.state === "may_be_on" ? "may-be-on" : supply.state === "proven" ? "proven" : ""}">
                        ${supplyIcon(supply.state)} <span>${words.supplyState(supply)}</span>
                      </span>
                      ${supply.left ? html`<div>${words.left([supply])}</div>` : nothing}
                    </td>
                    <td class="number">${words.flow(supply)}</td>
                  </tr>`,
              )}
            </tbody>
          </table>`
        : html`<p class="quiet">${t("no_supplies")}</p>`}
    </section>`;
  }

  /** How each supply was cut, and restored: how it stands now says nothing of then. */
  private pastPower(incident: Incident) {
    const { words, t } = this.context;
    const found = pastPowerOf(words, incident);
    return html`<section class="box">
      <h2>${t("power")}</h2>
      ${found.length
        ? html`<ul class="plain">
            ${found.map(
              ({ supply, said }) =>
                html`<li data-supply=${supply}><strong>${supply}</strong> <span>${said.join(t("comma"))}</span></li>`,
            )}
          </ul>`
        : html`<p class="quiet">${t("past_power_none")}</p>`}
    </section>`;
  }

  private timeline(incident: Incident) {
    const { words, hass, t } = this.context;
    const shown = lines(incident).filter(
      ({ entry }) =>
        this.filter === "all" ||
        (this.filter === "staff"
          ? Boolean(entry.who)
          : (this.filter === "power" ? POWER_ENTRIES : PEOPLE_ENTRIES).has(entry.what)),
    );
    return html`<section class="box">
      <h2>${t("timeline")}</h2>
      <div class="choices no-print" role="group" aria-label=${t("filter")}>
        ${FILTERS.map(
          (filter) =>
            html`<button
              aria-pressed=${this.filter === filter ? "true" : "false"}
              @click=${() => {
                this.filter = filter;
              }}
            >
              ${t(`filter_${filter}`)}
            </button>`,
        )}
      </div>
      <ol class="plain timeline">
        ${shown.map(
          ({ alarm, entry }) =>
            html`<li>
              <time datetime=${new Date(entry.at * 1000).toISOString()}>${clock(hass, entry.at)}</time>
              <span>${entryOf(words, alarm, entry)}</span>
              ${entry.who ? html`<span class="quiet">${t("by", { who: words.who(entry.who) })}</span>` : nothing}
            </li>`,
        )}
      </ol>
    </section>`;
  }

  private readonly closed = (): void => {
    this.sheet = null;
  };

  private close(): void {
    this.dialog?.close();
  }

  private sheets(incident: Incident, sheet: Sheet): TemplateResult {
    const { t, words } = this.context;
    const place = words.place(incident);
    const content = {
      reset: () => this.resetSheet(incident, place),
      restore: () => this.restoreSheet(incident, place),
      shelve: () => this.shelveSheet(incident, place),
      leave_off: () => this.leaveSheet(incident, place),
      note: () => this.noteSheet(incident, place),
      report: () => html`<h2 id="sheet">${t("report_said")}</h2>
        <p class="report">${reportOf(words, incident, this.context.help.has(incident.incident_id))}</p>`,
    }[sheet]();
    return html`<div class="rows">
      ${content}
      <button
        @click=${() => {
          this.close();
        }}
      >
        ${t(sheet === "report" ? "close" : "cancel")}
      </button>
    </div>`;
  }

  private resetSheet(incident: Incident, place: string) {
    const { t, words } = this.context;
    const hinders = hindrance(this.context, incident, "reset");
    const reset = (outcome: string, cause: string, comment?: string) => () => {
      this.close();
      void this.context.act(incident, "reset", { outcome, cause, ...(comment ? { comment } : {}) });
    };
    const choice = (outcome: string, cause: string, text: string) =>
      html`<button ?disabled=${hinders !== ""} @click=${reset(outcome, cause)}>${text}</button>`;
    const comment = this.comment.trim();
    return html`<h2 id="sheet">${t("reset_title", { place })}</h2>
      ${hinders ? html`<p role="alert">${hinders}</p>` : nothing}
      <fieldset>
        <legend>${t("reset_how")}</legend>
        <div class="choices">
          ${choice("real", "unknown", words.option("outcome", "real"))}
          ${choice("test", "unknown", words.option("outcome", "test"))}
        </div>
      </fieldset>
      <fieldset>
        <legend>${t("reset_false")}</legend>
        <div class="choices">
          ${FALSE_CAUSES.map((cause) => choice("false_alarm", cause, words.option("cause", cause)))}
        </div>
        <label>
          ${t("says", { what: words.option("cause", "other"), said: t("reset_comment") })}
          <textarea maxlength="500" .value=${this.comment} @input=${this.typed}></textarea>
        </label>
        <button
          ?disabled=${hinders !== "" || comment.length < LEAST_COMMENT}
          @click=${reset("false_alarm", "other", comment)}
        >
          ${words.option("cause", "other")}
        </button>
      </fieldset>`;
  }

  private restoreSheet(incident: Incident, place: string) {
    const { t, words } = this.context;
    const hinders = hindrance(this.context, incident, "restore");
    const free = incident.supplies.filter((supply) => supply.restorable);
    const off = free.length ? free : incident.supplies.filter((supply) => supply.latched);
    return html`<h2 id="sheet">${t("restore_title", { place })}</h2>
      <p>${t("says", { what: t("restore_which"), said: off.map((supply) => words.supply(supply)).join(t("comma")) })}</p>
      ${hinders ? html`<p role="alert">${hinders}</p>` : nothing}
      <fieldset>
        <legend>${t("restore_how")}</legend>
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
              ${words.option("checked", way)}
            </label>`,
        )}
      </fieldset>
      <cs-hold
        seconds="1.5"
        .disabled=${hinders !== "" || this.checked === null}
        .label=${t("says", { what: t(howToHold()), said: undotted(t("restore")) })}
        .again=${t("press_again", { seconds: AGAIN_SECONDS })}
        @held=${() => {
          const checked = this.checked;
          this.close();
          void this.context.act(incident, "restore", { checked });
        }}
      ></cs-hold>`;
  }

  private shelveSheet(incident: Incident, place: string) {
    const { t, words, hass } = this.context;
    const hinders = hindrance(this.context, incident, "shelve");
    const lasts = (minutes: number): string =>
      new Intl.NumberFormat(hass.locale.language, {
        style: "unit",
        unit: minutes < 60 ? "minute" : "hour",
        unitDisplay: "long",
      }).format(minutes < 60 ? minutes : minutes / 60);
    return html`<h2 id="sheet">${t("shelve_title", { place })}</h2>
      <p>${t("shelve_means")}</p>
      <fieldset>
        <legend>${t("shelve_for")}</legend>
        ${SHELF_MINUTES.map((minutes) =>
          radio("minutes", this.minutes === minutes, () => (this.minutes = minutes), lasts(minutes)),
        )}
      </fieldset>
      ${this.why(SHELF_REASONS, (item) => words.option("shelf_reason", item))}
      ${this.does(incident, "shelve", this.isSaid && hinders === "", () => ({ seconds: this.minutes * 60, ...this.said }))}`;
  }

  /** The power stays off until a day, on which somebody is reminded of it. */
  private leaveSheet(incident: Incident, place: string) {
    const { t, words, now, hass } = this.context;
    const hinders = hindrance(this.context, incident, "leave_off");
    return html`<h2 id="sheet">${t("leave_title", { place })}</h2>
      <p>${t("leave_means")}</p>
      <label>
        ${t("leave_until")}
        <input
          type="date"
          required
          min=${isoDay(hass, now + 86_400)}
          max=${isoDay(hass, now + MOST_LEFT_DAYS * 86_400)}
          .value=${this.until}
          @input=${(event: Event) => {
            const input = event.target as HTMLInputElement;
            this.until = input.validity.valid ? input.value : "";
          }}
        />
      </label>
      ${this.why(LEFT_REASONS, (item) => words.option("left_reason", item))}
      ${this.does(incident, "leave_off", this.isSaid && hinders === "" && this.until !== "", () => ({ until: this.until, ...this.said }))}`;
  }

  /** Why, from a list; something else is written. */
  private why<Reason extends NonNullable<IncidentPage["reason"]>>(reasons: readonly Reason[], nameOf: (reason: Reason) => string) {
    const { t } = this.context;
    return html`<fieldset>
      <legend>${t("shelve_why")}</legend>
      ${reasons.map((item) => radio("reason", this.reason === item, () => (this.reason = item), nameOf(item)))}
      ${this.reason === "other"
        ? html`<textarea maxlength="500" aria-label=${t("shelve_why")} .value=${this.comment} @input=${this.typed}></textarea>`
        : nothing}
    </fieldset>`;
  }

  private get isSaid(): boolean {
    return this.reason !== null && (this.reason !== "other" || this.comment.trim().length >= LEAST_COMMENT);
  }

  private get said(): object {
    return { reason: this.reason, ...(this.reason === "other" ? { comment: this.comment.trim() } : {}) };
  }

  private does(incident: Incident, action: "shelve" | "leave_off", isReady: boolean, data: () => object) {
    return html`<button
      class="main"
      ?disabled=${!isReady}
      @click=${() => {
        this.close();
        void this.context.act(incident, action, data());
      }}
    >
      ${undotted(this.context.t(action))} ${action === "leave_off" && this.until ? dayOf(this.context.hass, this.until) : nothing}
    </button>`;
  }

  private noteSheet(incident: Incident, place: string) {
    const { t } = this.context;
    const text = this.comment.trim();
    return html`<h2 id="sheet">${t("note_title", { place })}</h2>
      <label>
        ${t("note_label")}
        <textarea maxlength="500" .value=${this.comment} @input=${this.typed}></textarea>
      </label>
      <button
        class="main"
        ?disabled=${!text || hindrance(this.context, incident, "note") !== ""}
        @click=${() => {
          this.close();
          void this.context.act(incident, "note", { text });
        }}
      >
        ${t("note_send")}
      </button>`;
  }

  private readonly typed = (event: Event): void => {
    this.comment = (event.target as HTMLTextAreaElement).value;
  };

  static override readonly styles = [
    tokens,
    common,
    css`
      :host {
        display: block;
      }
      .back {
        display: inline-flex;
        align-items: center;
        min-height: 44px;
      }
      .head {
        --c: var(--secondary-text-color);
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 16px;
        padding: 12px 16px;
        border-radius: 8px;
        border: 2px solid var(--c);
        background: var(--card-background-color, #fff);
      }
      .head.help {
        --c: var(--help);
      }
      .head h1 {
        font-size: 24px;
      }
      .head .chip {
        color: var(--c);
      }
      .near {
        display: flex;
        flex-wrap: wrap;
        gap: 0 16px;
        align-items: center;
        margin-top: 4px;
      }
      .near a {
        display: inline-flex;
        align-items: center;
        min-height: 44px;
      }
      .actions,
      .more {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
        padding-top: 12px;
      }
      .more {
        padding-bottom: 12px;
      }
      .actions:not(:has(button, cs-hold, .did)) {
        display: none;
      }
      .actions small {
        display: block;
        font-weight: 400;
      }
      .columns {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: 12px;
      }
      .columns > div {
        display: grid;
        gap: 12px;
        align-content: start;
        min-width: 0;
      }
      .box {
        background: var(--card-background-color, #fff);
        border: 1px solid var(--divider-color);
        border-radius: 8px;
        padding: 12px 16px;
        min-width: 0;
      }
      .box h2 {
        font-size: 16px;
        margin-bottom: 8px;
      }
      .columns + .box {
        margin-top: 12px;
      }
      .plain {
        list-style: none;
        margin: 0;
        padding: 0;
      }
      .plain li {
        display: flex;
        flex-wrap: wrap;
        gap: 2px 12px;
        padding: 6px 0;
        border-top: 1px solid var(--divider-color);
        overflow-wrap: anywhere;
      }
      .plain li:first-child {
        border-top: none;
      }
      .timeline time {
        min-width: 84px;
      }
      .timeline li > span:nth-child(2) {
        flex: 1 1 200px;
      }
      table {
        width: 100%;
        border-collapse: collapse;
      }
      th,
      td {
        text-align: start;
        padding: 8px 8px 8px 0;
        border-top: 1px solid var(--divider-color);
        vertical-align: top;
        font-weight: 400;
        overflow-wrap: break-word;
      }
      thead th {
        border-top: none;
        color: var(--secondary-text-color);
      }
      tbody th {
        font-weight: 500;
      }
      td.number {
        white-space: nowrap;
      }
      button[aria-pressed="true"] {
        border-width: 3px;
        border-color: var(--focus);
      }
      .people h3 {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 12px;
        font-size: 16px;
        margin-top: 12px;
      }
      .people .calling strong {
        color: var(--help);
      }
      .next {
        margin-inline-start: auto;
      }
      .report {
        font-size: 20px;
        line-height: 1.6;
      }
      .nothing {
        padding: 24px 16px;
        font-size: 18px;
      }
      .foot {
        margin-top: 16px;
      }
      .only-print {
        display: none;
      }
      :host([narrow]) .columns {
        grid-template-columns: minmax(0, 1fr);
      }
      :host([narrow]) .columns > div:nth-child(2) {
        order: -1;
      }
      :host([narrow]) .actions {
        position: sticky;
        bottom: 0;
        z-index: 1;
        padding-bottom: 8px;
        background: var(--primary-background-color);
      }
      :host([narrow]) .actions > button,
      :host([narrow]) .actions > cs-hold {
        flex: 1 1 44%;
      }
      @media print {
        .only-print {
          display: inline;
        }
        .columns {
          display: block;
        }
      }
    `,
    ranks,
  ];
}
