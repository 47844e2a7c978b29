import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { CareStart } from "./care-start";
import type { WatchMonth, WatchRow } from "./model";
import { Page, pageStyles } from "./page";
import { apis, pathOf, type Api } from "./room";
import { monthly, notes, sentences, signStyles, stateOf } from "./signs";
import { ordered, shownOf, STATES, type Shown } from "./watching";

/** Under which address a watch is begun before it is known over whom. */
const NEW = "new";

interface Watches {
  watches: WatchRow[];
  counts: Record<string, number>;
  behind: boolean;
  accounts: Record<string, string>;
}

/** Everybody who is watched over, the worst first. */
export class CarePage extends Page {
  /** Somebody of whom somebody has come: their watch, or the form that begins one. */
  @property() personId = "";
  @state() private found: Watches | null = null;
  @state() private only: Shown | null = null;
  @state() private months: WatchMonth[] | null = null;
  private unfollow: (() => void) | null = null;
  private followed: string | null = null;
  private known = "";

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.end();
  }

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has("personId")) {
      this.done = "";
      void this.reload();
    }
  }

  private get api(): Api | undefined {
    return this.shownOf(apis(this.room, "care_list"));
  }

  private end(): void {
    this.unfollow?.();
    this.unfollow = this.followed = null;
    this.known = "";
  }

  protected override async load(): Promise<void> {
    const { api } = this;
    if (!api || api.lacksReason("care_list")) {
      return;
    }
    const entryId = api.property.entry_id;
    const found = await api.ask<Watches>("care_watches");
    if (entryId !== this.api?.property.entry_id) {
      return;
    }
    this.found = found;
    if (this.followed !== entryId) {
      this.end();
      this.followed = entryId;
      this.unfollow = api.follow<Pick<WatchRow, "watch_id" | "state">>(
        "subscribe_care",
        (items) => {
          this.heard(JSON.stringify([...items.values()].map((row) => [row.watch_id, row.state]).sort()));
        },
        (text) => {
          this.failure = text;
        },
        { withReason: true },
      );
    }
  }

  /** Who stands how is read anew when it has changed: what was read is in the audit. */
  private heard(known: string): void {
    const isNew = this.known !== "" && this.known !== known;
    this.known = known;
    if (isNew) {
      void this.reload();
    }
  }

  override render() {
    const { api, found, personId, room } = this;
    const { t } = room;
    const gate = api ? this.gate(api, "care_list") : null;
    if (gate || !api) {
      return gate ?? nothing;
    }
    const head = html`<div class="head">
      <h1>${t("care")}</h1>
      <span class="grow"></span>
      ${api.may("care_start") && !personId ? this.link(`/care/${NEW}`, t("care_start"), "button") : nothing}
    </div>`;
    if (!found) {
      return html`${head} ${this.said()} ${this.failure ? nothing : html`<div class="skeleton" role="status" aria-label=${t("waiting")}></div>`}`;
    }
    if (personId) {
      return this.ofPerson(api, found, personId);
    }
    const rows = ordered(found.watches);
    const shown = rows.filter((row) => this.only === null || shownOf(row) === this.only);
    return html`${head} ${this.askProperty(apis(room, "care_list"), () => void this.reload())} ${this.reason()} ${this.said()}
      ${found.behind ? html`<p class="box warning" role="status">${t("care_behind")}</p>` : nothing}
      ${rows.length ? this.filters(rows) : nothing}
      ${rows.length
        ? html`<ul class="flat">
            ${shown.map((row) => this.row(api, found, row))}
          </ul>`
        : html`<p class="box">${t("care_none")}</p>`}
      ${this.figures(api)}`;
  }

  private ofPerson(api: Api, found: Watches, personId: string): TemplateResult {
    const { room } = this;
    const { t } = room;
    const back = this.link("/care", `‹ ${t("care")}`);
    const own = found.watches.find((row) => row.person_id === personId);
    if (own) {
      return html`${back} ${this.said()}
        <ul class="flat">
          ${this.row(api, found, own)}
        </ul>`;
    }
    return html`${back} ${this.said()}
    ${api.may("care_start")
      ? html`<cs-care-start .room=${room} .api=${api} .personId=${personId === NEW ? "" : personId}></cs-care-start>`
      : html`<p class="box">${t("care_not_watched")}</p>`}`;
  }

  private filters(rows: WatchRow[]): TemplateResult {
    const { t } = this.room;
    const chip = (only: Shown | null, text: string, count: number): TemplateResult | typeof nothing =>
      count || only === null || only === this.only
        ? html`<button
            aria-pressed=${this.only === only ? "true" : "false"}
            class=${this.only === only ? "main" : ""}
            data-filter=${only ?? "all"}
            @click=${() => {
              this.only = only;
            }}
          >
            ${text} <span class="number">${count}</span>
          </button>`
        : nothing;
    const kinds: Shown[] = [...STATES, "unreadable"];
    return html`<div class="filters choices" role="group" aria-label=${t("filter")}>
      ${chip(null, t("filter_all"), rows.length)}
      ${kinds.map((kind) => chip(kind, t(`care_state_${kind}`), rows.filter((row) => shownOf(row) === kind).length))}
    </div>`;
  }

  private row(api: Api, found: Watches, row: WatchRow): TemplateResult {
    const { room } = this;
    const { t } = room;
    const charge = row.in_charge ? (found.accounts[row.in_charge] ?? row.in_charge) : null;
    return html`<li class="box" data-watch=${row.watch_id}>
      <div class="line">
        ${stateOf(room, row)}
        ${api.may("care_get", row.unit_id) ? this.link(pathOf(room.session, "watch", row.watch_id, api.property.entry_id), html`<strong>${row.name}</strong>`) : html`<strong>${row.name}</strong>`}
        ${api.may("get_unit", row.unit_id)
          ? this.link(pathOf(room.session, "unit", row.unit_id, api.property.entry_id), row.unit ?? t("unit_gone"))
          : html`<span>${row.unit ?? t("unit_gone")}</span>`}
        ${row.because === "perinatal" ? html`<span class="tag">${t("care_because_perinatal")}</span>` : nothing} ${notes(room, row)}
      </div>
      ${sentences(room, row).map((text) => html`<p>${text}</p>`)}
      <p class="quiet">${charge === null ? t("care_nobody_in_charge") : t("care_in_charge", { who: charge })}</p>
    </li>`;
  }

  private figures(api: Api): TemplateResult | typeof nothing {
    const { t } = this.room;
    if (!api.may("care_figures")) {
      return nothing;
    }
    if (!this.months) {
      return html`<p class="actions">
        <button
          data-do="figures"
          @click=${() =>
            void this.trying(async () => {
              this.months = (await api.ask<{ months: WatchMonth[] }>("care_figures")).months;
            })}
        >
          ${t("care_months")}
        </button>
      </p>`;
    }
    return html`<section class="box" aria-labelledby="months">
      <h2 id="months">${t("care_months")}</h2>
      <p class="quiet">${t("care_months_hint")}</p>
      ${monthly(this.room, this.months)}
    </section>`;
  }

  static override readonly styles = [
    ...pageStyles,
    signStyles,
    css`
      .filters {
        margin-bottom: 12px;
      }
      li p {
        margin: 4px 0 0;
      }
    `,
  ];
}

export const elements = { "cs-care": CarePage, "cs-care-start": CareStart };
