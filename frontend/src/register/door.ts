import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { define } from "../define";
import { TwiceButton } from "../twice";
import { decoded } from "../address";
import { GuestElement } from "./guest";
import type { DoorCard, DoorCards, Doorway, Passage } from "./model";
import { Page, pageStyles } from "./page";
import { apis, lastDayOf, option, pathOf, timeOf, type Api } from "./room";
import { Sheet, type Done } from "./sheet";
import { whyUnproven } from "./why";

/** So many cards are asked for at once. */
const PAGE = 50;

/** What the register knows of the door whose page is shown: for whom it opens, its cards, and who went through. */
export class DoorGuest extends GuestElement {
  constructor() {
    super();
    define({ "cs-twice": TwiceButton, "cs-door-cards": DoorSection, "cs-assign-door": AssignDoorSheet });
  }

  override render() {
    const [, , deviceId = "", door = ""] = this.path.split("/").map(decoded);
    return apis(this.room, "get_door_cards", "get_passages").map(
      (api) => html`<cs-door-cards .room=${this.room} .api=${api} .deviceId=${deviceId} .door=${door}></cs-door-cards>`,
    );
  }
}

/** Who went through, and what was asked for it; `next` is the page that follows. */
interface Passed {
  passages: Passage[];
  more: boolean;
  next: string | null;
  asked: object;
}

export class DoorSection extends Page {
  @property({ attribute: false }) api!: Api;
  @property() deviceId = "";
  @property() door = "";
  /** Null until somebody has asked: each is a read of its own, with its row in the audit. */
  @state() private found: DoorCards | null = null;
  @state() private doorways: Doorway[] = [];
  @state() private all = false;
  @state() private isAssigning = false;
  /** Who went through in the last day, for the reason that was given: null until somebody has asked. */
  @state() private passed: Passed | null = null;
  @state() private isAsking = false;

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has("deviceId") || changed.has("door")) {
      this.found = null;
      this.passed = null;
      this.all = this.isAssigning = this.isAsking = false;
      this.done = this.failure = "";
    }
  }

  protected override async load(): Promise<void> {
    const { api, deviceId, door } = this;
    const [found, { doors }] = await Promise.all([
      api.ask<DoorCards>("door_cards", { device_id: deviceId, only_unproven: !this.all, limit: PAGE }),
      api.ask<{ doors: Doorway[] }>("doors"),
    ]);
    if (deviceId === this.deviceId && door === this.door) {
      this.found = found;
      // A controller with one door may not number it.
      this.doorways = doors.filter((row) => row.device_id === deviceId && row.door === (door || "1"));
    }
  }

  override render() {
    const { api, found } = this;
    const { t } = this.room;
    return html`${this.said()} ${found ? [this.rights(), this.list(found)] : nothing} ${this.passages()}
      <p class="actions">
        ${api.may("get_door_cards") && !found
          ? html`<button data-do="door-cards" @click=${() => void this.reload()}>${t("door_cards")}</button>`
          : nothing}
        ${api.may("get_passages") && !this.isAsking
          ? html`<button
              data-do="passages"
              @click=${() => {
                this.isAsking = true;
              }}
            >
              ${t("passages")}
            </button>`
          : nothing}
      </p>
      ${this.isAssigning
        ? html`<cs-assign-door
            .room=${this.room}
            .api=${api}
            .deviceId=${this.deviceId}
            .door=${this.door || "1"}
            @closed=${this.closed}
          ></cs-assign-door>`
        : nothing}`;
  }

  // Who went through

  private passages(): TemplateResult | typeof nothing {
    const { api, room, passed } = this;
    const { t } = room;
    if (this.isAsking) {
      return html`<section class="box">
        <h2>${t("passages_title")}</h2>
        <p class="quiet">${t("why_audited")}</p>
        ${this.askReason(api, "get_passages", (reason) => {
          this.isAsking = false;
          void this.trying(() => this.look(reason));
        })}
      </section>`;
    }
    if (!passed) {
      return nothing;
    }
    return html`<section class="box" data-part="passages">
      <h2>${t("passages_title")}</h2>
      ${passed.passages.length
        ? html`<ul class="flat cards">
            ${passed.passages.map((row) => this.passage(row))}
          </ul>`
        : html`<p>${t("passages_none")}</p>`}
      ${passed.more
        ? html`<p class="quiet">${t("passages_more", { count: passed.passages.length })}</p>
            <button data-do="passages-more" ?disabled=${room.locked} @click=${() => void this.trying(() => this.lookFurther(passed))}>
              ${t("passages_further")}
            </button>`
        : nothing}
    </section>`;
  }

  private async look(reason: string): Promise<void> {
    const { api, deviceId, door, room } = this;
    const asked = { device_id: deviceId, door: door || "1", reason };
    const [passed] = await Promise.all([
      api.ask<Passed>("passages", asked, { withReason: false }),
      room.hass.loadBackendTranslation("entity", "community_safety"),
    ]);
    if (deviceId === this.deviceId && door === this.door) {
      this.passed = { ...passed, asked };
    }
  }

  private async lookFurther(before: Passed): Promise<void> {
    const { asked, next, passages } = before;
    const found = await this.api.ask<Passed>("passages", { ...asked, page: next }, { withReason: false });
    if (this.passed === before) {
      this.passed = { ...found, asked, passages: [...passages, ...found.passages] };
    }
  }

  private passage(row: Passage): TemplateResult {
    const { room, api } = this;
    const { t } = room;
    const key = `component.community_safety.entity.event.passage.state_attributes.decision.state.${row.decision}`;
    const who = row.name ?? t("passage_nobody");
    return html`<li class="actions" data-granted=${String(row.granted)}>
      <time class="number">${timeOf(room, row.at)}</time>
      <span class="tag ${row.granted ? "good" : "bad"}">${room.hass.localize(key) || row.decision}</span>
      <strong>
        ${row.person_id && api.may("get_person")
          ? this.link(pathOf(room.session, "person", row.person_id, api.property.entry_id), who)
          : who}
      </strong>
      <span class="quiet number">${row.card_number}</span>
      ${row.inwards === null ? nothing : html`<span class="quiet">${t(row.inwards ? "passage_in" : "passage_out")}</span>`}
    </li>`;
  }

  // For whom it opens

  private rights(): TemplateResult {
    const { api, room, doorways } = this;
    const { t } = room;
    return html`<section class="box">
      <h2>${t("door_opens_for")}</h2>
      ${doorways.length
        ? html`<ul class="flat">
            ${doorways.map(
              (row) =>
                html`<li class="actions" data-doorway=${row.door_id}>
                  <span>${this.whom(row)}</span>
                  ${api.may("remove_door")
                    ? this.pressTwice("remove-door", t("remove_door"), () => this.takeBack(row))
                    : nothing}
                </li>`,
            )}
          </ul>`
        : html`<p>${t("door_for_nobody")}</p>`}
      ${api.may("assign_door")
        ? html`<p class="actions">
            <button
              data-do="assign-door"
              ?disabled=${room.locked}
              @click=${() => {
                this.isAssigning = true;
              }}
            >
              ${t("assign_door")}
            </button>
          </p>`
        : nothing}
    </section>`;
  }

  private whom({ medium, building, stairwell, number }: Doorway): string {
    const { t } = this.room;
    if (!building) {
      return t(medium === "plate" ? "door_for_all_plates" : "door_for_all");
    }
    const place = [building, stairwell, number].filter(Boolean).join("-");
    return number ? t("door_for_unit", { place }) : t(stairwell ? "door_for_stairwell" : "door_for_building", { place });
  }

  private list(found: DoorCards): TemplateResult {
    const { room } = this;
    const { t } = room;
    const { list } = found;
    const unknown = list?.unknown ?? [];
    const isCalm = !unknown.length && !found.missing && !found.left && !found.pending && !found.sent;
    const ofPlates = found.medium === "plate";
    return html`<section class="box" data-part="list">
      <h2>${t(ofPlates ? "door_plates" : "door_list")}</h2>
      <p class="number">
        ${list
          ? t(ofPlates ? "door_plates_read" : "door_list_read", { time: timeOf(room, list.at), count: list.count })
          : t(found.sent ? "door_list_unreadable" : "door_list_unread")}
      </p>
      <ul class="actions flat tags">
        <li class="tag">${t("door_total", { count: found.total })}</li>
        ${found.sent ? html`<li class="tag warn" data-part="sent">${t("door_sent", { count: found.sent })}</li>` : nothing}
        ${found.pending ? html`<li class="tag warn">${t("door_pending", { count: found.pending })}</li>` : nothing}
        ${found.missing ? html`<li class="tag bad">${t("door_missing", { count: found.missing })}</li>` : nothing}
        ${found.left ? html`<li class="tag bad">${t("door_left", { count: found.left })}</li>` : nothing}
        ${isCalm && list ? html`<li class="tag good">${t("door_as_it_should")}</li>` : nothing}
      </ul>
      ${unknown.length
        ? html`<h3>${t(ofPlates ? "door_unknown_plates" : "door_unknown")}</h3>
            <ul class="actions flat">
              ${unknown.map((number) => html`<li class="tag bad number">${number}</li>`)}
            </ul>
            <p class="quiet">${t("door_unknown_hint")}</p>`
        : nothing}
      <ul class="flat cards">
        ${found.cards.map((card) => this.card(card))}
      </ul>
      <p class="actions">
        ${!this.all && found.total > found.cards.length
          ? html`<button
              data-do="all-cards"
              @click=${() => {
                this.all = true;
                void this.reload();
              }}
            >
              ${t("door_all_cards")}
            </button>`
          : this.all && found.cards.length < found.total
            ? html`<button data-do="more-cards" @click=${() => void this.trying(() => this.more(found))}>${t("door_more_cards")}</button>`
            : nothing}
        <button data-do="look-again" @click=${() => void this.reload()}>${t("look_again")}</button>
      </p>
    </section>`;
  }

  private async more(found: DoorCards): Promise<void> {
    const next = await this.api.ask<DoorCards>("door_cards", {
      device_id: this.deviceId,
      offset: found.cards.length,
      limit: PAGE,
    });
    if (this.found === found) {
      this.found = { ...next, cards: [...found.cards, ...next.cards] };
    }
  }

  private card(card: DoorCard): TemplateResult {
    const { room, api } = this;
    const { t } = room;
    const tag = card.proof === "proven" ? "good" : card.proof === "unproven" ? "bad" : "warn";
    const word =
      card.proof === "proven"
        ? t("proven_there")
        : card.proof === "unproven"
          ? t(card.wanted ? "door_card_missing" : "door_card_left")
          : card.proof === "sent"
            ? t("sent_there")
            : t("being_asked");
    const number = card.card_number || t("no_number");
    return html`<li class="actions" data-card=${card.card_id} data-proof=${card.proof}>
      <strong class="number">
        ${card.person_id && api.may("get_person")
          ? this.link(pathOf(room.session, "person", card.person_id, api.property.entry_id), number)
          : number}
      </strong>
      <span class="tag ${tag}">${word}</span>
      <span>${option(room, "card_holder", card.holder)}${card.unit ? ` · ${card.unit}` : nothing}</span>
      ${card.wanted ? html`<span class="quiet number">${t("until", { day: lastDayOf(room, card.end) })}</span>` : nothing}
      ${card.why_unproven ? html`<span class="quiet">${whyUnproven(t, card.why_unproven)}</span>` : nothing}
    </li>`;
  }

  private async takeBack(row: Doorway): Promise<void> {
    await this.trying(async () => {
      await this.api.ask("remove_door", { door_id: row.door_id });
      this.did(this.room.t("card_ordered"));
      await this.load();
    });
  }

  private readonly closed = (event: CustomEvent<Done | undefined>): void => {
    this.isAssigning = false;
    if (event.detail) {
      this.done = event.detail.text;
      void this.reload();
    }
  };

  static override readonly styles = [
    ...pageStyles,
    css`
      .cards li,
      section > ul.flat > li.actions {
        border-top: 1px solid var(--divider-color);
        min-height: 44px;
      }
      .tags,
      section > .actions {
        margin: 8px 0;
      }
    `,
  ];
}

/** Says for whom a door opens. */
export class AssignDoorSheet extends Sheet {
  @property() deviceId = "";
  @property() door = "";

  protected override heading(): string {
    return this.room.t("assign_door_title");
  }

  protected override body(): TemplateResult {
    const { t } = this.room;
    return html`<form
      @submit=${(event: Event) => {
        event.preventDefault();
        void this.submit(() => this.send());
      }}
    >
      <div class="fields">
        ${this.field("building", t("building"))} ${this.field("stairwell", t("stairwell_label"))} ${this.field("number", t("number"))}
      </div>
      <p class="quiet">${t("assign_door_hint")}</p>
      <div class="actions"><button class="main" type="submit" ?disabled=${this.blocked}>${t("assign_door_do")}</button></div>
    </form>`;
  }

  private async send(): Promise<Done> {
    const { building = "", stairwell = "", number = "" } = this.values;
    await this.api.ask("assign_door", { device_id: this.deviceId, door: this.door, building, stairwell, number });
    return { text: this.room.t("card_ordered") };
  }
}
