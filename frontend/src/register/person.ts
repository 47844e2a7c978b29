import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { CardsSection, IssueCardSheet, IssuePlateSheet, RenewCardSheet } from "./cards";
import { ChangeSheet, type Asked, type Subject } from "./change";
import { ConsentSheet } from "./consent";
import { EraseSheet } from "./erase";
import type { Address, Consent, Hit, Outcome, Person } from "./model";
import { Page, pageStyles } from "./page";
import { Revealed } from "./revealed";
import { RecordVisitSheet, RoundSection, RoundSheet } from "./round";
import { apiOf, day, dayOf, option, pathOf, period, type Api } from "./room";
import type { Done } from "./sheet";
import { LANGUAGE_NAMES } from "./texts";

interface InFull {
  name: string;
  addresses: Address[];
}

/** Somebody: how they are reached, where they live, what they agree to. */
export class PersonPage extends Page {
  @property() personId = "";
  @property() entryId: string | null = null;
  @state() private person: Person | null = null;
  @state() private isAsking = false;
  /** Null until somebody has asked. */
  @state() private pairs: Hit[] | null = null;
  @state() private consents: Consent[] | null = null;
  @state() private scopes: string[] = [];
  @state() private sheet: "change" | "consent" | "erase" | null = null;
  @state() private isErased = false;
  private readonly revealed = new Revealed<InFull>(this);

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.isAsking = false;
  }

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has("personId") || changed.has("entryId")) {
      this.revealed.hide();
      this.isAsking = false;
      this.isErased = false;
      this.person = null;
      this.consents = null;
      this.pairs = null;
      this.done = "";
      void this.reload();
    }
  }

  private get api(): Api | null {
    return apiOf(this.room, this.entryId);
  }

  protected override async load(): Promise<void> {
    const { api, personId } = this;
    if (!api || api.lacksReason("get_person")) {
      return;
    }
    const person = await api.ask<Person>("person", { person_id: personId });
    if (personId !== this.personId) {
      return;
    }
    this.person = person;
    // Each is a read of its own, with its row in the audit: only what somebody has asked for.
    if (this.consents) {
      await this.loadConsents(api);
    }
    if (this.pairs) {
      await this.loadTwins(api);
    }
  }

  private async loadConsents(api: Api): Promise<void> {
    const answer = await api.ask<{ consents: Consent[]; scopes: string[] }>("consents", { person_id: this.personId });
    this.consents = answer.consents;
    this.scopes = answer.scopes;
  }

  private async loadTwins(api: Api): Promise<void> {
    const { personId } = this;
    const { pairs } = await api.ask<{ pairs: [Hit, Hit][] }>("duplicates", { person_id: personId });
    this.pairs = pairs.map(([one, two]) => (one.person_id === personId ? two : one));
  }

  override render() {
    const { api, person } = this;
    const { t } = this.room;
    const back = api?.may("get_units") ? this.link("/units", `‹ ${t("all_units")}`) : nothing;
    const gate = api ? this.gate(api, "get_person") : null;
    if (gate || !api || !person) {
      return html`${back} ${gate ?? this.said()}
      ${gate || this.failure || this.isErased ? nothing : html`<div class="skeleton" role="status" aria-label=${t("waiting")}></div>`}`;
    }
    return html`${back}
      <div class="head">
        <h1>${this.revealed.shown?.name ?? person.name}</h1>
        ${person.duties.map((duty) => html`<span class="tag">${duty}</span>`)}
        <span class="grow"></span>
        ${api.may("update_contact")
          ? html`<button
              data-do="change"
              @click=${() => {
                this.sheet = "change";
              }}
            >
              ${t("change")}
            </button>`
          : nothing}
      </div>
      ${this.reason()} ${this.said()} ${this.reached(api, person)} ${this.leases(api, person)} ${this.agreed(api)}
      ${api.may("put_round") ? html`<cs-round-of .room=${this.room} .narrow=${this.narrow} .api=${api} .personId=${this.personId}></cs-round-of>` : nothing}
      ${api.may("get_cards") ? html`<cs-cards .room=${this.room} .api=${api} .person=${person}></cs-cards>` : nothing}
      ${this.twins(api, person)}
      <p class="actions">
        ${api.may("get_audit") || api.may("get_own_audit") ? this.link(`/audit/person/${person.person_id}`, t("audit_of_person")) : nothing}
        ${api.may("care_list") ? this.link(`/care/${person.person_id}`, t("care")) : nothing}
        ${api.may("forget_sightings")
          ? this.pressTwice(
              "forget_sightings",
              t("forget_sightings"),
              () =>
                void this.trying(async () => {
                  await api.ask("forget_sightings", { person_id: this.personId });
                  this.did(t("sightings_forgotten"));
                }),
              t("forget_means"),
            )
          : nothing}
        ${api.may("erase_person")
          ? html`<button
              data-do="erase"
              ?disabled=${this.room.locked}
              @click=${() => {
                this.sheet = "erase";
              }}
            >
              ${t("erase_this")}
            </button>`
          : nothing}
      </p>
      ${this.sheets(api, person)}`;
  }

  // How they are reached

  private reached(api: Api, person: Person): TemplateResult {
    const { room } = this;
    const { t } = room;
    const addresses = this.revealed.shown?.addresses ?? person.addresses;
    return html`<section class="box">
      <h2>${t("reached_over")}</h2>
      ${addresses.length
        ? html`<ul class="flat addresses">
            ${addresses.map(
              (row) =>
                html`<li>
                  <span>${option(room, "alert_channel", row.channel)}</span>
                  ${row.channel === "push" && !this.revealed.shown ? nothing : html`<span class="number target">${row.target}</span>`}
                  ${this.proof(row)}
                  ${row.quiet_from
                    ? html`<span class="quiet">${t("quiet", { from: row.quiet_from.slice(0, 5), until: row.quiet_until?.slice(0, 5) ?? "" })}</span>`
                    : nothing}
                </li>`,
            )}
          </ul>`
        : html`<p class="tag bad">${t("no_address")}</p>`}
      <div class="actions">${this.reveals(api)} ${this.test(api, addresses)}</div>
    </section>`;
  }

  private proof(row: Address): TemplateResult {
    const { t } = this.room;
    if (row.verified_at) {
      return html`<span class="tag good">${t("verified", { day: dayOf(this.room, row.verified_at) })}</span>`;
    }
    switch (row.check) {
      case null:
        return html`<span class="tag">${t("not_verified")}</span>`;
      case "waiting":
        return html`<span class="tag">${t("test_waiting")}</span>`;
      case "sent":
        return html`<span class="tag">${t("test_sent")}</span>`;
      default:
        return html`<span class="tag bad">${t("test_failed")}</span>`;
    }
  }

  private reveals(api: Api): TemplateResult | typeof nothing {
    const { room } = this;
    const { t } = room;
    if (!api.may("get_person_revealed")) {
      return nothing;
    }
    if (this.revealed.shown) {
      return html`<button data-do="hide" @click=${this.revealed.hide}>${t("hide", { seconds: this.revealed.left })}</button>`;
    }
    return this.isAsking
      ? this.askReason(api, "get_person_revealed", (reason) => void this.reveal(api, reason))
      : html`<button
          data-do="reveal"
          @click=${() => {
            this.isAsking = true;
          }}
        >
          ${t("reveal")}
        </button>`;
  }

  private async reveal(api: Api, reason: string): Promise<void> {
    const { personId } = this;
    this.isAsking = false;
    await this.trying(async () => {
      const found = await api.ask<InFull>("reveal", { person_id: personId, reason });
      if (this.isConnected && personId === this.personId) {
        this.revealed.show(found);
      }
    });
  }

  private test(api: Api, addresses: Address[]): TemplateResult | typeof nothing {
    const { t } = this.room;
    return api.may("verify_contacts") && addresses.length
      ? html`<button data-do="test" ?disabled=${this.room.locked} @click=${() => void this.sendTest(api)}>${t("send_test")}</button>
          <span class="quiet">${t("test_hint")}</span>`
      : nothing;
  }

  private async sendTest(api: Api): Promise<void> {
    const { t } = this.room;
    await this.trying(async () => {
      const counts = await api.ask<Record<string, number>>("verify_contacts", { person_id: this.personId, again: true });
      this.did(counts["asked"] ? t("test_asked", { count: counts["asked"] }) : t(counts["recent"] ? "test_recent" : "test_nothing"));
      await this.load();
    });
  }

  // Where they live

  private leases(api: Api, person: Person): TemplateResult {
    const { room } = this;
    const { t } = room;
    return html`<section class="box">
      <h2>${t("leases")}</h2>
      ${person.leases.length
        ? html`<ul class="flat">
            ${person.leases.map(
              (row) =>
                html`<li class="actions">
                  ${this.link(pathOf(room.session, "unit", row.unit_id, api.property.entry_id), row.unit ?? t("unit_gone"))}
                  <span>${option(room, "role", row.role)}</span>
                  <span class="number">${period(room, row.start, row.end)}</span>
                  ${row.left_on ? html`<span class="tag">${t("leaves", { day: day(room, row.left_on) })}</span>` : nothing}
                </li>`,
            )}
          </ul>`
        : html`<p>${t("lives_nowhere")}</p>`}
    </section>`;
  }

  private asks(load: (api: Api) => Promise<void>): () => void {
    return () => {
      const { api } = this;
      void this.trying(() => (api ? load(api) : Promise.resolve()));
    };
  }

  // What they agree to

  private agreed(api: Api): TemplateResult | typeof nothing {
    const { room, consents } = this;
    const { t } = room;
    if (!consents) {
      return api.may("get_consents") ? html`<p class="actions"><button data-do="consents" @click=${this.asks((of) => this.loadConsents(of))}>${t("consents")}</button></p>` : nothing;
    }
    return html`<section class="box consents">
      <h2>${t("consents")}</h2>
      ${consents.length
        ? html`<ul class="flat">
            ${consents.map(
              (row) =>
                html`<li class="actions" data-scope=${row.scope}>
                  <strong>${option(room, "consent_scope", row.scope)}</strong>
                  <span>${row.until ? t("until", { day: day(room, row.until) }) : t("until_revoked")}</span>
                  <span class="quiet">${t("given_at", { day: dayOf(room, row.given_at) })}</span>
                  ${row.contacts.length ? html`<span>${t("names", { names: row.contacts.map((one) => one.name).join(t("comma")) })}</span>` : nothing}
                  ${api.may("revoke_consent")
                    ? this.pressTwice("revoke", t("revoke"), () =>
                        this.trying(async () => {
                          await api.ask("revoke_consent", { person_id: this.personId, scope: row.scope });
                          this.did(t("revoked"));
                          await this.load();
                        }),
                      )
                    : nothing}
                </li>`,
            )}
          </ul>`
        : html`<p>${t("no_consents")}</p>`}
      ${api.may("give_consent")
        ? html`<button
            data-do="consent"
            @click=${() => {
              this.sheet = "consent";
            }}
          >
            ${t("give_consent")}
          </button>`
        : nothing}
    </section>`;
  }

  // Who may be the same

  private twins(api: Api, person: Person): TemplateResult | typeof nothing {
    const { room } = this;
    const { t } = room;
    if (!this.pairs) {
      return api.may("find_duplicates") && api.may("merge_people")
        ? html`<button data-do="twins" @click=${this.asks((of) => this.loadTwins(of))}>${t("twins")}</button>`
        : nothing;
    }
    if (!this.pairs.length) {
      return html`<p class="box">${t("no_twins")}</p>`;
    }
    const side = (name: string, addresses: Address[], units: string[], kept: string, other: string) => html`<div class="box side">
      <h3>${name}</h3>
      <p class="number">${[...new Set(addresses.filter((row) => row.channel !== "push").map((row) => row.target))].join(t("comma"))}</p>
      <p class="quiet">${units.join(t("comma")) || t("lives_nowhere")}</p>
      ${this.pressTwice("keep", t("keep_this"), () => this.merge(api, kept, other))}
    </div>`;
    return html`<section class="box">
      <h2>${t("twins")}</h2>
      <p class="quiet">${t("twins_hint")}</p>
      ${this.pairs.map(
        (hit) =>
          html`<div class="pair">
            ${side(
              person.name,
              person.addresses,
              person.leases.map((row) => row.unit ?? ""),
              person.person_id,
              hit.person_id,
            )}
            ${side(
              hit.name,
              hit.addresses,
              hit.units.map((row) => row.unit ?? ""),
              hit.person_id,
              person.person_id,
            )}
          </div>`,
      )}
    </section>`;
  }

  private async merge(api: Api, kept: string, other: string): Promise<void> {
    const merged = await this.trying(() => api.ask("merge_people", { person_id: kept, duplicate_id: other }));
    if (merged && kept === this.personId) {
      this.did(this.room.t("merged"));
      await this.reload();
    } else if (merged) {
      this.room.go(pathOf(this.room.session, "person", kept, api.property.entry_id));
    }
  }

  // Sheets

  private readonly closed = (event: CustomEvent<Done | undefined>): void => {
    const isErased = this.sheet === "erase";
    this.sheet = null;
    if (event.detail) {
      this.did(event.detail.text);
      if (isErased) {
        this.revealed.hide();
        this.isErased = true;
        this.person = this.consents = this.pairs = null;
      } else {
        void this.reload();
      }
    }
  };

  private sheets(api: Api, person: Person): TemplateResult | typeof nothing {
    const { room, sheet, closed } = this;
    if (sheet === "change") {
      return html`<cs-change .room=${room} .api=${api} .subject=${this.subject(api, person)} @closed=${closed}></cs-change>`;
    }
    if (sheet === "erase") {
      return html`<cs-erase .room=${room} .api=${api} .person=${person} @closed=${closed}></cs-erase>`;
    }
    return sheet === "consent"
      ? html`<cs-consent .room=${room} .api=${api} .person=${person} .scopes=${this.scopes} .consents=${this.consents ?? []} @closed=${closed}></cs-consent>`
      : nothing;
  }

  private subject(api: Api, person: Person): Subject {
    const { room } = this;
    const fields = (of: Person): Asked[] => {
      const phone = of.addresses.find((row) => row.channel === "sms" || row.channel === "call")?.target ?? "";
      const email = of.addresses.find((row) => row.channel === "email")?.target ?? "";
      const hours = of.addresses.find((row) => row.quiet_from);
      return [
        { name: "name", label: room.t("name"), value: of.name },
        { name: "phone", label: room.t("phone"), value: "", masked: phone, type: "tel" },
        { name: "email", label: room.t("email"), value: "", masked: email, type: "email" },
        { name: "language", label: room.t("language"), value: of.language, options: LANGUAGE_NAMES },
        { name: "quiet_from", label: room.t("quiet_from"), value: hours?.quiet_from?.slice(0, 5) ?? "", type: "time" },
        { name: "quiet_until", label: room.t("quiet_until"), value: hours?.quiet_until?.slice(0, 5) ?? "", type: "time" },
      ];
    };
    return {
      title: room.t("change_title", { what: person.name }),
      version: person.person_version,
      fields: fields(person),
      send: (values, version) => {
        const { quiet_from: from, quiet_until: until, ...others } = values;
        // Quiet hours have two ends, whichever of them was changed.
        const known = Object.fromEntries(fields(person).map((field) => [field.name, field.value]));
        const quiet =
          from === undefined && until === undefined
            ? {}
            : { quiet_from: from ?? known["quiet_from"], quiet_until: until ?? known["quiet_until"] };
        return api.ask<Outcome<Person, string>>("update_person", { person_id: person.person_id, version, ...others, ...quiet });
      },
      read: (conflict) => ({
        version: (conflict as Person).person_version,
        fields: fields(conflict as Person),
      }),
    };
  }

  static override readonly styles = [
    ...pageStyles,
    css`
      .addresses li {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 16px;
        min-height: 44px;
        border-top: 1px solid var(--divider-color);
      }
      .addresses .target {
        overflow-wrap: anywhere;
        white-space: normal;
      }
      .box > .actions {
        margin-top: 8px;
      }
      .pair {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(240px, 1fr));
        gap: 12px;
      }
      .side {
        margin: 0;
      }
      .consents ul {
        margin-bottom: 8px;
      }
    `,
  ];
}

export const elements = { "cs-person": PersonPage, "cs-change": ChangeSheet, "cs-consent": ConsentSheet, "cs-erase": EraseSheet, "cs-cards": CardsSection, "cs-issue-card": IssueCardSheet, "cs-issue-plate": IssuePlateSheet, "cs-renew-card": RenewCardSheet, "cs-round-of": RoundSection, "cs-round": RoundSheet, "cs-record-visit": RecordVisitSheet };
