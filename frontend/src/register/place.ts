import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { ChangeSheet, type Subject } from "./change";
import type { HazardRow, Outcome, PlaceFile, Registered, UnitFile } from "./model";
import { Page, pageStyles } from "./page";
import { placeData, placeFields } from "./place-fields";
import { placeName, plateOf } from "./places";
import { PrintSheet } from "./print";
import { hazardItem } from "./reports";
import { Revealed } from "./revealed";
import { RecordVisitSheet, RoundsHere } from "./round";
import { apiOf, apis, dayOf, option, pathOf, period, type Api } from "./room";
import { Sheet, type Done } from "./sheet";
import { undotted } from "../translate";

/** Ids of the register are so long; what is shorter is the code on a plate. */
const ID_CHARACTERS = 26;
const FINDINGS = ["in_order", "nobody_there", "not_as_registered", "hazard", "not_let_in"];
const ROLES = ["responsible", "operator", "owner"];

/** A place: what it is, who is registered there, what hazards are open, who answers for it, and who was there last. */
export class PlacePage extends Page {
  /** Its id, or the code on its plate: who has scanned it comes with that. */
  @property() placeId = "";
  @property() entryId: string | null = null;
  @state() private place: PlaceFile | null = null;
  @state() private unit: UnitFile | null = null;
  /** The open reports of hazards there; null for who may not see them. */
  @state() private hazards: HazardRow[] | null = null;
  @state() private sheet: "change" | "visit" | "party" | null = null;
  @state() private html = "";
  private of: Api | null = null;
  private readonly revealed = new Revealed<Registered[]>(this);

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has("placeId") || changed.has("entryId")) {
      this.place = this.unit = this.hazards = this.of = null;
      this.revealed.hide();
      void this.reload();
    }
  }

  private get code(): string | null {
    return this.placeId.length === ID_CHARACTERS ? null : this.placeId;
  }

  /** How the server is told which place it is. */
  private get which(): object {
    return this.code === null ? { place_id: this.placeId } : { code: this.code };
  }

  private get first(): Api | null {
    return this.of ?? (this.code === null ? apiOf(this.room, this.entryId) : (apis(this.room, "get_place")[0] ?? null));
  }

  protected override async load(): Promise<void> {
    const api = this.first;
    if (!api || api.lacksReason("get_place")) {
      return;
    }
    const { which } = this;
    // A plate does not say of which property it is.
    const all = this.code === null ? [api] : apis(this.room, "get_place");
    let found: { of: Api; place: PlaceFile } | null = null;
    let failure: unknown;
    for (const one of all) {
      try {
        found = { of: one, place: await one.ask<PlaceFile>("place", which) };
        break;
      } catch (error) {
        failure = error;
      }
    }
    if (!found) {
      throw failure;
    }
    const { of, place } = found;
    this.of = of;
    this.place = place;
    const { unit_id: unitId } = place;
    this.unit = unitId && of.may("get_unit", unitId) ? await of.ask<UnitFile>("unit", { unit_id: unitId }) : null;
    if (of.may("get_reports") && !of.lacksReason("get_reports")) {
      const { reports } = await of.ask<{ reports: HazardRow[] }>("reports");
      this.hazards = reports.filter((row) => row.place_id === place.place_id);
    }
  }

  override render() {
    const { place, room } = this;
    const { t } = room;
    const api = this.first;
    const back = api?.may("get_places") ? this.link("/places", `‹ ${t("places")}`) : nothing;
    const gate = api ? this.gate(api, "get_place") : null;
    if (gate || !api || !place) {
      return html`${back} ${gate ?? this.said()}
      ${gate || this.failure ? nothing : html`<div class="skeleton" role="status" aria-label=${t("waiting")}></div>`}`;
    }
    const incident = room.incidentIn(place.area_id);
    return html`${back}
      <div class="head">
        <h1>${placeName(room, place)}</h1>
        <span>${place.address}</span>
        <span class="tag">${option(room, "place_kind", place.kind)}</span>
        ${place.storey === null ? nothing : html`<span class="quiet">${t("storey")} ${place.storey}</span>`}
        ${incident ? this.link(`/incident/${incident}`, t("incident_here"), "tag bad") : nothing}
        <span class="grow"></span>
        <span class="actions">
          ${api.may("visit_place") ? html`<button class="main" data-do="visit_place" ?disabled=${room.locked} @click=${this.opens("visit")}>${t("visited")}</button>` : nothing}
          ${!place.unit_id && api.may("remove_place")
            ? this.pressTwice("remove_place", t("remove_place"), () =>
                this.trying(async () => {
                  await api.ask("remove_place", { place_id: place.place_id });
                  room.go("/places");
                }),
              )
            : nothing}
          ${api.may("save_place") ? html`<button data-do="save_place" ?disabled=${room.locked} @click=${this.opens("change")}>${t("change")}</button>` : nothing}
        </span>
      </div>
      ${this.reason()} ${this.said()}
      ${place.sockets
        ? html`<p>${t("free_sockets", { free: place.sockets.free, total: place.sockets.total, unknown: place.sockets.unknown })}</p>`
        : nothing}
      ${place.unit_id && api.may("get_rounds")
        ? html`<cs-rounds-here .room=${room} .narrow=${this.narrow} .of=${api} .code=${this.code} .placeId=${place.place_id}></cs-rounds-here>`
        : nothing}
      ${this.plate(api, place)} ${this.registered(api, place)} ${this.reported(api)} ${this.parties(api, place)} ${this.visits(place)} ${this.sheets(api, place)}`;
  }

  private plate(api: Api, place: PlaceFile): TemplateResult {
    const { room } = this;
    const { t } = room;
    return html`<section class="box">
      <h2>${t("plate")}</h2>
      <div class="actions">
        <span>${plateOf(place, this)}</span>
        <span class="grow"></span>
        ${api.may("print_codes")
          ? this.pressTwice(
              "print_codes",
              t("print"),
              () =>
                this.trying(async () => {
                  this.html = (await api.ask<{ html: string }>("print_codes", { place_ids: [place.place_id] })).html;
                }),
              place.code ? t("print_again", { count: 1 }) : undefined,
            )
          : nothing}
        ${place.code && api.may("revoke_code")
          ? this.pressTwice("revoke_code", t("revoke_plate"), () => this.changes(api, "revoke_code", { place_id: place.place_id }))
          : nothing}
      </div>
      ${api.may("print_codes") ? html`<p class="quiet">${t("tag", { id: place.tag_id })}</p>` : nothing}
    </section>`;
  }

  private async changes(api: Api, command: string, data: object): Promise<void> {
    await this.trying(async () => {
      await api.ask(command, data);
      this.did(this.room.t("saved"));
      await this.load();
    });
  }

  /** Who is registered there: masked first, and named to who stands there. */
  private registered(api: Api, place: PlaceFile): TemplateResult | typeof nothing {
    const { room, unit, code } = this;
    const { shown: people, left } = this.revealed;
    const { t } = room;
    if (!unit || !place.unit_id) {
      return nothing;
    }
    const mayReveal = code !== null && api.may("reveal_at_place") && !api.may("get_person_revealed", place.unit_id);
    return html`<section class="box" data-unit=${place.unit_id}>
      <h2>${t("people")}</h2>
      ${people
        ? html`<ul class="flat">
            ${people.map(
              (row) =>
                html`<li class="actions">
                  <strong>${row.name}</strong> <span>${option(room, "role", row.role)}</span>
                  <span class="number">${this.reached(row)}</span>
                </li>`,
            )}
          </ul>`
        : unit.people.length
          ? html`<ul class="flat">
              ${unit.people.map(
                (row) =>
                  html`<li class="actions">
                    <strong>${row.name}</strong> <span>${option(room, "role", row.role)}</span>
                    <span class="number">${period(room, row.start, row.end)}</span>
                    <span class="quiet number">${this.reached(row)}</span>
                  </li>`,
              )}
            </ul>`
          : html`<p>${t("vacant")}</p>`}
      <p class="actions">
        ${people
          ? html`<button data-do="hide" @click=${this.revealed.hide}>${t("hide", { seconds: left })}</button>`
          : mayReveal && unit.people.length
            ? html`<button data-do="reveal_at_place" ?disabled=${room.locked} @click=${() => void this.reveal(api)}>${t("reveal_here")}</button>`
            : nothing}
        ${api.may("get_units") ? this.link(pathOf(room.session, "unit", place.unit_id, api.property.entry_id), t("unit_page", { unit: unit.title })) : nothing}
      </p>
    </section>`;
  }

  /** The numbers and addresses of somebody, each once. That of a phone's app tells nobody anything. */
  private reached({ addresses }: Pick<Registered, "addresses">): string {
    const shown = addresses.filter(({ channel }) => channel !== "push").map(({ target }) => target);
    return [...new Set(shown)].join(this.room.t("comma"));
  }

  private async reveal(api: Api): Promise<void> {
    const { code } = this;
    await this.trying(async () => {
      const { people } = await api.ask<{ people: Registered[] }>("reveal_at_place", { code });
      if (this.isConnected && code === this.code) {
        this.revealed.show(people);
      }
    });
  }

  private reported(api: Api): TemplateResult | typeof nothing {
    const { hazards, room } = this;
    return hazards
      ? html`<section class="box">
          <h2>${room.t("reports")}</h2>
          ${hazards.length
            ? html`<ul class="flat">
                ${hazards.map((row) => hazardItem(room, api, row, option(room, "report_category", row.category)))}
              </ul>`
            : html`<p>${room.t("no_reports")}</p>`}
        </section>`
      : nothing;
  }

  private parties(api: Api, place: PlaceFile): TemplateResult | typeof nothing {
    const { room } = this;
    const { t } = room;
    const may = api.may("put_place_party");
    if (!place.parties.length && !may) {
      return nothing;
    }
    return html`<section class="box">
      <h2>${t("answers_for")}</h2>
      ${place.parties.length ? nothing : html`<p>${t("nobody_answers")}</p>`}
      <ul class="flat">
        ${place.parties.map(
          (row) =>
            html`<li class="actions" data-party=${row.party_id}>
              <strong>${row.name}</strong> <span>${option(room, "place_party", row.role)}</span>
              <span class="quiet number">${row.reached.join(t("comma"))}</span>
              <span class="grow"></span>
              ${may
                ? this.pressTwice("remove_place_party", t("take_out"), () => this.changes(api, "remove_place_party", { party_id: row.party_id }))
                : nothing}
            </li>`,
        )}
      </ul>
      ${may ? html`<button data-do="put_place_party" ?disabled=${room.locked} @click=${this.opens("party")}>${t("add_party")}</button>` : nothing}
    </section>`;
  }

  private visits(place: PlaceFile): TemplateResult {
    const { room } = this;
    const { t } = room;
    return html`<section class="box">
      <h2>${t("visits")}</h2>
      ${place.visits.length
        ? html`<ul class="flat">
            ${place.visits.map(
              (row) =>
                html`<li class="actions">
                  <span class="number">${dayOf(room, row.at)}</span>
                  <strong>${option(room, "place_finding", row.finding)}</strong>
                  <span>${row.note}</span>
                  <span class="quiet">${(row.who && place.accounts[row.who]) ?? ""}</span>
                  ${row.was_there ? html`<span class="tag good">${t("plate_scanned")}</span>` : nothing}
                </li>`,
            )}
          </ul>`
        : html`<p>${t("nobody_was_there")}</p>`}
    </section>`;
  }

  private opens(sheet: "change" | "visit" | "party"): () => void {
    return () => {
      this.sheet = sheet;
    };
  }

  private readonly closed = (event: CustomEvent<Done | undefined>): void => {
    this.sheet = null;
    if (this.html) {
      // What was scanned to come here is void now.
      this.html = "";
      this.room.go(pathOf(this.room.session, "place", this.place?.place_id ?? "", this.of?.property.entry_id ?? ""));
    }
    if (event.detail) {
      this.done = event.detail.text;
    }
    void this.reload();
  };

  private sheets(api: Api, place: PlaceFile): TemplateResult | typeof nothing {
    const { room, closed } = this;
    if (this.html) {
      return html`<cs-print .room=${room} .api=${api} .html=${this.html} @closed=${closed}></cs-print>`;
    }
    switch (this.sheet) {
      case "change":
        return html`<cs-change .room=${room} .api=${api} .subject=${this.subject(api, place)} @closed=${closed}></cs-change>`;
      case "visit":
        return html`<cs-visit-place .room=${room} .api=${api} .which=${this.which} @closed=${closed}></cs-visit-place>`;
      case "party":
        return html`<cs-party .room=${room} .api=${api} .placeId=${place.place_id} @closed=${closed}></cs-party>`;
      case null:
        return nothing;
    }
  }

  private subject(api: Api, place: PlaceFile): Subject {
    const { room } = this;
    return {
      title: room.t("change_title", { what: placeName(room, place) }),
      version: place.version,
      fields: placeFields(room, place),
      send: (values, version) =>
        api.ask<Outcome<PlaceFile, string>>("save_place", { place_id: place.place_id, version, ...placeData(values) }),
      read: (conflict) => ({
        version: (conflict as PlaceFile).version,
        fields: placeFields(room, conflict as PlaceFile),
      }),
    };
  }

  static override readonly styles = [
    ...pageStyles,
    css`
      li {
        border-top: 1px solid var(--divider-color);
        padding: 4px 0;
      }
      li span,
      li strong {
        overflow-wrap: anywhere;
      }
    `,
  ];
}

/** Says that one was there, and what was found. */
export class VisitSheet extends Sheet {
  @property({ attribute: false }) which: object = {};

  override connectedCallback(): void {
    super.connectedCallback();
    this.values["finding"] = FINDINGS[0] ?? "";
  }

  protected override heading(): string {
    return undotted(this.room.t("visited"));
  }

  protected override body(): TemplateResult {
    const { room } = this;
    const { t } = room;
    return html`<form
      @submit=${(event: Event) => {
        event.preventDefault();
        void this.submit(() => this.send());
      }}
    >
      ${this.select(
        "finding",
        t("finding"),
        FINDINGS.map((key) => [key, option(room, "place_finding", key)]),
      )}
      ${this.field("note", t("visit_note"))}
      <div class="actions">
        <button class="main" type="submit" ?disabled=${this.blocked}>${t("save")}</button>
      </div>
    </form>`;
  }

  private async send(): Promise<Done> {
    const { finding, note = "" } = this.values;
    await this.api.ask("visit_place", { ...this.which, finding, note });
    return { text: this.room.t("saved") };
  }
}

/** Says who answers for a place: somebody new, or an organisation. */
export class PartySheet extends Sheet {
  @property() placeId = "";

  override connectedCallback(): void {
    super.connectedCallback();
    this.values["role"] = ROLES[0] ?? "";
    this.values["organisation"] = "yes";
  }

  protected override heading(): string {
    return undotted(this.room.t("add_party"));
  }

  protected override body(): TemplateResult {
    const { room } = this;
    const { t } = room;
    return html`<form
      @submit=${(event: Event) => {
        event.preventDefault();
        void this.submit(() => this.send());
      }}
    >
      <div class="fields">
        ${this.select("organisation", t("party_is"), [
          ["yes", t("organisation")],
          ["", t("a_person")],
        ])}
        ${this.select(
          "role",
          t("role_title"),
          ROLES.map((key) => [key, option(room, "place_party", key)]),
        )}
        ${this.field("name", t("place_name"), { required: true })} ${this.field("phone", t("party_phone"), { type: "tel" })}
      </div>
      <div class="actions">
        <button class="main" type="submit" ?disabled=${this.blocked}>${t("save")}</button>
      </div>
    </form>`;
  }

  private async send(): Promise<Done> {
    const { role, name, phone, organisation } = this.values;
    await this.api.ask("put_place_party", {
      place_id: this.placeId,
      role,
      name,
      organisation: organisation === "yes",
      ...(phone ? { phone } : {}),
    });
    return { text: this.room.t("saved") };
  }
}

export const elements = {
  "cs-place": PlacePage,
  "cs-visit-place": VisitSheet,
  "cs-party": PartySheet,
  "cs-print": PrintSheet,
  "cs-change": ChangeSheet,
  "cs-rounds-here": RoundsHere,
  "cs-record-visit": RecordVisitSheet,
};
