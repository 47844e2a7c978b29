import { mdiAccountSwitch, mdiAlarmLight, mdiClose, mdiDoorClosedLock, mdiHistory, mdiMapMarker, mdiMonitor, mdiSmokeDetector } from "@mdi/js";
import { css, html, nothing } from "lit";
import { property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { decoded } from "./address";
import { Announcer } from "./announcer";
import { Awake } from "./awake";
import { Connected, DOMAIN } from "./connected";
import type { Context } from "./context";
import { closing, helpDeed } from "./deeds";
import { define } from "./define";
import type { Extension, Guest, Page } from "./extension";
import { monotonic, type Feed } from "./feed";
import { clock, lasted } from "./format";
import { icon } from "./icons";
import type { Incident, Message, Route } from "./model";
import { Navigation } from "./navigation";
import { NowPage } from "./now";
import { LAST_LIFE_CLASS, NO_HELP, classOf, countersOf, isNew, type Counters } from "./order";
import { ownPages, type Own } from "./own-pages";
import { keyOf, type Call, type Session } from "./response";
import { Siren, loudest, soundsOf, type Sounding } from "./sound";
import { common, tokens } from "./styles";
import { translator } from "./texts";
import { Turn } from "./turn";
import { TwiceButton } from "./twice";

/** The first page waits so long for the pages that another integration brings. */
const UNDECIDED_MILLISECONDS = 1000;
/** From so many CSS pixels on, the map has room beside the list. */
const WIDE_PIXELS = 1100;
/** Below so many, the cards of incidents are one column: the sidebar may be open beside them. */
const TIGHT_PIXELS = 800;
/** So long after a touch a wall display shows what can be done, in milliseconds. */
const TOUCHED_MILLISECONDS = 60_000;
/** A wall display that was told nothing for so long says that and nothing else, in milliseconds. */
const BLIND_MILLISECONDS = 60_000;
/** What stands still on a wall display moves a little after so many seconds, to and fro. */
const MOVE_SECONDS = 600;
const MOVES = ["0 0", "8px 0", "8px 8px", "0 8px"];
const KEYS_STORED = "community-safety-single-keys";
const ICONS: Record<Own["path"], string> = {
  now: mdiAlarmLight,
  map: mdiMapMarker,
  devices: mdiSmokeDetector,
  doors: mdiDoorClosedLock,
  history: mdiHistory,
  handover: mdiAccountSwitch,
};
/** What a wall display that is told nothing sounds like: as a fault. */
const BLIND: Sounding = { signal: "fault", keys: new Set(["blind"]) };
const COUNTED: (keyof Counters)[] = ["fire", "linkage", "electrical", "supervision", "fault", "shelved", "off", "drill"];

/** What an incident is worked with. */
const work = (): Promise<unknown> => import("./work");
/** A page of the site, with its texts. */
const site =
  (load: () => Promise<unknown>) =>
  (language: string): Promise<unknown> =>
    Promise.all([load(), import("./site/texts").then((texts) => texts.fetchTexts(language))]);
/** Pages that are fetched when somebody goes there, by the first word of their address. */
const LAZY: Record<string, (language: string) => Promise<unknown>> = {
  incident: work,
  map: site(() => import("./site/map")),
  doors: site(() => import("./site/doors")),
  devices: site(() => import("./site/devices")),
  history: site(() => import("./site/history")),
  log: site(() => import("./site/log")),
  handover: site(() => import("./site/handover")),
};

/** The control room: its frame, its connection, its sound and its keys. */
export class SafetyPanel extends Connected {
  @property({ attribute: false }) route?: Route;
  /** It hangs on a wall: large, and without anything that is only for hands. */
  @property({ type: Boolean, reflect: true }) wall = false;
  @state() private keysShown = false;
  @state() private isWide = false;
  @state() private isTight = false;
  @query("cs-now") private now?: NowPage | null;
  /** The pages of who knows the people, and the element that shows them. */
  private extension: Extension | null = null;
  private guest: (HTMLElement & Guest) | null = null;
  private notices: (HTMLElement & Guest) | null = null;
  private door: (HTMLElement & Guest) | null = null;
  private isExtended = false;
  private isAlone = false;
  private readonly begunAt = performance.now();
  private muted: ReadonlySet<string> = new Set<string>();
  private readonly awake = new Awake();
  private readonly sizes = new ResizeObserver(([entry]) => {
    const width = entry?.contentRect.width ?? 0;
    this.isWide = width >= WIDE_PIXELS;
    this.isTight = width < TIGHT_PIXELS;
  });
  private touchedAt = -Infinity;
  private staleAt = Infinity;
  /** The map is beside the list. */
  private isSplit = false;
  /** The incidents as they are on the screen: what came since, nobody has seen. */
  private drawn: ReadonlyMap<string, Incident> = new Map();
  private waitingForGo = -Infinity;
  private readonly siren = new Siren(() => {
    this.requestUpdate();
  });
  private readonly announcer = new Announcer();
  private said = "";
  private saidUrgently = "";
  private mayAct = true;
  private hasDoors = false;

  override connectedCallback(): void {
    super.connectedCallback();
    // Before Home Assistant's own single keys.
    window.addEventListener("keydown", this.key, { capture: true });
    this.sizes.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener("keydown", this.key, { capture: true });
    this.sizes.disconnect();
    this.hang(false);
    this.siren.close();
  }

  /** Takes the whole screen for a wall display, and keeps it on; or gives it back. */
  private hang(isWall: boolean): void {
    if (isWall !== this.wall) {
      this.wall = isWall;
      // Home Assistant's own sidebar.
      window.dispatchEvent(new CustomEvent("hass-kiosk-mode", { detail: { enable: isWall } }));
    }
    this.awake.keep(isWall);
  }

  private readonly touched = (): void => {
    if (this.wall) {
      this.touchedAt = performance.now();
      this.requestUpdate();
    }
  };

  protected override willUpdate(): void {
    super.willUpdate();
    this.hang(this.path === "/wall");
  }

  protected override met(): void {
    this.extend(this.register?.session?.module ?? null);
  }

  private async askSession(): Promise<void> {
    const session = await this.hass.connection
      .sendMessagePromise<{ rights: Record<string, string[] | null>; doors: boolean }>({ type: `${DOMAIN}/session` })
      // It is asked again with the next snapshot.
      .catch(() => null);
    if (!session) {
      return;
    }
    const { rights, doors } = session;
    this.hasDoors = doors;
    this.mayAct = Object.values(rights).some((areas) => areas === null || areas.length > 0);
    this.requestUpdate();
  }

  /** Takes the pages that a module brings, once. */
  private extend(module: string | null): void {
    if (!module || this.isExtended) {
      return;
    }
    this.isExtended = true;
    (import(/* @vite-ignore */ module) as Promise<{ extension: Extension }>).then(
      ({ extension }) => {
        this.extension = extension;
        this.requestUpdate();
      },
      (error: unknown) => {
        // The incidents are there all the same.
        console.error(error);
        this.isAlone = true;
      },
    );
  }

  protected override took(feed: Feed, message: Message | null): void {
    const { book } = feed;
    if (message?.kind === "rights" || book.renewed === "whole") {
      // Whoever was away may be somebody else by now, or may do other things.
      void this.askSession();
    }
    if (book.renewed === "whole") {
      // The list is drawn first; an incident of it is to open without waiting.
      void this.updateComplete.then(work).catch(() => {
        // It is fetched again when it is needed, and what fails then is said.
      });
    }
    this.now?.take(book.ended);
    if (message && !this.isWordless) {
      this.say(book.changed);
    }
  }

  protected override spoken(ids: Iterable<string>): void {
    this.say(ids);
  }

  private readonly toldNew = new Set<string>();

  /** Says of incidents what is new. */
  private say(ids: Iterable<string>): void {
    const feed = this.feed;
    if (!feed) {
      return;
    }
    const { words, t } = this.language(feed);
    for (const id of ids) {
      const incident = feed.book.incidents.get(id);
      if (!incident) {
        continue;
      }
      if (!isNew(incident)) {
        this.toldNew.delete(id);
      } else if (!this.toldNew.has(id)) {
        this.toldNew.add(id);
        const place = words.building(incident.area_id) ?? t("elsewhere");
        const word = words.classWord(incident, NO_HELP);
        this.announcer.add({
          key: `${word} ${place}`,
          rank: classOf(incident),
          one: t("say_new", { class: word, place: words.place(incident), hazards: words.hazards(incident) }),
          many: (count) => t("say_many", { count, class: word, place }),
        });
      }
    }
    for (const { incident_id, incident } of feed.book.ended) {
      this.toldNew.delete(incident_id);
      if (incident) {
        const one = t("say_ended", { place: words.place(incident) });
        this.announcer.add({ key: incident_id, rank: 9, one, many: () => one });
      }
    }
  }

  private readonly toldCalls = new Set<string>();

  /** Says each call for help once: it may come long after its alarm was seen. */
  private sayCalls(calls: readonly Call[], { words, t }: Context): void {
    for (const call of calls) {
      const key = keyOf(call);
      if (!this.toldCalls.has(key)) {
        this.toldCalls.add(key);
        const place = call.alert.place;
        this.announcer.add({
          key: `help ${place}`,
          rank: 0,
          one: words.call(call),
          many: (count) => t("say_many", { count, class: t("class_help"), place }),
        });
      }
    }
  }

  private get incidentId(): string | null {
    return /^\/incident\/([^/]+)$/.exec(this.route?.path ?? "")?.[1] ?? null;
  }

  private get path(): string {
    return this.route?.path ?? "";
  }

  protected override hrefOf = (path: string): string => `${this.route?.prefix ?? "/safety"}${path}`;

  protected override get isQuiet(): boolean {
    return this.wall && performance.now() - this.touchedAt > TOUCHED_MILLISECONDS;
  }

  /** What is offered to this user, in its order. */
  private pages(t: Context["t"]): Page[] {
    const session = this.register?.session;
    const brought = session ? (this.extension?.pages(session, this.hass.language) ?? []) : [];
    const own = ownPages({ acts: this.mayAct, doors: this.hasDoors }).map(
      ({ path, place, key }): Page => ({ path, title: t(`page_${path}`), icon: ICONS[path], place, ...(key ? { key } : {}) }),
    );
    const all = brought.some((page) => page.isHome) ? brought : [...own, ...brought];
    return all.sort((a, b) => a.place - b.place);
  }

  /** Some have no business with the incidents: it is waited for the pages that say so, and not for long. */
  private get isUndecided(): boolean {
    const isComing = this.register !== null && !this.extension && !this.isAlone && this.register.session?.module !== null;
    return isComing && performance.now() - this.begunAt < UNDECIDED_MILLISECONDS;
  }

  /** Whose page the address is; the incidents' where it is nobody's. */
  private pageOf(pages: Page[]): string {
    const first = this.path.split("/")[1] ?? "";
    const isHome = pages.some((page) => page.isHome);
    const isOurs = first === "incident" ? this.incidentId !== null : Object.hasOwn(LAZY, first);
    if ((first === "wall" && !isHome) || isOurs || this.extension?.owns(first)) {
      return first;
    }
    return pages.find((page) => page.isHome)?.path ?? "now";
  }

  protected override page(context: Context) {
    const { t, age, book } = context;
    const { feed } = this;
    const incidents = [...book.incidents.values()];
    this.drawn = new Map(book.incidents);
    const calls = context.people?.calls() ?? [];
    this.sound(context, incidents, calls);
    this.sayCalls(calls, context);
    this.speak(context);
    const id = this.incidentId;
    const pages = this.pages(t);
    const page = this.pageOf(pages);
    const isHome = pages.some((item) => item.isHome);
    if (this.wall && performance.now() - this.staleAt >= BLIND_MILLISECONDS) {
      return html`<p class="blind" role="alert">${t("wall_blind", { time: clock(this.hass, book.truth ?? 0) })}</p>`;
    }
    return html`
      ${context.isQuiet ? nothing : this.header(t, isHome)}
      ${age === "stale" || age === "checking"
        ? html`<p class="age ${age}" role="alert">
            ${age === "stale" ? t("stale", { time: clock(this.hass, book.truth ?? 0) }) : t("checking")}
          </p>`
        : nothing}
      ${feed?.error
        ? html`<p class="age stale" role="alert">
            ${t("loading_failed", { reason: feed.error })}
            <button
              @click=${() => {
                feed.stop();
                feed.start();
              }}
            >
              ${t("retry")}
            </button>
          </p>`
        : nothing}
      <div
        class="room"
        style=${this.wall ? `translate: ${MOVES[Math.floor(context.now / MOVE_SECONDS) % MOVES.length] ?? ""}` : nothing}
        @pointerdown=${this.touched}
      >
        <main class=${age}>
          ${isHome || this.isUndecided
            ? nothing
            : [this.strip(context, incidents), this.gate(context), this.calls(context, incidents, calls)]}
          ${context.peopleOld && !isHome && age !== "stale" ? html`<p class="age checking" role="alert">${t("people_old")}</p>` : nothing}
          ${page === "now" && this.isUndecided
            ? html`<p class="quiet">${t("waiting")}</p>`
            : page === "now" || page === "wall"
            ? this.list(context)
            : Object.hasOwn(LAZY, page)
              ? this.lazy(context, page)
              : this.shown(context, page)}
        </main>
        ${pages.length > 1 && !(this.narrow && id) && !this.wall
          ? html`<cs-navigation
              .pages=${pages}
              .current=${id ? "now" : page === "log" ? "history" : (this.extension?.owns(page) ?? page)}
              .label=${t("pages")}
              .more=${t("more")}
              .href=${this.hrefOf}
              .dark=${this.dark}
              .narrow=${this.narrow}
              @go=${(event: CustomEvent<string>) => {
                this.go(event.detail);
              }}
            ></cs-navigation>`
          : nothing}
      </div>
      <div class="said" aria-live="assertive">${this.saidUrgently}</div>
      <div class="said" aria-live="polite">${this.said}</div>
      ${this.keysShown ? this.keys(context) : nothing}
    `;
  }

  private header(t: Context["t"], isHome: boolean) {
    return html`<header>
      ${this.wall ? nothing : html`<ha-menu-button .hass=${this.hass} .narrow=${this.narrow}></ha-menu-button>`}
      <h1>${t("title")}</h1>
      ${this.mayAct || isHome ? nothing : html`<span class="chip">${t("read_only")}</span>`}
      <span class="grow"></span>
      ${this.narrow || isHome
        ? nothing
        : html`<button
            class="round"
            aria-label=${t(this.wall ? "wall_leave" : "wall")}
            title=${t(this.wall ? "wall_leave" : "wall")}
            @click=${() => {
              this.go(this.wall ? "/now" : "/wall");
            }}
          >
            ${icon(this.wall ? mdiClose : mdiMonitor)}
          </button>`}
      <button class="round" aria-label=${t("keys")} @click=${this.showKeys}>?</button>
    </header>`;
  }

  /** The incidents; beside them the map, on a wall and in a flood. */
  private list(context: Context) {
    if (!this.now?.isStill) {
      // Under a hand it stays as wide as it is.
      this.isSplit = this.isWide && (this.wall || context.flood !== null);
    }
    const { wall } = this;
    const rest = (count: number): string => context.t("wall_rest", { count });
    const fresh = [...context.book.incidents.values()].filter((item) => isNew(item) && classOf(item) <= LAST_LIFE_CLASS);
    return html`<div class="list ${this.isSplit ? "split" : ""}">
      ${this.isSplit
        ? html`<cs-turn .turning=${wall} .held=${!context.isQuiet} .rest=${rest}>${this.lazy(context, "map")}</cs-turn>`
        : nothing}
      <cs-turn
        .turning=${wall}
        .held=${!context.isQuiet}
        .rest=${rest}
        .news=${Math.max(0, ...fresh.map((item) => item.raised_at))}
      >
        <cs-now .context=${context} .dark=${this.dark} .narrow=${this.narrow || this.isSplit || this.isTight}></cs-now>
        ${this.brought(context)}
      </cs-turn>
    </div>`;
  }

  private readonly fetched = new Map<string, "coming" | "here" | "failed">();

  private lazy(context: Context, page: string) {
    const { dark, narrow } = this;
    const { language } = this.hass;
    const key = `${page} ${language}`;
    const state = this.fetched.get(key);
    if (!state) {
      this.fetched.set(key, "coming");
      const told = (how: "here" | "failed") => (): void => {
        this.fetched.set(key, how);
        this.requestUpdate();
      };
      LAZY[page]?.(language).then(told("here"), told("failed"));
    }
    if (state === "failed") {
      return html`<p role="alert">${context.t("page_failed")}</p>
        <button
          @click=${() => {
            location.reload();
          }}
        >
          ${context.t("reload")}
        </button>`;
    }
    if (state !== "here") {
      return html`<p class="quiet" role="status">${context.t("waiting")}</p>`;
    }
    switch (page) {
      case "incident":
        return html`<cs-incident .context=${context} .incidentId=${this.incidentId} .dark=${dark} .narrow=${narrow}></cs-incident>`;
      case "map":
        return html`<cs-map
          .context=${context}
          .path=${this.path.split("/").slice(2).filter(Boolean).map(decoded)}
          .dark=${dark}
          .narrow=${narrow}
          .beside=${!this.path.startsWith("/map")}
        ></cs-map>`;
      case "doors":
        return html`<cs-doors
          .context=${context}
          .doorId=${decoded(this.path.split("/")[2] ?? "") || null}
          .brought=${this.doorGuest(context)}
          .dark=${dark}
          .narrow=${narrow}
        ></cs-doors>`;
      case "log":
        return html`<cs-log .context=${context} .day=${this.path.split("/")[2] || null} .dark=${dark} .narrow=${narrow}></cs-log>`;
      case "handover":
        return html`<cs-handover .context=${context} .dark=${dark} .narrow=${narrow} @tone=${this.openSound}></cs-handover>`;
      case "devices":
        return html`<cs-devices .context=${context} .device=${decoded(this.path.split("/")[2] ?? "") || null} .dark=${dark} .narrow=${narrow}></cs-devices>`;
      default:
        return html`<cs-history
          .context=${context}
          .past=${decoded(this.path.split("/")[2] ?? "") || null}
          .dark=${dark}
          .narrow=${narrow}
        ></cs-history>`;
    }
  }

  /** A page that was brought: one element for all of them, which keeps what it has. */
  private shown(context: Context, page: string) {
    const session = this.register?.session;
    if (!this.extension || !session) {
      return html`<p class="quiet">${context.t("waiting")}</p>`;
    }
    this.guest ??= this.extension.element();
    return this.told(this.guest, context, session, this.path.startsWith(`/${page}`) ? this.path : `/${page}`);
  }

  /** What is brought among the incidents. */
  private brought(context: Context) {
    const session = this.register?.session;
    if (!session) {
      return nothing;
    }
    if (!this.notices) {
      this.notices = this.extension?.notices?.() ?? null;
      this.notices?.addEventListener("sounds", () => {
        this.requestUpdate();
      });
    }
    return this.notices ? this.told(this.notices, context, session, "/now") : nothing;
  }

  /** What is brought of a door: one element for all of them. */
  private doorGuest(context: Context): (deviceId: string, channel: string) => unknown {
    return (deviceId, channel) => {
      const session = this.register?.session;
      this.door ??= (session && this.extension?.door?.()) ?? null;
      return this.door && session ? this.told(this.door, context, session, `/door/${deviceId}/${channel}`) : nothing;
    };
  }

  private told(guest: HTMLElement & Guest, { book, locked }: Context, session: Session, path: string): HTMLElement {
    const { hass, dark, narrow, go } = this;
    return Object.assign(guest, {
      hass,
      session,
      dark,
      narrow,
      go,
      path,
      href: this.hrefOf,
      now: () => (book.truth === null ? Date.now() / 1000 : book.clock(monotonic())),
      locked,
      hasDoors: this.hasDoors,
      incidentIn: (areaId: string | null) =>
        [...book.incidents.values()].find((item) => areaId !== null && item.area_id === areaId && !item.drill)?.incident_id ?? null,
    } satisfies Guest);
  }

  protected override updated(): void {
    const count = [...(this.feed?.book.incidents.values() ?? [])].filter(
      (incident) => isNew(incident) && classOf(incident) <= LAST_LIFE_CLASS,
    ).length;
    const title = translator(this.hass.language)("title");
    document.title = count ? `(${count}) ${title}` : title;
  }

  private strip(context: Context, incidents: Incident[]) {
    const { t, book, age } = context;
    const counts = countersOf(incidents);
    counts.off += book.keptOff.length;
    const isKnown = book.truth !== null;
    const fresh = incidents.filter(isNew).length;
    return html`<section class="strip" aria-label=${t("counters")}>
      <span class="live"><time>${isKnown ? clock(this.hass, context.now) : "–"}</time> ${age === "live" ? t("live") : ""}</span>
      ${COUNTED.map(
        (key) =>
          html`<span class="count ${key} ${counts[key] ? "some" : ""}" data-count=${key}>
            ${t(key)} <strong>${isKnown ? counts[key] : "–"}</strong>
          </span>`,
      )}
      ${fresh && !this.incidentId && !context.isQuiet
        ? html`<button
            @click=${() => {
              this.now?.focusNextNew();
            }}
          >
            ${t("next_new", { count: fresh })}
          </button>`
        : nothing}
      ${this.siren.isOpen && !context.isQuiet
        ? html`<button ?disabled=${!this.siren.signal} @click=${this.mute}>
            ${this.siren.signal || !this.muted.size ? t("mute") : t("muted")}
          </button>`
        : nothing}
    </section>`;
  }

  /** Everybody who calls for help, wherever one looks, if there is an incident or not. */
  private calls(context: Context, incidents: Incident[], calls: readonly Call[]) {
    const { people, words, t } = context;
    return calls.length
      ? html`<ul class="calls" aria-label=${t("class_help")}>
          ${repeat(calls, keyOf, (call) => {
            const incident = people?.incidentOf(call.alert, incidents);
            return html`<li class=${call.alert.drill ? "drill" : ""}>
              <strong>${words.call(call)}</strong>
              <span class="number">${lasted(context.now - call.at, this.hass.locale.language)}</span>
              ${
                // One without an incident is closed here: there is no other page for it.
                context.isQuiet
                  ? nothing
                  : incident
                    ? this.goes(context, call, incident)
                    : [closing(context, call), helpDeed(context, call.alert.alert_id)]
              }
            </li>`;
          })}
        </ul>`
      : nothing;
  }

  private goes(context: Context, call: Call, { incident_id: id }: Incident) {
    const { words, t } = context;
    return html`<a
      class="button"
      href=${this.href(id)}
      aria-label=${`${t("open")} ${words.caller(call)}`}
      @click=${(event: MouseEvent) => {
        event.preventDefault();
        this.open(id);
      }}
      >${t("open")}</a
    >`;
  }

  private gate(context: Context) {
    return this.siren.isOpen
      ? nothing
      : html`<button class="gate" @click=${this.openSound}>${context.t("sound_off")}</button>`;
  }

  private readonly openSound = (): void => {
    void this.siren.open().then(() => {
      this.siren.test();
    });
  };

  private readonly mute = (): void => {
    const sounds = soundsOf(this.feed?.book.incidents.values() ?? [], this.register?.people?.calls() ?? [], this.notices?.sounds);
    this.muted = new Set(sounds.map(({ key }) => key));
    this.requestUpdate();
  };

  private sound(context: Context, incidents: Incident[], calls: readonly Call[]): void {
    const sounds = soundsOf(incidents, calls, this.notices?.sounds);
    this.muted = new Set(sounds.flatMap(({ key }) => (this.muted.has(key) ? [key] : [])));
    const isBlind = this.wall && context.age === "stale";
    const sounding = isBlind ? BLIND : loudest(sounds, this.muted);
    this.siren.play(this.siren.isOpen ? sounding : null);
  }

  private speak(context: Context): void {
    const { t, age } = context;
    const isStale = age === "stale";
    if (isStale !== this.wasStale) {
      const one = t(isStale ? "say_stale" : "say_live");
      this.announcer.add({ key: "age", rank: isStale ? 0 : 9, one, many: () => one });
      this.staleAt = isStale ? performance.now() : Infinity;
    }
    const sentence = this.announcer.next(performance.now());
    if (sentence) {
      this.saidUrgently = sentence.urgent ? sentence.text : "";
      this.said = sentence.urgent ? "" : sentence.text;
    }
  }

  private get singleKeys(): boolean {
    return localStorage.getItem(KEYS_STORED) !== "off";
  }

  private readonly showKeys = (): void => {
    this.keysShown = true;
    void work();
  };

  private keys(context: Context) {
    const { t } = context;
    const pages = this.pages(t);
    const list: [string, string][] = [
      ["N", t("key_n")],
      ["A", t("key_a")],
      ["M", t("key_m")],
      ...pages.flatMap((page): [string, string][] => [
        ...(page.key ? ([[`G ${page.key.toUpperCase()}`, t("key_go", { page: page.title })]] as [string, string][]) : []),
        ...(page.search ? ([[page.search, t("key_search")]] as [string, string][]) : []),
      ]),
      ["?", t("key_help")],
    ];
    return html`<cs-keys
      .context=${context}
      .keys=${list}
      .single=${this.singleKeys}
      .dark=${this.dark}
      @single=${(event: CustomEvent<boolean>) => {
        localStorage.setItem(KEYS_STORED, event.detail ? "on" : "off");
      }}
      @closed=${() => {
        this.keysShown = false;
      }}
    ></cs-keys>`;
  }

  private readonly key = (event: KeyboardEvent): void => {
    this.touched();
    const typing = event
      .composedPath()
      .some((item) => item instanceof HTMLElement && item.matches("input, textarea, select, [contenteditable], dialog"));
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat || !this.singleKeys) {
      return;
    }
    const going = performance.now() - this.waitingForGo < 1500;
    this.waitingForGo = -Infinity;
    const key = event.key.toLowerCase();
    const page = this.pages(translator(this.hass.language)).find((item) => (going ? item.key : item.search) === key);
    if (page) {
      event.stopPropagation();
      event.preventDefault();
      if (!going) {
        this.extension?.search();
      }
      this.go(`/${page.path}`);
      this.guest?.dispatchEvent(new CustomEvent("search"));
      return;
    }
    switch (key) {
      case "n":
        this.now?.focusNextNew();
        break;
      case "a":
        this.acknowledgeFocused();
        break;
      case "m":
        this.mute();
        break;
      case "g":
        this.waitingForGo = performance.now();
        break;
      case "?":
        this.showKeys();
        break;
      default:
        return;
    }
    event.stopPropagation();
    event.preventDefault();
  };

  private acknowledgeFocused(): void {
    const id = this.incidentId ?? this.now?.focused;
    const incident = id ? this.drawn.get(id) : undefined;
    if (this.feed && incident?.may.acknowledge === null) {
      void this.act(this.feed, incident, "acknowledge");
    }
  }

  static override readonly styles = [
    tokens,
    common,
    css`
      :host {
        display: block;
        min-height: 100vh;
        background: var(--primary-background-color);
        color: var(--primary-text-color);
        font: 16px/1.4 var(--ha-font-family-body, Roboto, "Noto Sans", sans-serif);
      }
      header {
        display: flex;
        align-items: center;
        gap: 12px;
        min-height: 56px;
        padding: 0 12px;
        background: var(--app-header-background-color, var(--primary-color));
        color: var(--app-header-text-color, #fff);
      }
      header h1 {
        font-size: 20px;
        font-weight: 500;
      }
      .grow {
        flex: 1;
      }
      .round {
        min-width: 44px;
        min-height: 44px;
        padding: 0;
        border-radius: 22px;
      }
      .room {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr);
        min-height: calc(100vh - 56px);
      }
      .split {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: 16px;
        align-items: start;
      }
      .split > * {
        min-width: 0;
      }
      :host([wall]) {
        display: flex;
        flex-direction: column;
        height: 100vh;
        overflow: clip;
      }
      /* To be read from three metres. */
      :host([wall]) .room {
        flex: 1;
        grid-template: minmax(0, 1fr) / minmax(0, 1fr);
        min-height: 0;
        zoom: 1.5;
      }
      :host([wall]) main {
        display: flex;
        flex-direction: column;
        max-width: none;
        min-height: 0;
        padding-bottom: 12px;
      }
      :host([wall]) .list {
        flex: 1;
        display: grid;
        grid-auto-rows: minmax(0, 1fr);
        align-items: stretch;
        min-height: 0;
      }
      .blind {
        display: grid;
        place-items: center;
        min-height: 100vh;
        padding: 48px;
        background: var(--danger);
        color: var(--on-fill);
        font-size: 64px;
        font-weight: 700;
        text-align: center;
      }
      main {
        box-sizing: border-box;
        padding: 12px 16px 32px;
        width: 100%;
        max-width: 1600px;
        margin: 0 auto;
      }
      cs-navigation {
        order: -1;
        width: 96px;
      }
      :host([narrow]) .room {
        grid-template-columns: minmax(0, 1fr);
        grid-template-rows: 1fr auto;
      }
      :host([narrow]) cs-navigation {
        order: 1;
        width: auto;
        position: sticky;
        bottom: 0;
        z-index: 2;
      }
      main.stale {
        background-image: repeating-linear-gradient(
          135deg,
          transparent 0 18px,
          var(--divider-color) 18px 20px
        );
        filter: grayscale(1);
      }
      .age {
        padding: 12px 16px;
        font-weight: 500;
        border-bottom: 2px solid;
      }
      .age.stale {
        background: var(--danger);
        color: var(--on-fill);
      }
      .strip {
        display: flex;
        flex-wrap: wrap;
        align-items: stretch;
        gap: 8px;
        margin-bottom: 12px;
      }
      .strip > span {
        display: inline-flex;
        align-items: center;
        gap: 8px;
        min-height: 44px;
        padding: 0 12px;
        border: 1px solid var(--divider-color);
        border-radius: 8px;
        background: var(--card-background-color, #fff);
      }
      .strip strong {
        font-size: 20px;
        font-variant-numeric: tabular-nums;
      }
      .count.fire {
        --c: var(--fire);
      }
      .count.linkage {
        --c: var(--linkage);
      }
      .count.electrical {
        --c: var(--electrical);
      }
      .count.supervision {
        --c: var(--supervision);
      }
      .count.fault {
        --c: var(--fault);
      }
      .count.shelved,
      .count.off,
      .count.drill {
        --c: var(--shielded);
      }
      .strip > .count.some {
        border: 2px solid var(--c);
        color: var(--c);
        font-weight: 700;
      }
      .strip > .count.some.fire,
      .strip > .count.some.linkage,
      .strip > .count.some.electrical {
        background: var(--c);
        color: var(--on-fill);
      }
      .gate {
        width: 100%;
        margin-bottom: 12px;
        border: 2px dashed var(--fault);
      }
      .calls {
        list-style: none;
        margin: 0 0 12px;
        padding: 0;
        display: grid;
        gap: 4px;
      }
      .calls li {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 8px 16px;
        padding: 8px 16px;
        border-radius: 8px;
        background: var(--help);
        color: var(--on-fill);
      }
      .calls .drill {
        background: var(--shielded);
      }
      .calls :is(.button, button) {
        margin-inline-start: auto;
        color: var(--primary-text-color);
      }
      .said {
        position: absolute;
        width: 1px;
        height: 1px;
        overflow: hidden;
        clip-path: inset(50%);
      }
      :host([narrow]) main {
        padding: 8px 8px 24px;
      }
      :host([narrow]) .strip {
        gap: 4px;
      }
      :host([narrow]) .strip > span {
        padding: 0 8px;
        font-size: 14px;
      }
      @media print {
        header,
        .strip,
        .gate,
        .age {
          display: none;
        }
      }
    `,
  ];
}

define({ "cs-turn": Turn, "cs-twice": TwiceButton, "cs-navigation": Navigation, "cs-now": NowPage, "community-safety-panel": SafetyPanel });
