import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import type { Hit, Person, Proposal, WatchFile } from "./model";
import { Page, pageStyles } from "./page";
import { undotted } from "../translate";
import { option, pathOf, today, type Api } from "./room";
import { endAfterBirth } from "./watching";

const PAUSE_MILLISECONDS = 200;
const LEAST_CHARACTERS = 2;
const MOST_HITS = 5;
/** The server takes no more. */
const MOST_SOURCES = 24;
const KINDS = ["inside", "door"] as const;
/** What speaks in a flat, or lights up. */
const SPEAKING = ["assist_satellite", "media_player", "light"];
export const TURNS = [1, 2] as const;
export const SENSITIVITIES = ["early", "normal", "late"] as const;

/** By what somebody is to be heard. */
export interface Chosen {
  entity_id: string;
  kind: string;
  how: string;
  least: number | null;
  /** How it is written in the form; nothing of it is sent. */
  name: string;
  area: string | null;
  unit: string | null;
  isOn: boolean;
}

/** Who is told if there is no answer: known here, or by name and telephone. */
export interface Told {
  person_id: string | null;
  name: string;
  phone: string;
  turn: number;
}

/** What of the evidence is sent: what is ticked, with its least change where it has one. */
export const sourcesOf = (chosen: readonly Chosen[]): object[] =>
  chosen.filter((row) => row.isOn).map(({ entity_id, kind, how, least }) => ({ entity_id, kind, how, ...(least === null ? {} : { least }) }));

/** What of those who are told is sent; a row in which nothing was written is none. */
export const contactsOf = (told: readonly Told[]): object[] =>
  told.flatMap(({ person_id, name, phone, turn }): object[] =>
    person_id === null ? (name.trim() ? [{ name: name.trim(), ...(phone.trim() ? { phone: phone.trim() } : {}), turn }] : []) : [{ person_id, turn }],
  );

/** Is there enough to begin: something inside of the flat, and somebody to be told? */
export const isEnough = (chosen: readonly Chosen[], told: readonly Told[]): boolean =>
  chosen.some((row) => row.isOn && row.kind === "inside") && contactsOf(told).length > 0;

const chosenOf = (row: Proposal): Chosen => ({
  entity_id: row.entity_id,
  kind: row.kind,
  how: row.how,
  least: row.least,
  name: row.name,
  area: row.area,
  unit: row.unit,
  isOn: row.good,
});

/** Those that are heard already, before what else there is. */
export function withKnown(file: Pick<WatchFile, "sources">, proposals: readonly Proposal[]): Chosen[] {
  const known = file.sources.flatMap((row) =>
    row.entity_id === null || row.how === null
      ? []
      : [{ entity_id: row.entity_id, kind: row.kind, how: row.how, least: row.least, name: row.name ?? row.entity_id, area: row.area, unit: null, isOn: true }],
  );
  const ids = new Set(known.map((row) => row.entity_id));
  return [...known, ...proposals.filter((row) => !ids.has(row.entity_id)).map((row) => ({ ...chosenOf(row), isOn: false }))];
}

/** Begins a watch, or changes by what one hears and who is told. It fires `closed`. */
export class CareStart extends Page {
  @property({ attribute: false }) api!: Api;
  @property() personId = "";
  /** The watch that is changed; null: one is begun. */
  @property({ attribute: false }) file: WatchFile | null = null;
  @state() private person: Pick<Hit, "person_id" | "name" | "units"> | null = null;
  @state() private hits: Hit[] = [];
  @state() private unitId: string | null = null;
  @state() private chosen: Chosen[] | null = null;
  @state() private told: Told[] = [];
  @state() private places: string[] = [];
  @state() private contactHits: Hit[] = [];
  @state() private isBusy = false;
  @state() private agrees = false;
  @state() private hasCards = false;
  @state() private because: "alone" | "perinatal" = "alone";
  @state() private words: Record<string, string> = { until: "", born: "", entity: "", sensitivity: "normal" };
  private ways: Record<string, string[]> = {};
  private timer: number | undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.clearTimeout(this.timer);
  }

  protected override firstUpdated(): void {
    void this.reload();
  }

  protected override async load(): Promise<void> {
    const { api, file } = this;
    if (file) {
      this.unitId = file.unit_id;
      this.hasCards = file.sources.some((row) => row.entity_id === null);
      this.told = file.contacts.map((row) => ({ ...row, phone: "" }));
      this.places = file.places;
      this.words = { ...this.words, until: file.until ?? "" };
      await this.propose();
    } else if (this.personId && !this.person) {
      const found = await api.ask<Person>("person", { person_id: this.personId });
      this.choose({ person_id: found.person_id, name: found.name, units: found.leases.map(({ unit_id, role, unit }) => ({ unit_id, role, unit })) });
    }
  }

  private choose(person: Pick<Hit, "person_id" | "name" | "units">): void {
    this.person = person;
    this.hits = [];
    const [only, more] = [...new Set(person.units.map((row) => row.unit_id))];
    if (only !== undefined && more === undefined) {
      this.chooseUnit(only);
    }
  }

  private chooseUnit(unitId: string): void {
    this.unitId = unitId;
    this.chosen = null;
    void this.trying(() => this.propose());
  }

  private async propose(): Promise<void> {
    const { unitId } = this;
    const { proposals, ways } = await this.api.ask<{ proposals: Proposal[]; ways: Record<string, string[]> }>(
      "care_proposals",
      { unit_id: unitId },
      { withReason: false },
    );
    if (unitId === this.unitId) {
      this.ways = ways;
      this.chosen = this.file ? withKnown(this.file, proposals) : proposals.map(chosenOf);
    }
  }

  override render() {
    const { file, room } = this;
    const { t } = room;
    return html`<section class="box" aria-labelledby="start">
      <h2 id="start">${undotted(t(file ? "care_change" : "care_start"))}</h2>
      ${file ? nothing : html`<p class="quiet">${t("care_start_hint")}</p>`}
      <form
        @submit=${(event: Event) => {
          event.preventDefault();
          void this.send();
        }}
      >
        ${file ? nothing : this.who()} ${this.unitId === null ? nothing : html`${this.evidence()} ${this.asking()} ${this.contacts()} ${this.scope()}`} ${this.said()}
        <div class="actions">
          <button
            class="main"
            type="submit"
            data-do=${file ? "save" : "start"}
            ?disabled=${room.locked || this.isBusy || !this.isReady}
          >
            ${t(file ? "save" : "care_begin")}
          </button>
          ${file
            ? html`<button
                type="button"
                @click=${() => {
                  this.close(false);
                }}
              >
                ${t("cancel")}
              </button>`
            : nothing}
        </div>
        ${this.isReady ? nothing : html`<p class="quiet">${t("care_needs")}</p>`}
      </form>
    </section>`;
  }

  private get isReady(): boolean {
    const { because, chosen, file, person, told, words } = this;
    const isWhole = chosen !== null && isEnough(chosen, told);
    return isWhole && (file !== null || (person !== null && this.agrees && (because === "alone" || Boolean(words["born"]))));
  }

  private close(isDone: boolean): void {
    this.dispatchEvent(new CustomEvent<boolean>("closed", { detail: isDone }));
  }

  private async send(): Promise<void> {
    const { api, because, chosen, file, hasCards, person, places, room, told, unitId, words } = this;
    const { born = "", sensitivity, until = "" } = words;
    const shared = { sources: sourcesOf(chosen ?? []), cards: hasCards, contacts: contactsOf(told), places };
    this.isBusy = true;
    await this.trying(async () => {
      if (file) {
        await api.ask("care_change", { watch_id: file.watch_id, ...shared, until: until || null });
        this.close(true);
      } else if (person) {
        const answer = await api.ask<{ watch_id: string }>("care_start", {
          person_id: person.person_id,
          unit_id: unitId,
          ...shared,
          because,
          sensitivity,
          ...(because === "perinatal" ? { born } : {}),
          ...(until ? { until } : {}),
        });
        room.go(pathOf(room.session, "watch", answer.watch_id, api.property.entry_id));
      }
    });
    this.isBusy = false;
  }

  // Over whom

  private who(): TemplateResult {
    const { person, room, unitId } = this;
    const { t } = room;
    if (!person) {
      return html`<fieldset>
        <legend>${t("care_who")}</legend>
        ${this.finder("who", t("care_find"), this.hits, (hits) => {
          this.hits = hits;
        }, (hit) => {
          this.choose(hit);
        })}
      </fieldset>`;
    }
    const units = new Map(person.units.map((row) => [row.unit_id, row.unit ?? t("unit_gone")]));
    return html`<fieldset>
      <legend>${t("care_who")}</legend>
      <div class="line">
        <strong>${person.name}</strong>
        ${this.personId
          ? nothing
          : html`<button
              type="button"
              @click=${() => {
                this.person = this.unitId = this.chosen = null;
              }}
            >
              ${t("somebody_else")}
            </button>`}
      </div>
      ${units.size
        ? html`<div class="choices" role="group" aria-label=${t("unit")}>
            ${[...units].map(
              ([id, title]) =>
                html`<button
                  type="button"
                  data-unit=${id}
                  aria-pressed=${id === unitId ? "true" : "false"}
                  @click=${() => {
                    this.chooseUnit(id);
                  }}
                >
                  ${title}
                </button>`,
            )}
          </div>`
        : html`<p class="tag bad">${t("lives_nowhere")}</p>`}
    </fieldset>`;
  }

  /** A field that finds people of the register while somebody types. */
  private finder(name: string, label: string, hits: Hit[], found: (hits: Hit[]) => void, chosen: (hit: Hit) => void): TemplateResult {
    return html`${this.input(name, label, "text", (text) => {
      window.clearTimeout(this.timer);
      const query = text.trim();
      if (query.length < LEAST_CHARACTERS || !this.api.may("find_people")) {
        found([]);
        return;
      }
      this.timer = window.setTimeout(() => {
        void this.trying(async () => {
          found((await this.api.ask<{ people: Hit[] }>("search", { query })).people.slice(0, MOST_HITS));
        });
      }, PAUSE_MILLISECONDS);
    })}
    ${hits.map(
      (hit) =>
        html`<button
          type="button"
          class="hit"
          data-person=${hit.person_id}
          @click=${() => {
            this.words = { ...this.words, [name]: "" };
            chosen(hit);
          }}
        >
          <strong>${hit.name}</strong>
          <span class="quiet">${hit.units.map((row) => `${row.unit ?? ""} ${option(this.room, "role", row.role)}`).join(" · ")}</span>
        </button>`,
    )}`;
  }

  private input(name: string, label: string, type = "text", typed?: (text: string) => void, more: { minimum?: string; list?: string } = {}): TemplateResult {
    return html`<label class="field">
      ${label}
      <input
        name=${name}
        type=${type}
        autocomplete="off"
        maxlength="255"
        min=${more.minimum ?? nothing}
        list=${more.list ?? nothing}
        .value=${this.words[name] ?? ""}
        @input=${(event: Event) => {
          const { value } = event.target as HTMLInputElement;
          this.words = { ...this.words, [name]: value };
          typed?.(value);
        }}
      />
    </label>`;
  }

  // By what

  private evidence(): TemplateResult {
    const { chosen, room } = this;
    const { t } = room;
    const count = chosen?.filter((row) => row.isOn).length ?? 0;
    return html`<fieldset>
      <legend>${t("care_evidence")}</legend>
      <p class="quiet">${t("care_evidence_hint")}</p>
      ${chosen
        ? chosen.length
          ? html`<ul class="flat">
              ${chosen.map((row, index) => this.source(row, index))}
            </ul>`
          : html`<p>${t("care_no_proposals")}</p>`
        : html`<div class="skeleton" role="status" aria-label=${t("waiting")}></div>`}
      ${count > MOST_SOURCES ? html`<p class="wrong" role="alert">${t("care_too_many", { count: MOST_SOURCES })}</p>` : nothing}
      ${this.adder("entity", t("care_other_entity"), (domain) => domain in this.ways, chosen?.map((row) => row.entity_id) ?? [], this.add)}
      <label class="choice">
        <input
          type="checkbox"
          name="cards"
          .checked=${this.hasCards}
          @change=${(event: Event) => {
            this.hasCards = (event.target as HTMLInputElement).checked;
          }}
        />
        ${t("care_cards")}
      </label>
    </fieldset>`;
  }

  /** A field that takes one more entity of some domains. */
  private adder(name: string, label: string, fits: (domain: string) => boolean, known: readonly string[], add: (id: string) => void): TemplateResult {
    const { hass, t } = this.room;
    const id = this.words[name] ?? "";
    const may = (one: string): boolean => one in hass.states && fits(one.split(".")[0] ?? "") && !known.includes(one);
    return html`<div class="adding">
      ${this.input(name, label, "text", undefined, { list: `list-${name}` })}
      <datalist id="list-${name}">${Object.keys(hass.states).filter(may).map((one) => html`<option value=${one}></option>`)}</datalist>
      <button
        type="button"
        data-do="add-${name}"
        ?disabled=${!may(id)}
        @click=${() => {
          add(id);
          this.words = { ...this.words, [name]: "" };
        }}
      >
        ${t("care_add")}
      </button>
    </div>`;
  }

  private nameOf(id: string): string {
    const name = this.room.hass.states[id]?.attributes["friendly_name"];
    return typeof name === "string" ? name : id;
  }

  private readonly add = (id: string): void => {
    const [how = "change"] = this.ways[id.split(".")[0] ?? ""] ?? [];
    this.chosen = [...(this.chosen ?? []), { entity_id: id, kind: "inside", how, least: null, name: this.nameOf(id), area: null, unit: null, isOn: true }];
  };

  // By what they are asked

  private asking(): TemplateResult {
    const { places, room } = this;
    const { t } = room;
    return html`<fieldset>
      <legend>${t("care_places")}</legend>
      <p class="quiet">${t("care_places_hint")}</p>
      ${places.map(
        (id) =>
          html`<div class="line">
            <span>${this.nameOf(id)}</span>
            <span class="grow"></span>
            <button
              type="button"
              aria-label=${`${t("care_remove")}: ${this.nameOf(id)}`}
              @click=${() => {
                this.places = places.filter((other) => other !== id);
              }}
            >
              ${t("care_remove")}
            </button>
          </div>`,
      )}
      ${this.adder("place", t("care_place"), (domain) => SPEAKING.includes(domain), places, (id) => {
        this.places = [...places, id];
      })}
    </fieldset>`;
  }

  private put(index: number, more: Partial<Chosen>): void {
    this.chosen = (this.chosen ?? []).map((row, at) => (at === index ? { ...row, ...more } : row));
  }

  private source(row: Chosen, index: number): TemplateResult {
    const { t } = this.room;
    // What is heard already is heard as it is, whatever is proposed by now.
    const ways = [...new Set([row.how, ...(this.ways[row.entity_id.split(".")[0] ?? ""] ?? [])])];
    const select = (name: string, label: string, value: string, options: [string, string][], picked: (value: string) => void): TemplateResult =>
      html`<select
        name=${name}
        aria-label=${`${label}: ${row.name}`}
        @change=${(event: Event) => {
          picked((event.target as HTMLSelectElement).value);
        }}
      >
        ${options.map(([key, text]) => html`<option value=${key} ?selected=${key === value}>${text}</option>`)}
      </select>`;
    return html`<li data-entity=${row.entity_id}>
      <label class="choice">
        <input
          type="checkbox"
          .checked=${row.isOn}
          @change=${(event: Event) => {
            this.put(index, { isOn: (event.target as HTMLInputElement).checked });
          }}
        />
        <span>${[row.area, row.name].filter(Boolean).join(" · ")}</span>
      </label>
      ${row.isOn
        ? html`<div class="ways">
            ${select("kind", t("care_where"), row.kind, KINDS.map((kind) => [kind, t(`care_kind_${kind}`)]), (kind) => {
              this.put(index, { kind });
            })}
            ${select("how", t("care_how"), row.how, ways.map((how) => [how, t(`care_how_${how}` as "care_how_on")]), (how) => {
              this.put(index, { how });
            })}
            ${row.least === null
              ? nothing
              : html`<label class="field">
                  ${t("care_least", { unit: row.unit ?? "" })}
                  <input
                    name="least"
                    type="number"
                    min="0"
                    step="any"
                    .value=${String(row.least)}
                    @input=${(event: Event) => {
                      this.put(index, { least: Number((event.target as HTMLInputElement).value) });
                    }}
                  />
                </label>`}
          </div>`
        : nothing}
    </li>`;
  }

  // Who is told

  private contacts(): TemplateResult {
    const { room } = this;
    const { t } = room;
    return html`<fieldset>
      <legend>${t("care_contacts")}</legend>
      <p class="quiet">${t("care_contacts_hint")}</p>
      ${TURNS.map((turn) => this.turn(turn))}
      ${this.finder("contact", t("care_find_contact"), this.contactHits, (hits) => {
        this.contactHits = hits;
      }, (hit) => {
        this.contactHits = [];
        if (!this.told.some((row) => row.person_id === hit.person_id)) {
          this.told = [...this.told, { person_id: hit.person_id, name: hit.name, phone: "", turn: 1 }];
        }
      })}
      <div class="adding">
        ${this.input("name", t("name"))} ${this.input("phone", t("phone"), "tel")}
        <button
          type="button"
          data-do="add-contact"
          ?disabled=${!this.words["name"]?.trim()}
          @click=${() => {
            this.told = [...this.told, { person_id: null, name: this.words["name"] ?? "", phone: this.words["phone"] ?? "", turn: 1 }];
            this.words = { ...this.words, name: "", phone: "" };
          }}
        >
          ${t("care_add")}
        </button>
      </div>
    </fieldset>`;
  }

  private turn(turn: number): TemplateResult {
    const { t } = this.room;
    const rows = this.told.filter((row) => row.turn === turn);
    return html`<h3>${t(turn === 1 ? "care_turn_1" : "care_turn_2")}</h3>
      ${rows.length
        ? html`<ul class="flat">
            ${rows.map(
              (row) =>
                html`<li class="line">
                  <span>${row.name}</span> ${row.phone ? html`<span class="number">${row.phone}</span>` : nothing}
                  <span class="grow"></span>
                  <button
                    type="button"
                    aria-label=${`${t(turn === 1 ? "care_later" : "care_earlier")}: ${row.name}`}
                    @click=${() => {
                      this.told = this.told.map((other) => (other === row ? { ...row, turn: turn === 1 ? 2 : 1 } : other));
                    }}
                  >
                    ${t(turn === 1 ? "care_later" : "care_earlier")}
                  </button>
                  <button
                    type="button"
                    aria-label=${`${t("care_remove")}: ${row.name}`}
                    @click=${() => {
                      this.told = this.told.filter((other) => other !== row);
                    }}
                  >
                    ${t("care_remove")}
                  </button>
                </li>`,
            )}
          </ul>`
        : html`<p class="quiet">${t("care_turn_empty")}</p>`}`;
  }

  // What is agreed to

  private scope(): TemplateResult {
    const { because, file, room, words } = this;
    const { t } = room;
    const born = words["born"] ?? "";
    return html`<fieldset>
      <legend>${t("care_agreed")}</legend>
      ${file
        ? nothing
        : html`<div class="choices" role="radiogroup" aria-label=${t("care_because")}>
            ${(["alone", "perinatal"] as const).map(
              (reason) =>
                html`<label class="choice">
                  <input
                    type="radio"
                    name="because"
                    value=${reason}
                    .checked=${because === reason}
                    @change=${() => {
                      this.because = reason;
                    }}
                  />
                  ${t(`care_because_${reason}`)}
                </label>`,
            )}
          </div>`}
      <div class="fields">
        ${file || because === "alone" ? nothing : this.input("born", t("care_born"), "date")}
        ${this.input("until", t("last_day"), "date", undefined, { minimum: today(room) })}
      </div>
      <p class="quiet">
        ${!file && because === "perinatal" && born && !words["until"]
          ? t("care_ends", { day: new Intl.DateTimeFormat(room.hass.locale.language, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(endAfterBirth(born))) })
          : t("last_day_hint")}
      </p>
      ${file
        ? nothing
        : html`${sensitivity(t, words["sensitivity"] ?? "normal", (value) => {
              this.words = { ...this.words, sensitivity: value };
            })}
            <label class="choice">
              <input
                type="checkbox"
                name="agrees"
                .checked=${this.agrees}
                @change=${(event: Event) => {
                  this.agrees = (event.target as HTMLInputElement).checked;
                }}
              />
              ${t("care_agrees")}
            </label>`}
    </fieldset>`;
  }

  static override readonly styles = [
    ...pageStyles,
    css`
      form {
        display: grid;
        gap: 12px;
        margin-top: 12px;
      }
      fieldset {
        min-width: 0;
      }
      li {
        border-top: 1px solid var(--divider-color);
        padding: 4px 0;
      }
      li:first-child {
        border-top: 0;
      }
      .line,
      .ways {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 8px 12px;
      }
      .ways {
        padding-inline-start: 34px;
      }
      .ways select,
      .ways input {
        width: auto;
        max-width: 100%;
      }
      .adding {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 180px), 1fr));
        align-items: end;
        gap: 8px 12px;
        margin-top: 8px;
      }
      .adding button {
        justify-self: start;
      }
      fieldset :is(h3, .field, [role="radiogroup"]) {
        margin-top: 8px;
      }
      .hit {
        display: flex;
        flex-wrap: wrap;
        gap: 0 12px;
        justify-content: start;
        text-align: start;
        margin-top: 8px;
      }
      button[aria-pressed="true"] {
        outline: 3px solid var(--primary-color, #03a9f4);
      }
    `,
  ];
}

/** When somebody wants to be asked, in three words. */
export const sensitivity = (
  t: Page["room"]["t"],
  value: string,
  picked: (value: string) => void,
  isOff = false,
): TemplateResult =>
  html`<div role="radiogroup" aria-label=${t("care_sensitivity")}>
    <p>${t("care_sensitivity")}</p>
    <div class="choices">
      ${SENSITIVITIES.map(
        (word) =>
          html`<label class="choice">
            <input
              type="radio"
              name="sensitivity"
              value=${word}
              .checked=${value === word}
              ?disabled=${isOff}
              @change=${() => {
                picked(word);
              }}
            />
            ${t(`care_sensitivity_${word}`)}
          </label>`,
      )}
    </div>
  </div>`;
