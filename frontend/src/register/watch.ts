import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { CareStart, sensitivity, TURNS } from "./care-start";
import { chartStyles, dayChart } from "./day-chart";
import type { WatchFile, WatchRow } from "./model";
import { Page, pageStyles } from "./page";
import { apiOf, day, nowIn, pathOf, timeOf, type Api } from "./room";
import { monthly, moment, notes, sentences, signStyles, stateOf } from "./signs";
import { notesOf } from "./watching";

const ANSWERS = ["fine", "out", "help"] as const;
const OUTCOMES = ["needless", "real"] as const;
/** What may end by itself: until when is said with it. */
type Ending = "away" | "pause" | "guests";

/** Is it so now, that somebody is away, not watched, or has guests? */
export function isSo(row: Pick<WatchRow, "away_since" | "paused_until" | "guests_until">, what: Ending): boolean {
  return (what === "away" ? row.away_since : what === "pause" ? row.paused_until : row.guests_until) !== null;
}

/** What is sent for it, a time in that of the house; only an absence has no end that has to be known. */
export function sent(what: Ending, until: string, ends: boolean): object {
  if (what === "away") {
    return ends ? { back: true } : until ? { until } : {};
  }
  return { until: ends ? null : until };
}

/** One watch: how it stands and why, the usual day and today, and what can be done. */
export class WatchPage extends Page {
  @property() watchId = "";
  @property() entryId: string | null = null;
  @state() private file: WatchFile | null = null;
  @state() private isChanging = false;
  @state() private isRevoked = false;
  @state() private until: Record<Ending, string> = { away: "", pause: "", guests: "" };
  private unfollow: (() => void) | null = null;
  private known: string | null = null;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.end();
  }

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has("watchId") || changed.has("entryId")) {
      this.end();
      this.file = null;
      this.isChanging = this.isRevoked = false;
      this.done = "";
      void this.reload();
    }
  }

  private end(): void {
    this.unfollow?.();
    this.unfollow = this.known = null;
  }

  private get api(): Api | null {
    return apiOf(this.room, this.entryId);
  }

  protected override async load(): Promise<void> {
    const { api, watchId } = this;
    if (!api || api.lacksReason("care_get")) {
      return;
    }
    const file = await api.ask<WatchFile>("care_watch", { watch_id: watchId });
    if (watchId !== this.watchId) {
      return;
    }
    this.file = file;
    // Who sees but their own is told nothing of others.
    if (!api.may("care_list")) {
      return;
    }
    this.unfollow ??= api.follow<Pick<WatchRow, "state">>(
      "subscribe_care",
      (items) => {
        const now = items.get(watchId)?.state ?? null;
        const isNew = this.known !== null && this.known !== now;
        this.known = now;
        if (isNew && !this.isRevoked) {
          void this.reload();
        }
      },
      (text) => {
        this.failure = text;
      },
      { withReason: true },
    );
  }

  /** Does something about the watch, and shows how it stands then. */
  private async deed(command: string, data: object, done: string): Promise<void> {
    const { api } = this;
    this.done = "";
    await this.trying(async () => {
      await api?.ask(command, { watch_id: this.watchId, ...data });
      this.did(done);
      await this.load();
    });
  }

  private async revoke(): Promise<void> {
    const { api } = this;
    await this.trying(async () => {
      this.isRevoked = true;
      try {
        await api?.ask("care_revoke", { watch_id: this.watchId });
      } catch (error) {
        this.isRevoked = false;
        throw error;
      }
      this.end();
      this.file = null;
      this.did(this.room.t("care_revoked"));
    });
  }

  override render() {
    const { api, file, room } = this;
    const { t } = room;
    const back = api?.may("care_list") ? this.link("/care", `‹ ${t("care")}`) : nothing;
    const gate = api ? this.gate(api, "care_get") : null;
    if (gate || !api || !file) {
      return html`${back} ${gate ?? this.said()}
      ${gate || this.failure || this.isRevoked ? nothing : html`<div class="skeleton" role="status" aria-label=${t("waiting")}></div>`}`;
    }
    return html`${back}
      <div class="head">
        <h1>${file.name}</h1>
        ${stateOf(room, file)} ${this.where(api, file)}
      </div>
      ${this.reason()} ${this.said()} ${this.standing(file)} ${this.deeds(api, file)} ${file.unreadable ? nothing : this.day(file)}
      ${this.isChanging
        ? html`<cs-care-start .room=${room} .api=${api} .file=${file} @closed=${this.changed}></cs-care-start>`
        : this.agreed(api, file)}
      ${this.figures(file)} ${this.log(file)}`;
  }

  private where(api: Api, file: WatchFile): TemplateResult {
    const { room } = this;
    const { t } = room;
    const unit = file.unit ?? t("unit_gone");
    return html`${api.may("get_unit", file.unit_id) ? this.link(pathOf(room.session, "unit", file.unit_id, api.property.entry_id), unit) : html`<span>${unit}</span>`}
    ${api.may("get_person") ? this.link(pathOf(room.session, "person", file.person_id, api.property.entry_id), t("care_person")) : nothing}`;
  }

  private readonly changed = (event: CustomEvent<boolean>): void => {
    this.isChanging = false;
    if (event.detail) {
      this.did(this.room.t("saved"));
      void this.reload();
    }
  };

  private standing(file: WatchFile): TemplateResult {
    const { room } = this;
    const { t } = room;
    return html`<section class="box standing ${file.state}" aria-labelledby="standing" aria-live="polite">
      <h2 id="standing">${t("care_standing")}</h2>
      ${sentences(room, file).map((text) => html`<p>${text}</p>`)}
      ${notesOf(file).length ? html`<div class="line">${notes(room, file)}</div>` : nothing}
      ${file.dead.length
        ? html`<h3>${t("care_dead")}</h3>
            <ul class="flat">
              ${file.dead.map((row) => html`<li class="line"><span class="tag warn">${this.nameOf(row)}</span> ${t("care_dead_since", { since: moment(room, row.since) })}</li>`)}
            </ul>`
        : nothing}
    </section>`;
  }

  private nameOf(row: { key: string; name: string | null; area: string | null; entity_id: string | null }): string {
    if (row.key === "cards") {
      return this.room.t("care_cards_short");
    }
    return [row.area, row.name ?? row.entity_id].filter(Boolean).join(" · ") || this.room.t("care_gone");
  }

  private deeds(api: Api, file: WatchFile): TemplateResult | typeof nothing {
    const { room } = this;
    const { t } = room;
    const may = (right: string): boolean => api.may(right, file.unit_id) && !file.unreadable;
    const ending: [Ending, string][] = [
      ["away", "care_away"],
      ["pause", "care_pause"],
      ["guests", "care_guests"],
    ];
    const shown = ending.filter(([, right]) => may(right));
    if (!may("care_answer") && !shown.length && !may("care_close")) {
      return nothing;
    }
    return html`<section class="box" aria-labelledby="deeds">
      <h2 id="deeds">${t("care_deeds")}</h2>
      ${may("care_close") && file.told_at !== null
        ? html`<h3>${t("care_close")}</h3>
            <div class="actions">
              ${OUTCOMES.map((outcome) =>
                this.pressTwice(`close-${outcome}`, t(`care_close_${outcome}`), () =>
                  void this.deed("care_close", { outcome }, t("care_closed")), t(`care_close_${outcome}_means`)),
              )}
            </div>`
        : nothing}
      ${may("care_answer")
        ? html`<h3>${t("care_by_phone")}</h3>
            <div class="actions">
              ${ANSWERS.map((answer) =>
                this.pressTwice(`answer-${answer}`, t(`care_answer_${answer}`), () =>
                  void this.deed("care_answer", { answer }, t("care_answered")), t(`care_answer_${answer}_means`)),
              )}
            </div>`
        : nothing}
      ${shown.map(([what, right]) => this.ending(file, what, right))}
    </section>`;
  }

  private ending(file: WatchFile, what: Ending, command: string): TemplateResult {
    const { room, until } = this;
    const { t } = room;
    const is = isSo(file, what);
    const needsEnd = what !== "away" && !is;
    return html`<form
      class="ending"
      @submit=${(event: Event) => {
        event.preventDefault();
        void this.deed(command, sent(what, until[what], false), t("saved"));
      }}
    >
      <h3>${t(`care_set_${what}`)}</h3>
      <div class="actions">
        <label class="field">
          ${t(what === "away" ? "care_until_maybe" : "care_until")}
          <input
            name=${what}
            type="datetime-local"
            min=${nowIn(room)}
            ?required=${needsEnd}
            .value=${until[what]}
            @input=${(event: Event) => {
              this.until = { ...until, [what]: (event.target as HTMLInputElement).value };
            }}
          />
        </label>
        <button type="submit" data-do=${what} ?disabled=${room.locked || (what !== "away" && !until[what])}>${t(is ? "care_change_end" : `care_begin_${what}`)}</button>
        ${is
          ? html`<button
              type="button"
              data-do="end-${what}"
              ?disabled=${room.locked}
              @click=${() => void this.deed(command, sent(what, "", true), t("saved"))}
            >
              ${t(`care_end_${what}`)}
            </button>`
          : nothing}
      </div>
    </form>`;
  }

  private day(file: WatchFile): TemplateResult {
    const { t } = this.room;
    return html`<section class="box" aria-labelledby="day">
      <h2 id="day">${t("care_day")}</h2>
      ${dayChart(this.room, file.chart, file.now_quarter)}
    </section>`;
  }

  private agreed(api: Api, file: WatchFile): TemplateResult {
    const { room } = this;
    const { t } = room;
    const mayChange = api.may("care_change", file.unit_id);
    const me = room.hass.user?.id;
    const charge = file.in_charge ? (file.accounts[file.in_charge] ?? file.in_charge) : t("care_nobody_in_charge");
    return html`<section class="box" aria-labelledby="agreed">
      <h2 id="agreed">${t("care_agreed")}</h2>
      <dl>
        <dt>${t("care_because")}</dt>
        <dd>${t(file.because === "perinatal" ? "care_because_perinatal" : "care_because_alone")}</dd>
        <dt>${t("care_since")}</dt>
        <dd>${timeOf(room, file.started_at)}</dd>
        <dt>${t("last_day")}</dt>
        <dd>${file.until ? day(room, file.until) : t("until_revoked")}</dd>
        <dt>${t("care_charge")}</dt>
        <dd>${charge}</dd>
        ${TURNS.map((turn) => {
          const names = file.contacts.filter((row) => row.turn === turn).map((row) => row.name);
          return html`<dt>${t(turn === 1 ? "care_turn_1" : "care_turn_2")}</dt>
            <dd>${names.length ? names.join(t("comma")) : t("care_turn_empty")}</dd>`;
        })}
        <dt>${t("care_evidence")}</dt>
        <dd>
          <ul class="flat">
            ${file.sources.map(
              (row) => html`<li>${this.nameOf(row)} <span class="quiet">${t(row.kind === "door" ? "care_kind_door" : "care_kind_inside")}</span> ${row.dead_since ? html`<span class="tag warn">${t("care_why_dead")}</span>` : nothing}</li>`,
            )}
          </ul>
        </dd>
      </dl>
      ${mayChange && !file.unreadable
        ? sensitivity(t, file.sensitivity ?? "normal", (value) => void this.deed("care_change", { sensitivity: value }, t("saved")), room.locked)
        : file.sensitivity
          ? html`<p>${t("care_sensitivity")}: ${t(`care_sensitivity_${file.sensitivity}`)}</p>`
          : nothing}
      <div class="actions">
        ${mayChange && !file.unreadable
          ? html`<button
                data-do="change"
                ?disabled=${room.locked}
                @click=${() => {
                  this.isChanging = true;
                }}
              >
                ${t("care_change")}
              </button>
              ${me && file.in_charge !== me
                ? html`<button data-do="take" ?disabled=${room.locked} @click=${() => void this.deed("care_change", { in_charge: me }, t("saved"))}>
                    ${t("care_take")}
                  </button>`
                : nothing}`
          : nothing}
        ${api.may("care_revoke", file.unit_id) ? this.pressTwice("revoke", t("care_revoke"), () => void this.revoke(), t("care_revoke_means")) : nothing}
      </div>
    </section>`;
  }

  private figures(file: WatchFile): TemplateResult {
    const { t } = this.room;
    return html`<section class="box" aria-labelledby="months">
      <h2 id="months">${t("care_months")}</h2>
      ${monthly(this.room, file.months)}
    </section>`;
  }

  private log(file: WatchFile): TemplateResult {
    const { room } = this;
    const { t } = room;
    const names = new Map([[file.person_id, file.name], ...file.contacts.map((row) => [row.person_id, row.name] as const)]);
    return html`<section class="box" aria-labelledby="log">
      <h2 id="log">${t("report_steps")}</h2>
      <ul class="flat">
        ${[...file.deeds].reverse().map(
          (row) =>
            html`<li class="line">
              <span class="number">${timeOf(room, row.at)}</span>
              <span>${t(`care_deed_${row.what}` as "care_deed_asked")}</span>
              <span class="quiet">${row.user_id ? (file.accounts[row.user_id] ?? row.user_id) : row.person_id ? (names.get(row.person_id) ?? "") : ""}</span>
            </li>`,
        )}
      </ul>
    </section>`;
  }

  static override readonly styles = [
    ...pageStyles,
    signStyles,
    chartStyles,
    css`
      .standing p {
        margin: 4px 0;
      }
      .standing.alarm,
      .standing.asking {
        border: 3px solid var(--fire);
      }
      .standing.suspended {
        border: 3px solid var(--fault);
      }
      .box h3 {
        margin: 12px 0 4px;
      }
      .ending .actions {
        align-items: end;
      }
      .ending .field {
        flex: 0 1 260px;
      }
    `,
  ];
}

export const elements = { "cs-watch": WatchPage, "cs-care-start": CareStart };
