import { css, html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import type { Hit, SearchRow } from "./model";
import { Page, pageStyles } from "./page";
import { apis, option, pathOf, timeOf, type Api } from "./room";

const PAUSE_MILLISECONDS = 200;
const LEAST_CHARACTERS = 2;
const MOST_HITS = 5;
/** Whose life may be at stake; the others are asked for. */
export const LOST = ["lost_child", "lost_elder", "missing_person"];
const KINDS = [...LOST, "vehicle", "police_request", "access_copy"];

type Said = Record<"who" | "plate" | "description" | "authority", string>;
const nothingSaid = (): Said => ({ who: "", plate: "", description: "", authority: "" });

/** The searches: a case is opened first, and leads to the last sighting. */
export class SearchesPage extends Page {
  @state() private rows: SearchRow[] | null = null;
  @state() private kind: string | null = null;
  @state() private person: Hit | null = null;
  @state() private hits: Hit[] = [];
  @state() private isBusy = false;
  private words = nothingSaid();
  private timer: number | undefined;
  private unfollow: (() => void) | null = null;
  private followed: string | null = null;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.clearTimeout(this.timer);
    this.end();
  }

  protected override firstUpdated(): void {
    void this.reload();
  }

  private get api(): Api | undefined {
    return this.shownOf(apis(this.room, "get_cases"));
  }

  private end(): void {
    this.unfollow?.();
    this.unfollow = this.followed = null;
  }

  protected override load(): Promise<void> {
    const { api } = this;
    if (api && !api.lacksReason("get_cases") && this.followed !== api.property.entry_id) {
      this.end();
      this.followed = api.property.entry_id;
      this.unfollow = api.follow<SearchRow>(
        "subscribe_search_cases",
        (items) => {
          this.rows = [...items.values()].sort((a, b) => Date.parse(b.opened_at) - Date.parse(a.opened_at));
        },
        (text) => {
          this.failure = text;
        },
      );
    }
    return Promise.resolve();
  }

  override render() {
    const { api, room, rows } = this;
    const { t } = room;
    const gate = api ? this.gate(api, "get_cases") : null;
    if (gate || !api) {
      return gate ?? nothing;
    }
    return html`<h1>${t("searches")}</h1>
      ${this.askProperty(apis(room, "get_cases"), () => void this.reload())} ${this.failed()}
      ${api.may("open_case") ? this.opening(api) : nothing}
      ${rows ? this.list(api, rows) : html`<div class="skeleton" role="status" aria-label=${t("waiting")}></div>`}`;
  }

  private failed(): TemplateResult | typeof nothing {
    return this.failure ? html`<p class="did failed" role="alert">${this.failure}</p>` : nothing;
  }

  private opening(api: Api): TemplateResult {
    const { kind, room } = this;
    const { t } = room;
    return html`<section class="box" aria-labelledby="open">
      <h2 id="open">${t("search_open")}</h2>
      <p class="quiet">${t("search_open_hint")}</p>
      <div class="choices" role="group" aria-labelledby="open">
        ${KINDS.map(
          (row) =>
            html`<button
              data-kind=${row}
              aria-pressed=${row === kind ? "true" : "false"}
              ?disabled=${room.locked}
              @click=${() => {
                this.kind = row === kind ? null : row;
              }}
            >
              ${option(room, "search_kind", row)}
            </button>`,
        )}
      </div>
      ${kind ? this.form(api, kind) : nothing}
    </section>`;
  }

  private form(api: Api, kind: string): TemplateResult {
    const { person, room, words: said } = this;
    const { t } = room;
    const isVehicle = kind === "vehicle";
    const isReady = said.authority.trim().length > 2 && (person !== null || said.plate.trim() !== "" || (said.who.trim() !== "" && kind !== "access_copy"));
    return html`<form
      @submit=${(event: Event) => {
        event.preventDefault();
        void this.open(api, kind);
      }}
    >
      ${person
        ? html`<div class="head">
            <strong>${person.name}</strong>
            <span class="quiet">${this.units(person)}</span>
            <span class="grow"></span>
            <button
              type="button"
              @click=${() => {
                this.person = null;
              }}
            >
              ${t("somebody_else")}
            </button>
          </div>`
        : html`<div class="fields">
            ${isVehicle ? nothing : this.field("who", t("search_who"), (text) => {
              this.find(api, kind, text);
            })}
            ${kind === "access_copy" ? nothing : this.field("plate", t("plate_of_vehicle_number"))}
          </div>`}
      ${person ? nothing : this.hits.map((hit) => this.hit(hit))}
      <div class="fields">
        ${LOST.includes(kind) ? this.field("description", t("search_description")) : nothing}
        ${this.field("authority", t(kind === "police_request" ? "search_police_number" : kind === "access_copy" ? "search_identified" : "search_guardian"))}
      </div>
      <div class="actions">
        <button class="main" type="submit" data-do="open_case" ?disabled=${room.locked || this.isBusy || !isReady}>${t("search_open_now")}</button>
      </div>
    </form>`;
  }

  private units(hit: Hit): string {
    return hit.units.map((row) => `${row.unit ?? ""} ${option(this.room, "role", row.role)}`).join(" · ");
  }

  private hit(hit: Hit): TemplateResult {
    return html`<button
      type="button"
      class="hit"
      data-person=${hit.person_id}
      @click=${() => {
        this.person = hit;
        this.hits = [];
      }}
    >
      <strong>${hit.name}</strong>
      <span class="quiet">${this.units(hit)}</span>
    </button>`;
  }

  private field(name: keyof Said, label: string, typed?: (text: string) => void): TemplateResult {
    return html`<label class="field">
      ${label}
      <input
        name=${name}
        autocomplete="off"
        maxlength="500"
        .value=${this.words[name]}
        @input=${(event: Event) => {
          this.words[name] = (event.target as HTMLInputElement).value;
          typed?.(this.words[name]);
          this.requestUpdate();
        }}
      />
    </label>`;
  }

  /** Who of the register has this name is offered while it is typed. */
  private find(api: Api, kind: string, text: string): void {
    window.clearTimeout(this.timer);
    const query = text.trim();
    if (query.length < LEAST_CHARACTERS || !api.may("find_people")) {
      this.hits = [];
      return;
    }
    this.timer = window.setTimeout(() => {
      const reason = LOST.includes(kind) ? "alarm" : "request";
      api.ask<{ people: Hit[] }>("search", { query, reason }).then(
        ({ people }) => {
          this.hits = people.slice(0, MOST_HITS);
        },
        (error: unknown) => {
          this.failure = error instanceof Error ? error.message : String(error);
        },
      );
    }, PAUSE_MILLISECONDS);
  }

  private async open(api: Api, kind: string): Promise<void> {
    const { person, room, words: said } = this;
    this.isBusy = true;
    this.failure = "";
    await this.trying(async () => {
      const { case_id } = await api.ask<{ case_id: string }>(
        "open_search_case",
        {
          kind,
          ...(person ? { person_id: person.person_id } : kind === "vehicle" ? {} : { subject: said.who.trim() }),
          ...(person ? {} : { plate: said.plate.trim() }),
          description: LOST.includes(kind) ? said.description.trim() : "",
          authority: said.authority.trim(),
        },
        { withReason: false },
      );
      this.kind = this.person = null;
      this.words = nothingSaid();
      room.go(pathOf(room.session, "case", case_id, api.property.entry_id));
    });
    this.isBusy = false;
  }

  private list(api: Api, rows: SearchRow[]): TemplateResult {
    const { room } = this;
    const { t } = room;
    if (!rows.length) {
      return html`<p class="box">${t("no_searches")}</p>`;
    }
    return html`<ul class="flat box">
      ${rows.map((row) => {
        const name = `${option(room, "search_kind", row.kind)} · ${timeOf(room, row.opened_at)}`;
        return html`<li data-case=${row.case_id}>
          ${api.may("get_case") ? this.link(pathOf(room.session, "case", row.case_id, api.property.entry_id), name) : html`<span>${name}</span>`}
          ${row.open
            ? html`<span class="tag bad">${t("search_open_until", { at: timeOf(room, row.closes_at) })}</span>`
            : html`<span class="tag">${option(room, "search_outcome", row.outcome ?? "expired")}</span>`}
          <span class="quiet">${t("search_looks", { count: row.looks })}</span>
        </li>`;
      })}
    </ul>`;
  }

  static override readonly styles = [
    ...pageStyles,
    css`
      form {
        display: grid;
        gap: 12px;
        margin-top: 12px;
      }
      .hit {
        display: flex;
        flex-wrap: wrap;
        gap: 0 12px;
        align-items: center;
        text-align: start;
        min-height: 48px;
      }
      button[aria-pressed="true"] {
        outline: 3px solid var(--primary-color, #03a9f4);
      }
      li {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0 8px;
        border-top: 1px solid var(--divider-color);
      }
      li:first-child {
        border-top: 0;
      }
    `,
  ];
}
