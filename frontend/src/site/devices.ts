import { mdiCloseThick, mdiMinus, mdiTimerSand } from "@mdi/js";
import { LitElement, css, html, nothing } from "lit";
import { property, query, state } from "lit/decorators.js";
import { guard } from "lit/directives/guard.js";
import { repeat } from "lit/directives/repeat.js";
import type { Context } from "../context";
import { define } from "../define";
import { Subscription } from "../feed";
import { date, dateAndClock, quantity } from "../format";
import { mdiCheckBold, icon } from "../icons";
import type { Incident } from "../model";
import { print } from "../print";
import type { People } from "../response";
import { common, tokens } from "../styles";
import { AGAIN_SECONDS } from "../twice";
import { Chain, STEPS } from "./chain";
import {
  FILTERS,
  Inventory,
  isLow,
  narrowed,
  testedCount,
  testedOf,
  type Device,
  type Filter,
  type Message,
} from "./inventory";
import { translator, type Key, type Translate } from "./texts";

/** So many rows are drawn at once; the others on demand. */
const MOST_ROWS = 200;
/** So many devices are tested by one order: the server takes no more. */
const MOST_TESTED = 200;
const REACHED = new Set(["sent", "received", "answered"]);
const DOMAIN = "community_safety";

/** Every device: is it heard, was it tested, is it handed over; and the work until it is. */
export class DevicesPage extends LitElement {
  @property({ attribute: false }) context!: Context;
  @property({ type: Boolean, reflect: true }) dark = false;
  @property({ type: Boolean, reflect: true }) narrow = false;
  @state() private filter: Filter | null = null;
  @state() private words = "";
  @state() private most = MOST_ROWS;
  /** The device whose checklist is open. */
  @state() private open: string | null = null;
  /** The one whose power is worked: its id is in the address. */
  @property() device: string | null = null;
  /** What the person has said so far: which supplies stay on, and that it was tried by hand. */
  @state() private stays = new Map<string, boolean>();
  @state() private byHand = false;
  /** What a drill is of that was pressed once: what was listed then. */
  private asked: readonly Device[] = [];
  /** Whom a drill tells. */
  @state() private told = "";
  private hasAsked = false;
  @state() private amperes = "";
  @query("dialog") private dialog?: HTMLDialogElement;
  private labelNames: ReadonlyMap<string, string> = new Map();
  private feed: Subscription<Message, Inventory> | null = null;
  private readonly chains = new Map<string, Chain>();
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
    const { hass } = this.context;
    void hass.loadBackendTranslation("entity", DOMAIN).then(() => {
      this.requestUpdate();
    });
    hass.connection.sendMessagePromise<{ label_id: string; name: string }[]>({ type: "config/label_registry/list" }).then(
      (labels) => {
        this.labelNames = new Map(labels.map(({ label_id: id, name }) => [id, name]));
        this.requestUpdate();
      },
      () => {
        // They are a help, and no more.
      },
    );
    this.feed = new Subscription<Message, Inventory>(
      hass.connection,
      { type: `${DOMAIN}/subscribe_devices` },
      new Inventory(),
      () => {
        this.requestUpdate();
      },
    );
    this.feed.start();
    this.requestUpdate();
  }

  protected override updated(): void {
    if (!this.dialog?.open) {
      this.dialog?.showModal();
    }
    if (this.device !== null) {
      // Said where it failed: the sheet then has no more than its title.
      import("./supplies").catch(() => {
        this.context.fail(`${this.device ?? ""} power`, this.context.t("page_failed"));
      });
    }
  }

  private get area(): string | null {
    return new URLSearchParams(location.search).get("area");
  }

  override render() {
    const { context, feed } = this;
    const t = (this.t = translator(context.hass.language));
    if (!feed?.book.isKnown) {
      return html`<p class="empty" role=${feed?.error ? "alert" : "status"}>
        ${feed?.error ? t("devices_failed", { reason: feed.error }) : context.t("waiting")}
      </p>`;
    }
    const { devices } = feed.book;
    this.follow();
    const here = narrowed(devices.values(), null, this.area, context.now);
    const wanted = this.words.trim().toLowerCase();
    const rows = narrowed(here, this.filter, null, context.now)
      .filter((device) => !wanted || `${device.name} ${this.place(device)} ${device.model ?? ""} ${this.labels(device).join(" ")}`.toLowerCase().includes(wanted))
      .sort((a, b) => this.compare(a, b));
    const { tested, all } = testedCount(here, context.now);
    const opened = this.open === null ? undefined : devices.get(this.open);
    const powered = this.device === null ? undefined : devices.get(this.device);
    return html`
      <header class="top">
        <h2>${t("devices_tested", { tested, all })} <span class="quiet">${t("devices_all", { count: here.length })}</span></h2>
        <span class="choices no-print">
          ${this.drill(rows)} <button @click=${this.print}>${context.t("print")}</button>
        </span>
      </header>
      <p class="only-print">
        ${context.hass.config.location_name} · ${context.t("printed", { time: dateAndClock(context.hass, context.now) })}
      </p>
      <div class="filters no-print" role="group" aria-label=${t("filter")}>
        ${this.areaChip()} ${this.filterButton(null, here)}
        ${(Object.keys(FILTERS) as Filter[]).map((filter) => this.filterButton(filter, here))}
        <input
          type="search"
          aria-label=${t("devices_find")}
          placeholder=${t("devices_find")}
          .value=${this.words}
          @input=${(event: Event) => {
            this.words = (event.target as HTMLInputElement).value;
          }}
        />
      </div>
      <ul class="rows" aria-label=${context.t("page_devices")}>
        ${repeat(rows.slice(0, this.most), (device) => device.device_id, (device) => this.row(device))}
      </ul>
      ${rows.length ? nothing : html`<p class="empty">${t("devices_none")}</p>`}
      ${rows.length > this.most
        ? html`<button
            class="no-print"
            @click=${() => {
              this.most += MOST_ROWS;
            }}
          >
            ${t("devices_more", { count: rows.length - this.most })}
          </button>`
        : nothing}
      <p class="only-print signatures"><span>${t("handed_by")}</span><span>${t("taken_by")}</span></p>
      <p class="quiet foot">${context.t("not_certified")}</p>
      ${opened
        ? html`<dialog aria-labelledby="sheet" @close=${this.closed}>${this.checklist(opened)}</dialog>`
        : powered
          ? html`<dialog aria-labelledby="sheet" @close=${this.left}>${this.powerOf(powered)}</dialog>`
          : nothing}
    `;
  }

  /** A drill of all that is listed: those that only detect, since the test of a breaker trips it. */
  private drill(listed: Device[]) {
    const { context, t } = this;
    const found = listed
      .filter((device) => device.may.self_test === null && device.shows_test && !device.supplies.length && !device.testing)
      .slice(0, MOST_TESTED);
    if (found.length > 1 && !this.hasAsked) {
      this.hasAsked = true;
      void this.askTold();
    }
    return found.length > 1
      ? html`${this.told} <cs-twice
          data-do="drill"
          .label=${t("drill_start", { count: found.length })}
          .again=${context.t("says", { what: context.t("press_again", { seconds: AGAIN_SECONDS }), said: t("drill_means") })}
          .disabled=${context.locked}
          @armed=${() => {
            this.asked = found;
          }}
          @pressed=${() => this.test(this.asked)}
        ></cs-twice>`
      : nothing;
  }

  private async askTold(): Promise<void> {
    const { context, t } = this;
    const told = await Promise.all(
      context.propertiesWith("get_roster").map((id) =>
        context.hass.connection
          .sendMessagePromise<{ you: boolean; posts: string[] }>({ type: "rental_units/drill_told", entry_id: id })
          // It is not known whom: nothing is said.
          .catch(() => null),
      ),
    );
    if (told.length && !told.includes(null)) {
      const names = [...(told.some((item) => item?.you) ? [t("drill_you")] : []), ...told.flatMap((item) => item?.posts ?? [])];
      this.told = names.length ? context.t("says", { what: t("drill_told"), said: names.join(context.t("comma")) }) : t("drill_nobody");
    }
  }

  private readonly print = (): void => {
    // All of them are on the paper.
    this.most = Infinity;
    void this.updateComplete.then(print);
  };

  private compare(a: Device, b: Device): number {
    const { language } = this.context.hass;
    const collator = collatorOf(language);
    return collator.compare(this.place(a), this.place(b)) || collator.compare(a.name, b.name);
  }

  private place(device: Device): string {
    return this.context.words.area(device.area_id) ?? "";
  }

  private areaChip() {
    const { area, context, t } = this;
    return area === null
      ? nothing
      : html`<button
          class="chosen"
          @click=${() => {
            context.go("/devices");
          }}
        >
          ${t("only_area", { area: context.words.area(area) ?? area })} ✕
        </button>`;
  }

  private filterButton(filter: Filter | null, here: Device[]) {
    const { context, t } = this;
    const count = filter ? narrowed(here, filter, null, context.now).length : here.length;
    return html`<button
      data-filter=${filter ?? "all"}
      aria-pressed=${this.filter === filter}
      @click=${() => {
        this.filter = filter;
        this.most = MOST_ROWS;
      }}
    >
      ${t(`filter_${filter ?? "all"}`)} <strong>${count}</strong>
    </button>`;
  }

  private row(device: Device) {
    const { context, open } = this;
    const chain = this.chains.get(device.device_id);
    const deeds = ["self_test", "sign_off"].map((name) => context.did(`${device.device_id} ${name}`));
    return guard(
      [
        device,
        context.hass.language,
        context.hass.areas,
        context.locked,
        this.feed?.book.names.size,
        Math.floor(context.now / 30),
        open,
        ...deeds,
        chain && JSON.stringify([chain.states, chain.found, chain.cuts]),
        this.labels(device).join(),
        // Words of kinds and hazards come after the rows.
        this.kind(device),
        device.faults.map((hazard) => context.words.option("hazard", hazard)).join(),
      ],
      () => html`<li data-device=${device.device_id} data-tested=${testedOf(device, context.now)}>
        <div class="what">
          <strong>${device.name}</strong>
          <span>${this.place(device) || this.bad(this.t("no_area"))}</span>
          <span class="quiet">${this.kind(device)}${device.model ? ` · ${device.model}` : ""}</span>
          <span class="labels">${this.labels(device).map((label) => html`<span class="chip quiet">${label}</span>`)}</span>
        </div>
        <div class="how">
          ${this.power(device)} <span>${this.heard(device)}</span>
          ${device.faults
            .filter((hazard) => hazard !== "unresponsive" && hazard !== "low_battery")
            .map((hazard) => this.bad(context.words.option("hazard", hazard)))}
        </div>
        <div class="test">
          ${this.tested(device)} ${this.rated(device)} ${this.supplies(device)}
        </div>
        <div class="state">
          ${device.signed_off
            ? html`<span class="good">
                ${icon(mdiCheckBold)}
                ${this.t("signed_off", { date: date(context.hass, device.signed_off.at), who: this.who(device.signed_off.who) })}
              </span>`
            : html`<span class="quiet">${this.t("not_signed_off")}</span>`}
        </div>
        <div class="do no-print">${this.buttons(device)}</div>
        ${chain ? this.chain(chain) : nothing}
      </li>`,
    );
  }

  private buttons(device: Device) {
    const { context, t } = this;
    const chain = this.chains.get(device.device_id);
    const isBusy = context.did(`${device.device_id} self_test`)?.state === "sending" || (chain !== undefined && !chain.isOver);
    return html`${device.may.self_test === null
      ? html`<button
          ?disabled=${context.locked || isBusy || device.testing}
          aria-label=${`${t("test")} ${device.name} ${this.place(device)}`}
          @click=${() => this.test([device])}
        >
          ${t("test")}
        </button>`
      : nothing}
    ${device.may.sign_off !== undefined
      ? html`<button
          ?disabled=${context.locked}
          aria-label=${`${t("sign_off_open")} ${device.name} ${this.place(device)}`}
          @click=${() => {
            this.begin(device);
          }}
        >
          ${t("sign_off_open")}
        </button>`
      : nothing}
    ${device.may.restore !== undefined || device.may.open_protected !== undefined
      ? html`<button
          data-do="power"
          aria-label=${`${t("supplies_open")} ${device.name} ${this.place(device)}`}
          @click=${() => {
            context.go(`/devices/${encodeURIComponent(device.device_id)}${location.search}`);
          }}
        >
          ${t("supplies_open")}
        </button>`
      : nothing}`;
  }

  private powerOf(device: Device) {
    const { context } = this;
    return html`<div class="rows">
      <h2 id="sheet">${context.t("says", { what: context.t("power"), said: device.name })}</h2>
      <cs-supplies .context=${context} .device=${device} .who=${(id: string) => this.who(id)} .dark=${this.dark}></cs-supplies>
      ${this.deed(`${device.device_id} power`)}
      <button @click=${() => { this.dialog?.close(); }}>${context.t("close")}</button>
    </div>`;
  }

  private readonly left = (): void => {
    const from = this.device ?? "";
    this.context.go(`/devices${location.search}`);
    void this.updateComplete.then(() => {
      this.renderRoot.querySelector<HTMLElement>(`[data-device="${CSS.escape(from)}"] [data-do="power"]`)?.focus();
    });
  };

  /** What people have labelled it with, in Home Assistant. */
  private labels({ device_id: id }: Device): string[] {
    return (this.context.hass.devices[id]?.labels ?? []).flatMap((label) => this.labelNames.get(label) ?? []);
  }

  private bad(text: string) {
    return html`<span class="bad">${icon(mdiCloseThick)} ${text}</span>`;
  }

  private kind(device: Device): string {
    const key = `component.${DOMAIN}.entity.event.joining.state_attributes.kind.state.${device.kind}`;
    return this.context.hass.localize(key) || device.kind;
  }

  private who(id: string | null): string {
    return (id && this.feed?.book.names.get(id)) ?? this.context.words.who(id);
  }

  private power(device: Device) {
    const { t, context } = this;
    if (device.battery === null) {
      return isLow(device) ? this.bad(context.words.option("hazard", "low_battery")) : html`<span>${t(`power_${device.power}`)}</span>`;
    }
    const text = t("battery", { level: quantity(device.battery, "%", context.hass.locale.language) });
    return isLow(device) ? this.bad(text) : html`<span>${text}</span>`;
  }

  private heard(device: Device) {
    const { t, context } = this;
    const text =
      device.heard_at === null ? t("heard_never") : t("heard", { ago: ago(context.now - device.heard_at, context.hass.language) });
    return device.unresponsive ? this.bad(`${context.words.option("hazard", "unresponsive")} · ${text}`) : text;
  }

  private tested(device: Device) {
    const { t, context } = this;
    const tested = testedOf(device, context.now);
    const test = device.last_test;
    const when = test ? date(context.hass, test.at) : "";
    switch (tested) {
      case "passed": {
        const text = test?.who ? t("tested_by", { date: when, who: this.who(test.who) }) : t("tested_at_device", { date: when });
        return html`<span class="good">${icon(mdiCheckBold)} ${text}</span>`;
      }
      case "running":
        return html`<span>${icon(mdiTimerSand)} ${t("test_running")}</span>`;
      case "none":
        return html`<span class="quiet">${t("test_none")}</span>`;
      default:
        return this.bad(t(`test_${tested}`, { date: when }));
    }
  }

  private rated(device: Device) {
    const { t, context } = this;
    const rated = device.rated_current;
    if (!rated) {
      return nothing;
    }
    const value = quantity(rated.value, "A", context.hass.locale.language);
    return rated.is_set ? html`<span>${t("rated", { value })}</span>` : this.bad(t("rated_default", { value }));
  }

  private supplies(device: Device) {
    return device.supplies.map((supply) =>
      supply.off
        ? this.bad(this.t("kept_off_since", { channel: supply.channel.toUpperCase(), date: date(this.context.hass, supply.off.at) }).trim())
        : html`<span>${supply.channel
          ? this.context.t("says", { what: supply.channel.toUpperCase(), said: this.t(supply.protected ? "stays_on" : "is_cut") })
          : this.t(supply.protected ? "stays_on" : "is_cut")}</span>`,
    );
  }

  // A test, step by step

  /** Tests devices by one order: it is one drill, and begins in all of them or in none. */
  private async test(devices: readonly Device[]): Promise<void> {
    const { context } = this;
    const chains = new Map(devices.map(({ device_id: id }) => [id, new Chain(context.now)]));
    for (const [id, chain] of chains) {
      this.chains.set(id, chain);
    }
    this.requestUpdate();
    const key = `${devices.length === 1 ? (devices[0]?.device_id ?? "") : "drill"} self_test`;
    const answer = await context.ask<{ devices: { device_id: string; error: string | null }[] }>(key, {
      type: `${DOMAIN}/self_test`,
      device_id: [...chains.keys()],
    });
    const told = new Map(answer?.devices.map(({ device_id: id, error }) => [id, error]));
    const failed = answer ? "?" : (this.context.did(key)?.text ?? "?");
    for (const [id, chain] of chains) {
      chain.answered(told.has(id) ? (told.get(id) ?? null) : failed);
    }
    this.requestUpdate();
  }

  private follow(): void {
    const { context, feed } = this;
    for (const [id, chain] of this.chains) {
      const device = feed?.book.devices.get(id);
      if (device && !chain.isOver) {
        const drill = drillAt(context, id);
        chain.look(device, drill, context.people && reachedOf(context.people, drill), context.now);
      }
    }
  }

  private chain(chain: Chain) {
    const { t, context } = this;
    const icons = { waiting: mdiTimerSand, done: mdiCheckBold, failed: mdiCloseThick, absent: mdiMinus };
    const more = {
      told: chain.error ?? "",
      raised: chain.found.map((hazard) => context.words.option("hazard", hazard)).join(this.context.t("comma")),
      would_cut: chain.cuts.join(this.context.t("comma")),
      phones: "",
      cleared: "",
    };
    return html`<ol class="chain" aria-label=${t("chain")} data-result=${chain.isOver ? (chain.isPassed ? "passed" : "failed") : "waiting"}>
      ${STEPS.map((step) => {
        const how = chain.states[step];
        return html`<li class=${how} data-step=${step} data-state=${how}>
          ${icon(icons[how])} <span>${t(`chain_${step}`)}${more[step] ? `: ${more[step]}` : ""}</span>
          <span class="quiet">${t(`chain_is_${how}`)}</span>
        </li>`;
      })}
    </ol>`;
  }

  // Handing over

  private begin(device: Device): void {
    this.open = device.device_id;
    // What was confirmed is asked again: it is a new handover.
    this.stays = new Map();
    this.byHand = false;
    this.amperes = device.rated_current?.is_set ? String(device.rated_current.value) : "";
  }

  private readonly closed = (): void => {
    const from = this.open;
    this.open = null;
    void this.updateComplete.then(() => {
      this.renderRoot.querySelector<HTMLElement>(`[data-device="${CSS.escape(from ?? "")}"] .do button:last-child`)?.focus();
    });
  };

  private checklist(device: Device) {
    const { t, context } = this;
    const tested = testedOf(device, context.now);
    const isAdmin = context.hass.user?.is_admin ?? false;
    const saidAll = device.supplies.every((supply) => this.stays.get(supply.key) === supply.protected);
    const needsHand = tested === "none";
    const isReady = device.may.sign_off === null && saidAll && (!needsHand || this.byHand);
    const deed = context.did(`${device.device_id} sign_off`);
    return html`<div class="rows">
      <h2 id="sheet">${t("sign_off_title", { device: device.name })}</h2>
      <ul class="checks">
        ${this.check(device.area_id !== null, device.area_id === null ? t("no_area") : t("check_area", { area: this.place(device) }))}
        ${this.check(!device.unresponsive, context.t("says", { what: t("check_heard"), said: this.heardPlain(device) }))}
        ${needsHand ? nothing : this.check(tested === "passed", t("check_tested"))}
        ${device.rated_current
          ? html`<li>
              ${this.check(device.rated_current.is_set, t("check_rated"), "div")}
              <form class="set" @submit=${(event: SubmitEvent) => { event.preventDefault(); this.setRated(device); }}>
                <input
                  type="number"
                  inputmode="decimal"
                  min="1"
                  step="any"
                  required
                  aria-label=${t("check_rated")}
                  .value=${this.amperes}
                  @input=${(event: Event) => { this.amperes = (event.target as HTMLInputElement).value; }}
                />
                A
                <button ?disabled=${context.locked || !device.rated_current.entity_id}>${t("set")}</button>
              </form>
              ${this.deed(`${device.device_id} rated`)}
            </li>`
          : nothing}
        ${device.supplies.map((supply) => this.supplyCheck(device, supply))}
      </ul>
      ${needsHand
        ? html`<label class="choice">
            <input
              type="checkbox"
              .checked=${this.byHand}
              @change=${(event: Event) => { this.byHand = (event.target as HTMLInputElement).checked; }}
            />
            ${t("check_by_hand")}
          </label>`
        : nothing}
      ${isAdmin ? html`<a href="/config/devices/device/${device.device_id}">${t("device_page")}</a>` : nothing}
      ${isReady ? nothing : html`<p class="quiet" id="why">${this.why(device, saidAll, needsHand)}</p>`}
      <div class="choices">
        <button
          class="main"
          aria-describedby=${isReady ? nothing : "why"}
          ?disabled=${!isReady || context.locked || deed?.state === "sending"}
          @click=${() => this.signOff(device)}
        >
          ${t("sign_off")}
        </button>
        <button @click=${() => { this.dialog?.close(); }}>${context.t("close")}</button>
      </div>
      ${this.deed(`${device.device_id} sign_off`)}
    </div>`;
  }

  private check(isGood: boolean, text: string, tag: "li" | "div" = "li") {
    const inner = isGood ? html`<span class="good">${icon(mdiCheckBold)} ${text}</span>` : this.bad(text);
    return tag === "li" ? html`<li>${inner}</li>` : html`<div>${inner}</div>`;
  }

  private heardPlain(device: Device): string {
    return device.heard_at === null
      ? this.t("heard_never")
      : this.t("heard", { ago: ago(this.context.now - device.heard_at, this.context.hass.language) });
  }

  private supplyCheck(device: Device, supply: Device["supplies"][number]) {
    const { t, context } = this;
    const said = this.stays.get(supply.key);
    const key = `${device.device_id} protected ${supply.key}`;
    return html`<li>
      <fieldset>
        <legend>${t("check_supply", { supply: supply.channel.toUpperCase() || device.name })}</legend>
        <div class="choices">
          ${[false, true].map(
            (stays) =>
              html`<label class="choice">
                <input
                  type="radio"
                  name=${supply.key}
                  ?disabled=${context.locked}
                  .checked=${said === stays}
                  @change=${() => { this.say(device, supply, stays); }}
                />
                ${t(stays ? "check_stays" : "check_cut")}
              </label>`,
          )}
        </div>
      </fieldset>
      ${this.deed(key)}
    </li>`;
  }

  /** What a person finds is what holds: if it was set otherwise, it is set now. */
  private say(device: Device, supply: Device["supplies"][number], stays: boolean): void {
    this.stays = new Map([...this.stays, [supply.key, stays]]);
    if (stays !== supply.protected && supply.entity_id) {
      void this.context.ask(`${device.device_id} protected ${supply.key}`, {
        type: "call_service",
        domain: "switch",
        service: stays ? "turn_on" : "turn_off",
        target: { entity_id: supply.entity_id },
      });
    }
  }

  private setRated(device: Device): void {
    void this.context.ask(`${device.device_id} rated`, {
      type: "call_service",
      domain: "number",
      service: "set_value",
      service_data: { value: Number(this.amperes) },
      target: { entity_id: device.rated_current?.entity_id },
    });
  }

  private async signOff(device: Device): Promise<void> {
    const answer = await this.context.ask(`${device.device_id} sign_off`, {
      type: `${DOMAIN}/sign_off`,
      device_id: device.device_id,
      protected: device.supplies.filter((supply) => this.stays.get(supply.key)).map((supply) => supply.key),
      by_hand: this.byHand,
    });
    if (answer !== undefined) {
      this.dialog?.close();
    }
  }

  private deed(key: string) {
    const deed = this.context.did(key);
    return deed
      ? html`<span class="did ${deed.state}" role=${deed.state === "failed" ? "alert" : "status"}>${deed.text}</span>`
      : nothing;
  }

  /** The first thing that is missing. */
  private why(device: Device, saidAll: boolean, needsHand: boolean): string {
    const code = device.may.sign_off;
    if (code) {
      return this.t(`lacks_${code}` as Key);
    }
    return !saidAll ? this.t("lacks_protected") : needsHand ? this.t("lacks_by_hand") : "";
  }

  static override readonly styles = [
    tokens,
    common,
    css`
      :host {
        display: block;
      }
      .labels:empty {
        display: none;
      }
      .top {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        justify-content: space-between;
        gap: 8px;
      }
      h2 {
        font-size: 20px;
      }
      h2 .quiet {
        font-size: 16px;
        font-weight: 400;
      }
      .filters {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
        margin: 12px 0;
      }
      .filters button {
        min-height: 44px;
        padding: 0 12px;
      }
      .filters .chosen,
      button[aria-pressed="true"] {
        border: 3px solid var(--focus);
      }
      input[type="search"],
      input[type="number"] {
        min-height: 44px;
        padding: 0 12px;
        border: 1px solid var(--outline-color, var(--secondary-text-color));
        border-radius: 8px;
        background: var(--card-background-color, #fff);
      }
      input[type="search"] {
        flex: 1 1 200px;
      }
      input[type="number"] {
        width: 110px;
      }
      ul.rows {
        list-style: none;
        margin: 0;
        padding: 0;
        display: grid;
        gap: 4px;
      }
      .rows > li {
        display: grid;
        grid-template-columns: minmax(0, 4fr) minmax(0, 3fr) minmax(0, 4fr) minmax(0, 3fr) auto;
        gap: 4px 16px;
        align-items: center;
        padding: 8px 16px;
        border: 1px solid var(--divider-color);
        border-radius: 8px;
        background: var(--card-background-color, #fff);
        content-visibility: auto;
        contain-intrinsic-size: auto 86px;
      }
      .rows > li > div {
        display: grid;
        gap: 2px;
        min-width: 0;
        overflow-wrap: anywhere;
      }
      .rows > li > .do {
        display: flex;
        flex-wrap: wrap;
        justify-content: flex-end;
        gap: 8px;
      }
      .bad,
      .good,
      .chain li,
      .test span {
        display: inline-flex;
        align-items: center;
        gap: 6px;
      }
      .bad {
        color: var(--danger);
        font-weight: 500;
      }
      .good {
        color: var(--good);
      }
      .bad svg,
      .good svg,
      .chain svg,
      .test svg {
        width: 18px;
        height: 18px;
      }
      .chain {
        grid-column: 1 / -1;
        margin: 8px 0 4px;
        padding: 8px 0 0;
        border-top: 1px solid var(--divider-color);
        list-style: none;
        display: flex;
        flex-wrap: wrap;
        gap: 4px 24px;
      }
      .chain .done {
        color: var(--good);
      }
      .chain .failed {
        color: var(--danger);
        font-weight: 700;
      }
      .checks {
        list-style: none;
        padding: 0;
        display: grid;
        gap: 12px;
      }
      .set {
        display: flex;
        align-items: center;
        gap: 8px;
        margin-top: 4px;
      }
      .empty {
        padding: 24px 16px;
        font-size: 18px;
      }
      .foot {
        margin-top: 16px;
      }
      .only-print {
        display: none;
      }
      :host([narrow]) .rows > li {
        grid-template-columns: minmax(0, 1fr);
        contain-intrinsic-size: auto 210px;
      }
      :host([narrow]) .do > button {
        flex: 1 1 120px;
      }
      @media print {
        .only-print {
          display: block;
        }
        .rows > li {
          break-inside: avoid;
          grid-template-columns: 4fr 3fr 4fr 3fr;
          padding: 4px 0;
          border-width: 0 0 1px;
          border-radius: 0;
          content-visibility: visible;
          font-size: 11px;
          color: #000;
          background: none;
        }
        .signatures {
          display: flex;
          justify-content: space-between;
          gap: 32px;
          margin-top: 48px;
        }
        .signatures span {
          flex: 1;
          border-top: 1px solid;
          padding-top: 4px;
        }
      }
    `,
  ];
}

/** How many people were told of an incident and it has come through. */
const reachedOf = (people: People, incident: Incident | null): number =>
  (incident ? people.groupsOf(incident) : [])
    .flatMap(({ slots }) => slots)
    .filter((slot) => slot.reached.some(({ state: how }) => REACHED.has(how))).length;

const drillAt = (context: Context, deviceId: string): Incident | null =>
  [...context.book.incidents.values()].find(
    (incident) => incident.drill && incident.alarms.some((alarm) => alarm.device_id === deviceId),
  ) ?? null;

const collators = new Map<string, Intl.Collator>();
function collatorOf(language: string): Intl.Collator {
  const found = collators.get(language) ?? new Intl.Collator(language, { numeric: true });
  collators.set(language, found);
  return found;
}

/** `2 min. ago`, in the largest unit that fits. */
function ago(seconds: number, language: string): string {
  const format = new Intl.RelativeTimeFormat(language, { style: "short" });
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) {
    return format.format(-whole, "second");
  }
  if (whole < 3600) {
    return format.format(-Math.floor(whole / 60), "minute");
  }
  return whole < 172_800 ? format.format(-Math.floor(whole / 3600), "hour") : format.format(-Math.floor(whole / 86_400), "day");
}

define({ "cs-devices": DevicesPage });
