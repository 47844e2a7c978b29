import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import type { Card, CardPlace, Doorway, Person, Reading } from "./model";
import { Page, pageStyles } from "./page";
import { lastDayOf, option, timeOf, today, type Api } from "./room";
import { Sheet, type Done } from "./sheet";
import type { Key } from "./texts";
import { whyUnproven } from "./why";

/** Cards whose end is said, and does not follow from leases. */
const hasEnd = (card: Card): boolean => card.holder !== "lease";

/** A reader as it is chosen. */
const keyOf = (row: Doorway | undefined): string => (row ? `${row.device_id}/${row.door}` : "");

/** What can be done to a card, by what was decided about it last. */
const DEEDS: Record<string, string[]> = {
  requested: ["revoke_card"],
  issued: ["suspend_card", "lose_card", "revoke_card"],
  suspended: ["resume_card", "lose_card", "revoke_card"],
  lost: ["revoke_card"],
};
const BAD = new Set(["unproven", "lost"]);
/** So many seconds after an order it is looked again, while controllers are being asked: each look is in the audit. */
const LOOKS = [2, 4, 10];

/** The cards of somebody: what each comes to, where it opens, and what can be done about it. */
export class CardsSection extends Page {
  @property({ attribute: false }) api!: Api;
  @property({ attribute: false }) person!: Person;
  /** Null until somebody has asked: each is a read of its own, with its row in the audit. */
  @state() private cards: Card[] | null = null;
  /** Where cards open that somebody has asked for. */
  @state() private places: Record<string, CardPlace[]> = {};
  /** The request that gets a number; "new": a new card; "plate": the plate of a vehicle. */
  @state() private issued: Card | "new" | "plate" | null = null;
  /** The card that gets another end. */
  @state() private renewed: Card | null = null;

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    const before = changed.get("person") as Person | undefined;
    if (before && before.person_id !== this.person.person_id) {
      this.cards = this.issued = this.renewed = null;
      this.places = {};
    }
  }

  protected override async load(): Promise<void> {
    const { api, person } = this;
    const answer = await api.ask<{ cards: Card[] }>("cards", { person_id: person.person_id });
    if (person.person_id !== this.person.person_id) {
      return;
    }
    this.cards = answer.cards;
    for (const card_id of Object.keys(this.places)) {
      await this.look(card_id);
    }
  }

  /** Looks again until the controllers have answered, a few times. */
  private async settle(): Promise<void> {
    for (const seconds of LOOKS) {
      await new Promise((resolve) => window.setTimeout(resolve, seconds * 1000));
      if (!this.isConnected || !this.cards?.some((card) => card.state === "pending")) {
        return;
      }
      await this.trying(() => this.load());
    }
  }

  private async look(cardId: string): Promise<void> {
    const { controllers } = await this.api.ask<{ controllers: CardPlace[] }>("card_doors", { card_id: cardId });
    this.places = { ...this.places, [cardId]: controllers };
  }

  override render() {
    const { api, cards } = this;
    const { t } = this.room;
    if (!cards) {
      return html`${this.said()}
        <p class="actions"><button data-do="cards" @click=${() => void this.reload()}>${t("cards")}</button></p>`;
    }
    return html`<section class="box">
        <h2>${t("cards")}</h2>
        ${this.said()}
        ${cards.length ? html`<ul class="flat">${cards.map((card) => this.card(card))}</ul>` : html`<p>${t("no_cards")}</p>`}
        <div class="actions">
          ${api.may("issue_card")
            ? html`<button data-do="issue" ?disabled=${this.room.locked} @click=${this.issue}>${t("issue_card")}</button>`
            : api.may("request_card")
              ? html`<button data-do="request" ?disabled=${this.room.locked} @click=${() => void this.request()}>${t("request_card")}</button>`
              : nothing}
          ${api.may("issue_plate")
            ? html`<button
                data-do="issue-plate"
                ?disabled=${this.room.locked}
                @click=${() => {
                  this.issued = "plate";
                }}
              >
                ${t("issue_plate")}
              </button>`
            : nothing}
          <button data-do="look-again" @click=${() => void this.reload()}>${t("look_again")}</button>
        </div>
      </section>
      ${this.issued === "plate"
        ? html`<cs-issue-plate .room=${this.room} .api=${api} .person=${this.person} @closed=${this.closed}></cs-issue-plate>`
        : nothing}
      ${this.issued && this.issued !== "plate"
        ? html`<cs-issue-card
            .room=${this.room}
            .api=${api}
            .person=${this.person}
            .card=${this.issued === "new" ? null : this.issued}
            @closed=${this.closed}
          ></cs-issue-card>`
        : nothing}
      ${this.renewed
        ? html`<cs-renew-card .room=${this.room} .api=${api} .card=${this.renewed} @closed=${this.closed}></cs-renew-card>`
        : nothing}`;
  }

  private card(card: Card): TemplateResult {
    const { api, room } = this;
    const { t } = room;
    const tag = card.state === "active" ? "good" : BAD.has(card.state) ? "bad" : card.state === "pending" ? "warn" : "";
    const deeds = card.closed_at ? [] : (DEEDS[card.decision] ?? []).filter((deed) => api.may(deed));
    return html`<li data-card=${card.card_id} data-state=${card.state}>
      <div class="actions">
        <strong class="number">${card.card_number || t("no_number")}</strong>
        <span class="tag ${tag}">${this.state(card)}</span>
        ${card.medium === "plate" ? html`<span class="tag">${t("plate_of_vehicle")}</span>` : nothing}
        <span>${option(room, "card_holder", card.holder)}${card.unit ? ` · ${card.unit}` : nothing}</span>
        ${card.end ? html`<span class="quiet number">${this.hours(card, card.end)}</span>` : nothing}
        <span class="grow"></span>
        ${card.decision === "requested" && !card.closed_at && api.may("issue_card")
          ? html`<button data-do="give" ?disabled=${room.locked} @click=${() => {
              this.issued = card;
            }}
            >${t("issue_card")}</button>`
          : nothing}
        ${hasEnd(card) && card.decision !== "requested" && deeds.length && api.may("renew_card")
          ? html`<button data-do="renew" ?disabled=${room.locked} @click=${() => {
              this.renewed = card;
            }}
            >${t("renew_card")}</button>`
          : nothing}
        ${deeds.map((deed) => this.pressTwice(deed, t(deed as Key), () => this.decide(deed, card)))}
        ${card.card_number && !card.closed_at && !this.places[card.card_id]
          ? html`<button data-do="where" @click=${() => void this.trying(() => this.look(card.card_id))}>${t("where_it_opens")}</button>`
          : nothing}
      </div>
      ${this.where(card)}
    </li>`;
  }

  /** Of who comes for hours these; of all others the last day. */
  private hours({ holder, start }: Card, end: string): string {
    const { room } = this;
    const { t } = room;
    if (holder !== "visitor") {
      return t("until", { day: lastDayOf(room, end) });
    }
    return start ? t("from_to", { start: timeOf(room, start), end: timeOf(room, end) }) : t("until", { day: timeOf(room, end) });
  }

  private state(card: Card): string {
    const { t } = this.room;
    const count = card.state === "unproven" ? card.unproven : card.pending;
    return t(`card_${card.state}` as Key, { count });
  }

  private where(card: Card): TemplateResult | typeof nothing {
    const { room } = this;
    const { t } = room;
    const places = this.places[card.card_id];
    if (!places) {
      return nothing;
    }
    return places.length
      ? html`<ul class="flat places">
          ${places.map(
            (row) =>
              html`<li class="actions">
                <span>${row.name ?? t("controller_gone")}</span>
                <span class="quiet">${t("doors_of", { doors: row.doors.join(t("comma")) })}</span>
                <span class="tag ${row.proof === "proven" ? (row.opens ? "good" : "") : row.proof === "unproven" ? "bad" : "warn"}"
                  >${t(row.proof === "proven" ? (row.opens ? "proven_there" : "proven_gone") : row.proof === "unproven" ? "not_proven" : row.proof === "sent" ? "sent_there" : "being_asked")}</span
                >
                ${row.proven_at ? html`<span class="quiet number">${t("read_back", { day: timeOf(room, row.proven_at) })}</span>` : nothing}
                ${row.why_unproven ? html`<span class="quiet">${whyUnproven(t, row.why_unproven)}</span>` : nothing}
              </li>`,
          )}
        </ul>`
      : html`<p class="quiet">${t("opens_nothing")}</p>`;
  }

  private async decide(deed: string, card: Card): Promise<void> {
    await this.trying(async () => {
      await this.api.ask(deed, { card_id: card.card_id });
      this.did(this.room.t("card_ordered"));
      await this.load();
      void this.settle();
    });
  }

  private async request(): Promise<void> {
    await this.trying(async () => {
      await this.api.ask("request_card", { person_id: this.person.person_id });
      this.did(this.room.t("card_asked"));
      await this.load();
    });
  }

  private readonly issue = (): void => {
    this.issued = "new";
  };

  private readonly closed = (event: CustomEvent<Done | undefined>): void => {
    this.issued = this.renewed = null;
    if (event.detail) {
      this.done = event.detail.text;
      void this.reload().then(() => this.settle());
    }
  };

  static override readonly styles = [
    ...pageStyles,
    css`
      :host {
        margin: 12px 0;
      }
      li {
        border-top: 1px solid var(--divider-color);
        padding: 4px 0;
      }
      .places {
        padding-inline-start: 16px;
      }
      section > .actions {
        margin-top: 8px;
      }
    `,
  ];
}

/** So long a card is waited for at a reader, and then for the answer, in milliseconds. */
const READ_MILLISECONDS = 40_000;
/** The reader that was used last, while the page is open. */
let lastReader = "";

/** Gives somebody a card: for as long as their leases last, or as staff until a day. */
export class IssueCardSheet extends Sheet {
  @property({ attribute: false }) person!: Person;
  /** What was asked for, and gets its number now. */
  @property({ attribute: false }) card: Card | null = null;
  /** Doors with a reader; null until somebody wants to read a card. */
  @state() private readers: Doorway[] | null = null;
  @state() private isReading = false;
  @state() private reading: Reading | null = null;
  protected readonly verb: Key = "issue_card_do";
  protected readonly leaseHint: Key = "card_lease_hint";

  override connectedCallback(): void {
    super.connectedCallback();
    this.values["holder"] = this.person.leases.length ? "lease" : "staff";
  }

  /** The number by hand, or from the card that is held before a reader. */
  protected number(): TemplateResult {
    const { api, room, reading, readers } = this;
    const { t } = room;
    if (reading) {
      return html`<p class="reading" role="status">
        <strong class="number">${t("card_read", { number: reading.card_number })}</strong>
        ${reading.is_known ? html`<span class="tag bad">${reading.name ? t("card_read_of", { who: reading.name }) : t("card_read_known")}</span>` : nothing}
        <button
          type="button"
          data-do="read-again"
          @click=${() => {
            this.reading = null;
          }}
        >
          ${t("card_read_other")}
        </button>
      </p>`;
    }
    return html`${this.field("card_number", t("card_number"), { required: true })}
    ${!api.may("read_card")
      ? nothing
      : readers
        ? html`<div class="actions">
            ${this.select(
              "reader",
              t("card_reader"),
              readers.map((row) => [keyOf(row), `${row.name ?? t("controller_gone")} · ${row.door}`]),
            )}
            <button type="button" data-do="read" ?disabled=${this.blocked || this.isReading || !readers.length} @click=${() => void this.read()}>
              ${t("card_read_do")}
            </button>
            <p class="quiet" role="status">${this.isReading ? t("card_hold_it") : ""}</p>
          </div>`
        : html`<button type="button" data-do="readers" @click=${() => void this.submit(() => this.askReaders())}>${t("card_read_open")}</button>`}`;
  }

  private async askReaders(): Promise<null> {
    const { doors } = await this.api.ask<{ doors: Doorway[] }>("doors");
    // A door is listed once for each of those that it opens for.
    this.readers = [...new Map(doors.map((row) => [keyOf(row), row])).values()];
    this.values["reader"] = this.readers.some((row) => keyOf(row) === lastReader) ? lastReader : keyOf(this.readers[0]);
    return null;
  }

  private async read(): Promise<void> {
    const row = this.readers?.find((item) => keyOf(item) === this.values["reader"]);
    if (!row) {
      return;
    }
    this.isReading = true;
    await this.submit(async () => {
      this.reading = await this.api.ask<Reading>("read_card", { device_id: row.device_id, door: row.door }, { patience: READ_MILLISECONDS });
      lastReader = keyOf(row);
      return null;
    });
    this.isReading = false;
  }

  protected override heading(): string {
    return this.room.t("card_for", { who: this.person.name });
  }

  protected override body(): TemplateResult {
    const { room } = this;
    const { t } = room;
    const isOfLease = this.card !== null || this.values["holder"] === "lease";
    return html`<form
      @submit=${(event: Event) => {
        event.preventDefault();
        void this.submit(() => this.send());
      }}
    >
      <div class="fields">
        ${this.number()}
        ${this.card
          ? nothing
          : this.select(
              "holder",
              t("card_as"),
              ["lease", "staff", "volunteer"].map((key) => [key, option(room, "card_holder", key)]),
            )}
        ${isOfLease ? nothing : this.field("end", t("last_day"), { type: "date", required: true, minimum: today(room) })}
        ${isOfLease
          ? nothing
          : this.select("everywhere", t("card_opens"), [
              ["", t("shared_doors")],
              ["all", t("all_doors")],
            ])}
      </div>
      <p class="quiet">${t(isOfLease ? this.leaseHint : "card_number_hint")}</p>
      <div class="actions">
        <button class="main" type="submit" ?disabled=${this.blocked || (this.reading?.is_known ?? false)}>${t(this.verb)}</button>
      </div>
    </form>`;
  }

  protected async send(): Promise<Done> {
    const { card_number } = this.values;
    await this.api.ask("issue_card", {
      ...(this.reading ? { reading_id: this.reading.reading_id } : { card_number }),
      ...(this.card ? { card_id: this.card.card_id } : this.holder()),
    });
    return { text: this.room.t("card_ordered") };
  }

  /** Whose it is, and until when. */
  protected holder(): Record<string, unknown> {
    const { holder = "lease", end = "", everywhere } = this.values;
    return {
      person_id: this.person.person_id,
      holder,
      // The end of that day in the house.
      ...(holder === "lease" ? {} : { end: `${end}T23:59:59`, everywhere: everywhere === "all" }),
    };
  }
}

/** Lets somebody's vehicle in by its plate, as a card lets in who has it. */
export class IssuePlateSheet extends IssueCardSheet {
  protected override readonly verb: Key = "issue_plate_do";
  protected override readonly leaseHint: Key = "plate_lease_hint";

  protected override heading(): string {
    return this.room.t("plate_for", { who: this.person.name });
  }

  protected override number(): TemplateResult {
    return this.field("plate", this.room.t("plate_number"), { required: true });
  }

  protected override async send(): Promise<Done> {
    const { plate } = this.values;
    await this.api.ask("issue_plate", { plate, ...this.holder() });
    return { text: this.room.t("card_ordered") };
  }
}

/** Lets a card that follows no lease end at another time. */
export class RenewCardSheet extends Sheet {
  @property({ attribute: false }) card!: Card;

  protected override heading(): string {
    return this.room.t("renew_card_title", { number: this.card.card_number });
  }

  protected override body(): TemplateResult {
    const { room } = this;
    const { t } = room;
    const isVisitor = this.card.holder === "visitor";
    return html`<form
      @submit=${(event: Event) => {
        event.preventDefault();
        void this.submit(() => this.send(isVisitor));
      }}
    >
      <div class="fields">
        ${isVisitor
          ? this.field("end", t("valid_until"), { type: "datetime-local", required: true, minimum: `${today(room)}T00:00` })
          : this.field("end", t("last_day"), { type: "date", required: true, minimum: today(room) })}
      </div>
      <div class="actions"><button class="main" type="submit" ?disabled=${this.blocked}>${t("renew_card_do")}</button></div>
    </form>`;
  }

  private async send(isVisitor: boolean): Promise<Done> {
    const { end = "" } = this.values;
    // The end of that day in the house.
    await this.api.ask("renew_card", { card_id: this.card.card_id, end: isVisitor ? end : `${end}T23:59:59` });
    return { text: this.room.t("card_ordered") };
  }
}
