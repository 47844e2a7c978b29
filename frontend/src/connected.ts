import { LitElement, html, nothing } from "lit";
import { property, state } from "lit/decorators.js";
import { missed, type Answered } from "./answers";
import type { Age } from "./book";
import { ANSWER_MILLISECONDS, POWER_MILLISECONDS, type Context, type Deed } from "./context";
import { closingKey } from "./deeds";
import { isLost, reasonOf, type Rejected } from "./errors";
import { Feed, monotonic } from "./feed";
import type { Action, Hass, Incident, Message } from "./model";
import { NO_HELP, floodOf, seenIn } from "./order";
import { Register, type Call, type People } from "./response";
import { isShown } from "./shown";
import { fetchTexts, hasTexts, translator } from "./texts";
import { Wake } from "./wake";
import { Words } from "./words";

export const DOMAIN = "community_safety";
/** Who knows the people, where it is installed. */
const REGISTER = "rental_units";
/** Drawn at most this often, in milliseconds, however much changes. */
const GATHER_MILLISECONDS = 100;
/** After the connection was away, nothing can be pressed for so long: a finger may be on its way. */
const LOCK_MILLISECONDS = 500;
const MARK_MILLISECONDS = 10_000;
/** So long the texts of a language are waited for. */
const TEXTS_MILLISECONDS = 1500;

/** What hears of incidents and of people, and does something about them; what it shows is another's matter. */
export abstract class Connected extends LitElement {
  @property({ attribute: false }) hass!: Hass;
  @property({ type: Boolean, reflect: true }) narrow = false;
  @property({ type: Boolean, reflect: true }) dark = false;
  /** The call for help that is being closed. */
  @state() private call: Call | null = null;
  protected feed: Feed | null = null;
  protected register: Register | null = null;
  private connection: object | null = null;
  /** Those of the two integrations that were there when it was looked last. */
  private readonly loaded = new Set<string>();
  /** The language whose texts are there or coming; nothing is drawn before they have had their time. */
  private texts: string | null = null;
  protected isWordless = false;
  private readonly deeds = new Map<string, Deed>();
  private readonly marked = new Set<string>();
  private readonly wake = new Wake();
  private lockedUntil = 0;
  private drawnAt = 0;
  private timer: number | undefined;
  private ticker: number | undefined;
  /** As it was drawn last. */
  protected wasStale = false;

  /** What is shown. */
  protected abstract page(context: Context): unknown;

  override connectedCallback(): void {
    super.connectedCallback();
    this.ticker = window.setInterval(this.tick, 1000);
    document.addEventListener("visibilitychange", this.tick);
    if (this.hasUpdated) {
      this.connection = null;
      this.requestUpdate();
    }
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.clearInterval(this.ticker);
    document.removeEventListener("visibilitychange", this.tick);
    window.clearTimeout(this.timer);
    this.feed?.stop();
    this.register?.stop();
  }

  private readonly tick = (): void => {
    if (this.wake.hasSlept()) {
      this.feed?.book.lose();
      this.feed?.restart();
      this.register?.restart();
    }
    this.requestUpdate();
  };

  protected override shouldUpdate(changed: Map<PropertyKey, unknown>): boolean {
    return isShown(changed, this.hass);
  }

  protected override willUpdate(): void {
    this.speakIn(this.hass.language);
    this.dark = this.hass.themes.darkMode ?? false;
    if (!this.hass.connected) {
      this.feed?.book.lose();
    }
    if (this.connection !== this.hass.connection) {
      this.connection = this.hass.connection;
      this.feed?.stop();
      this.feed = new Feed(this.hass.connection, { type: `${DOMAIN}/subscribe_incidents` }, this.heard);
      this.feed.start();
      this.register?.stop();
      this.register = null;
      this.loaded.clear();
      this.loaded.add(DOMAIN);
      this.loadWords(DOMAIN);
    }
    this.meet();
  }

  /** Fetches the texts of a language, and is drawn when they are there; in English where they cannot be had soon. */
  private speakIn(language: string): void {
    if (language === this.texts) {
      return;
    }
    this.texts = language;
    this.isWordless = !hasTexts(language);
    if (this.isWordless) {
      const there = (): void => {
        if (this.isWordless && language === this.texts) {
          this.isWordless = false;
          this.spoken?.(this.feed?.book.incidents.keys() ?? []);
        }
        this.requestUpdate();
      };
      fetchTexts(language).then(there, there);
      window.setTimeout(there, TEXTS_MILLISECONDS);
    }
  }

  /** Takes up what is loaded by now: after a start of Home Assistant, or as it was installed meanwhile. */
  private meet(): void {
    const { components } = this.hass.config;
    for (const domain of [DOMAIN, REGISTER]) {
      if (!components.includes(domain)) {
        this.loaded.delete(domain);
      } else if (!this.loaded.has(domain)) {
        this.loaded.add(domain);
        this.loadWords(domain);
        if (domain === DOMAIN) {
          // It was not there to answer.
          this.feed?.restart();
        } else if (this.register) {
          this.register.restart();
        } else {
          this.register = new Register(this.hass.connection, this.registerChanged);
          this.register.start();
        }
      }
    }
  }

  /** Its texts have come: what was heard of these incidents before can be said now. */
  protected spoken?(ids: Iterable<string>): void;

  private readonly registerChanged = (): void => {
    this.met?.();
    this.drawSoon();
  };

  /** The register has told something. */
  protected met?(): void;

  private loadWords(domain: string): void {
    for (const category of ["selector", "exceptions"]) {
      void this.hass.loadBackendTranslation(category, domain).then(() => {
        this.requestUpdate();
      });
    }
  }

  private readonly heard = (message: Message | null): void => {
    const feed = this.feed;
    if (!feed) {
      return;
    }
    const { book } = feed;
    if (book.renewed !== "no" && this.wasStale) {
      for (const id of book.changed) {
        this.marked.add(id);
      }
    }
    if (book.renewed === "whole" && this.wasStale) {
      this.lockedUntil = performance.now() + LOCK_MILLISECONDS;
      window.setTimeout(this.draw, LOCK_MILLISECONDS);
      window.setTimeout(() => {
        this.marked.clear();
        this.requestUpdate();
      }, MARK_MILLISECONDS);
    }
    this.took?.(feed, message);
    this.drawSoon();
  };

  /** A message has come, or null: it was refused. */
  protected took?(feed: Feed, message: Message | null): void;

  private readonly drawSoon = (): void => {
    const wait = this.drawnAt + GATHER_MILLISECONDS - performance.now();
    if (wait <= 0) {
      this.draw();
    } else {
      this.timer ??= window.setTimeout(this.draw, wait);
    }
  };

  private readonly draw = (): void => {
    window.clearTimeout(this.timer);
    this.timer = undefined;
    this.drawnAt = performance.now();
    this.requestUpdate();
  };

  protected language(feed: Feed): { words: Words; t: Context["t"] } {
    const t = translator(this.hass.language);
    return { words: new Words(this.hass, t, feed.book.names, this.register?.units), t };
  }

  protected hrefOf = (path: string): string => `/safety${path}`;

  protected readonly go = (path: string): void => {
    history.pushState(null, "", this.hrefOf(path));
    window.dispatchEvent(new CustomEvent("location-changed", { detail: { replace: false } }));
  };

  protected readonly href = (id: string | null): string => this.hrefOf(id ? `/incident/${id}` : "/now");

  protected readonly open = (id: string | null): void => {
    this.go(id ? `/incident/${id}` : "/now");
  };

  /** Nobody touches it: what can be done is not shown. */
  protected get isQuiet(): boolean {
    return false;
  }

  private isLocked(age: Age): boolean {
    return age === "stale" || age === "waiting" || performance.now() < this.lockedUntil;
  }

  private context(feed: Feed): Context {
    const monotonicNow = monotonic();
    const age = feed.book.age(monotonicNow);
    const now = feed.book.clock(monotonicNow);
    const floorOf = (areaId: string | null) => (areaId && this.hass.areas[areaId]?.floor_id) ?? null;
    return {
      hass: this.hass,
      ...this.language(feed),
      book: feed.book,
      age,
      now,
      flood: floodOf(feed.book.incidents.values(), floorOf, now),
      isQuiet: this.isQuiet,
      locked: this.isLocked(age),
      ...this.peopleOf(feed),
      mayAbout: (alertId, right) => this.register?.propertyOf(alertId, right) !== undefined,
      askAbout: (key, alertId, command) => this.askAbout(key, alertId, command),
      askToClose: (call) => {
        this.call = call;
      },
      closeHelp: (call, outcome, note) => this.closeHelp(call, outcome, note),
      pastPeople: (incidentId, alarmIds) => this.register?.past(incidentId, alarmIds) ?? Promise.resolve(null),
      fail: this.fail,
      propertiesWith: (right) =>
        (this.register?.session?.properties ?? []).flatMap(({ entry_id: id, rights }) => (right in rights ? [id] : [])),
      marked: this.marked,
      deed: (id, action) => this.deeds.get(`${id} ${action}`),
      did: (key) => this.deeds.get(key),
      ask: (key, command, patience) => this.send(key, command, patience),
      go: this.go,
      to: this.hrefOf,
      act: (incident, action, data) => this.act(feed, incident, action, data),
      open: this.open,
      href: this.href,
    };
  }

  private peopleOf(feed: Feed): { people: People | null; help: ReadonlySet<string>; peopleOld: boolean } {
    const people = this.register?.people ?? null;
    return {
      people,
      help: people?.help(feed.book.incidents.values()) ?? NO_HELP,
      peopleOld: this.register?.isOld(monotonic()) ?? false,
    };
  }

  private async askAbout<Answer>(key: string, alertId: string, command: string): Promise<Answer | undefined> {
    const property = this.register?.propertyOf(alertId);
    return (
      property && this.send<Answer>(key, { type: `${REGISTER}/${command}`, entry_id: property.entry_id, alert_id: alertId })
    );
  }

  private async closeHelp({ alert, who }: Call, outcome: string, note: string): Promise<boolean> {
    const property = this.register?.propertyOf(alert.alert_id, "close_help");
    if (!property) {
      return false;
    }
    const answer = await this.send(closingKey(alert.alert_id), {
      type: `${REGISTER}/close_help`,
      entry_id: property.entry_id,
      alert_id: alert.alert_id,
      // Of nobody who is shown: there is no other way to name it.
      calls: who ? [who.id] : "everyone",
      outcome,
      note,
    });
    return answer !== undefined;
  }

  protected act(feed: Feed, incident: Incident, action: Action, data: object = {}): Promise<boolean> {
    return this.tell(feed, incident, action, {
      type: `${DOMAIN}/${action}`,
      incident_id: incident.incident_id,
      // What came or became worse since, nobody has seen.
      ...(action === "acknowledge" || action === "shelve" ? { alarms: seenIn(incident) } : {}),
      ...data,
    });
  }

  /** Returns if it was done, and what was to be off is proven off. */
  private async tell(feed: Feed, incident: Incident, action: Action, command: object): Promise<boolean> {
    const patience = ["cut_off", "restore", "release"].includes(action) ? POWER_MILLISECONDS : ANSWER_MILLISECONDS;
    const key = `${incident.incident_id} ${action}`;
    const answer = await this.send<Answered | null>(key, command, patience);
    if (answer === undefined) {
      return false;
    }
    const { t, words } = this.language(feed);
    const reason = missed(answer, words, action);
    if (reason !== null) {
      this.fail(key, reason);
    } else if (action === "silence") {
      this.note(key, { state: "done", text: t("silenced") });
    }
    return reason === null;
  }

  private readonly fail = (key: string, reason: string): void => {
    this.note(key, { state: "failed", text: translator(this.hass.language)("failed", { reason }) });
  };

  private note(key: string, deed: Deed): void {
    this.deeds.set(key, deed);
    this.requestUpdate();
    if (deed.state === "done") {
      window.setTimeout(() => {
        if (this.deeds.get(key) === deed) {
          this.deeds.delete(key);
          this.requestUpdate();
        }
      }, MARK_MILLISECONDS);
    }
  }

  /** Returns the answer to a command, undefined if it failed; what becomes of it is shown under its key. */
  private async send<Answer>(key: string, command: object, patience = ANSWER_MILLISECONDS): Promise<Answer | undefined> {
    const feed = this.feed;
    if (!feed || this.isLocked(feed.book.age(monotonic()))) {
      return undefined;
    }
    const { t } = this.language(feed);
    this.note(key, { state: "sending", text: t("sending") });
    let timer: number | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = window.setTimeout(() => {
        reject(new Error(t("no_answer", { seconds: patience / 1000 })));
      }, patience);
    });
    try {
      const answer = await Promise.race([this.hass.connection.sendMessagePromise<Answer>(command), late]);
      this.note(key, { state: "done", text: t("done") });
      return answer;
    } catch (error) {
      // What was under way when the line was lost may have been done.
      const reason = this.reason(error as Rejected);
      this.note(key, { state: "failed", text: isLost(error) ? reason : t("failed", { reason }) });
      return undefined;
    } finally {
      window.clearTimeout(timer);
    }
  }

  private reason(error: Rejected): string {
    const t = translator(this.hass.language);
    return reasonOf(this.hass, error, t("not_allowed"), t("line_lost"));
  }

  override render() {
    const { feed } = this;
    if (!feed || this.isWordless) {
      return nothing;
    }
    const context = this.context(feed);
    const shown = this.page(context);
    this.wasStale = context.age === "stale";
    return html`${shown}
    ${this.call
      ? html`<cs-help
          .context=${context}
          .call=${this.call}
          .dark=${this.dark}
          @closed=${() => {
            this.call = null;
          }}
        ></cs-help>`
      : nothing}`;
  }
}
