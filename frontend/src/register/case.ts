import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { lasted } from "../format";
import { CompoundMap } from "./compound";
import type { Look, Looks, PlaceRow, SearchFile, SearchRow, SeenAt } from "./model";
import { Page, pageStyles } from "./page";
import { encoded } from "./photo";
import { apiOf, option, timeOf, type Api } from "./room";
import { LOST } from "./searches";
import { FORMATS, saveTaken, type Format, type Taken } from "./taken";
import { languageOf } from "./texts";

const OUTCOMES = ["found", "not_found", "handed_over", "mistake"];
const MINUTE = 60;
const LOOKS: Looks[] = ["category", "colour", "age_group"];

type Wanted = Record<"plate" | Looks | "since" | "until" | "place", string> & { household: boolean; untold: boolean };
const nothingWanted = (): Wanted => ({
  plate: "",
  category: "",
  colour: "",
  age_group: "",
  since: "",
  until: "",
  place: "",
  household: false,
  untold: false,
});

/** What of a form is asked: what is empty is not said. */
export function asked(wanted: Wanted): Record<string, unknown> {
  const { household, place, since, until, untold, ...words } = wanted;
  const said = Object.entries(words).filter(([, value]) => value.trim() !== "");
  return {
    ...Object.fromEntries(said.map(([key, value]) => [key, value.trim()])),
    ...(household ? { household } : {}),
    ...(untold && (wanted.colour || wanted.age_group) ? { untold } : {}),
    ...(place ? { places: [JSON.parse(place) as [string, string | null]] } : {}),
    ...(since ? { since: new Date(since).toISOString() } : {}),
    ...(until ? { until: new Date(until).toISOString() } : {}),
  };
}

/** The places of a trail that are on the map, each once, with the numbers of its sightings: 1 is the oldest. */
export function onMap(sightings: readonly SeenAt[]): { place: PlaceRow; numbers: number[] }[] {
  const found = new Map<string, { place: PlaceRow; numbers: number[] }>();
  [...sightings].reverse().forEach(({ where }, index) => {
    if (where.place_id === null || where.latitude === null || where.longitude === null) {
      return;
    }
    const known = found.get(where.place_id);
    if (known) {
      known.numbers.push(index + 1);
      return;
    }
    const place = {
      place_id: where.place_id,
      kind: "building",
      name: where.place,
      latitude: where.latitude,
      longitude: where.longitude,
    } as PlaceRow;
    found.set(where.place_id, { place, numbers: [index + 1] });
  });
  return [...found.values()];
}

/** One search: where somebody was seen last, the trail, and who is told. */
export class CasePage extends Page {
  @property() caseId = "";
  @property() entryId: string | null = null;
  @state() private file: SearchFile | null = null;
  @state() private look: Look | null = null;
  @state() private isLooking = false;
  @state() private wanted = nothingWanted();
  private unfollow: (() => void) | null = null;
  /** The picture that is shown, of which sighting; without a path it could not be had. */
  @state() private picture: { of: SeenAt; path: string | null } | null = null;
  /** The picture that those who respond may see. */
  @state() private attached: string | null = null;
  private newest = "";
  /** The last look was about somebody's cards or a plate: whatever else fits may be somebody else. */
  private isByNumber = true;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.end();
  }

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has("caseId") || changed.has("entryId")) {
      this.end();
      this.file = this.look = null;
      this.newest = "";
      this.picture = this.attached = null;
      this.wanted = nothingWanted();
      void this.reload();
    }
  }

  private end(): void {
    this.unfollow?.();
    this.unfollow = null;
  }

  private get api(): Api | null {
    return apiOf(this.room, this.entryId);
  }

  protected override async load(): Promise<void> {
    const { api } = this;
    if (!api) {
      return;
    }
    this.file = await api.ask<SearchFile>("search_case", { case_id: this.caseId }, { withReason: false });
    this.unfollow ??= api.follow<SearchRow>(
      "subscribe_search_cases",
      (items) => {
        void this.heard(items.get(this.caseId));
      },
      () => undefined,
    );
    // The last sighting is what somebody has come for.
    if (this.file.open && !this.look && (this.file.person_id !== null || this.file.plate)) {
      await this.ask(api, {});
    }
  }

  /** A link is good once: the picture is asked for when somebody wants to see it, and again then. */
  private async show(api: Api, look: Look, of: SeenAt): Promise<void> {
    this.picture = null;
    await this.trying(async () => {
      const { device_id, door, event_id } = of;
      const said = { case_id: this.caseId, deed_id: look.deed_id, device_id, door, event_id };
      const { path } = await api.ask<{ path: string }>("search_picture", said, { withReason: false });
      this.picture = { of, path };
    });
  }

  private async attach(input: HTMLInputElement): Promise<void> {
    const { t } = this.room;
    await this.trying(async () => {
      const [file] = [...(input.files ?? [])];
      if (file) {
        await this.deed("attach_search_picture", { photo: await encoded(file, t) }, () => t("search_attached"));
      }
    });
    input.value = "";
    this.attached = null;
  }

  private async showAttached(api: Api): Promise<void> {
    await this.trying(async () => {
      const { content } = await api.ask<{ content: string }>("search_case_picture", { case_id: this.caseId }, { withReason: false });
      this.attached = `data:image/jpeg;base64,${content}`;
    });
  }

  private attaching(api: Api, file: SearchFile): TemplateResult {
    const { room } = this;
    const { t } = room;
    return html`<label class="field">
        ${t("search_attach")}
        <input type="file" name="picture" accept="image/*" ?disabled=${room.locked} @change=${(event: Event) => void this.attach(event.target as HTMLInputElement)} />
      </label>
      <p class="quiet">${t("search_attach_hint")}</p>
      ${file.pictured
        ? html`${this.attached ? html`<img class="seen" src=${this.attached} alt=${t("search_attach")} />` : nothing}
            <div class="actions">
              <button data-do="show-attached" ?disabled=${room.locked} @click=${() => void this.showAttached(api)}>${t("search_show_attached")}</button>
              <button
                data-do="detach"
                ?disabled=${room.locked}
                @click=${() => {
                  this.attached = null;
                  void this.deed("attach_search_picture", {}, () => t("search_detached"));
                }}
              >
                ${t("search_detach")}
              </button>
            </div>`
        : nothing}`;
  }

  /** Something was seen while the page is open, or somebody has closed the case. */
  private async heard(row: SearchRow | undefined): Promise<void> {
    const { api, file } = this;
    if (!api || !file || !row) {
      return;
    }
    const isNewer = row.seen_at !== null && this.look !== null && (this.look.last === null || Date.parse(row.seen_at) > Date.parse(this.look.last));
    if (isNewer && row.open && row.watched_by === this.room.hass.user?.id && row.seen_at !== this.newest) {
      this.newest = row.seen_at ?? "";
      await this.trying(() => this.ask(api, {}));
    } else if (row.open !== file.open) {
      await this.reload();
    }
  }

  private async ask(api: Api, said: Record<string, unknown>): Promise<void> {
    this.isLooking = true;
    this.picture = null;
    this.isByNumber = "plate" in said || (!LOOKS.some((key) => key in said) && Boolean(this.file?.person_id ?? this.file?.plate));
    try {
      this.look = await api.ask<Look>("search_sightings", { case_id: this.caseId, ...said }, { withReason: false });
    } finally {
      this.isLooking = false;
    }
  }

  /** Does something in the case, and shows what it is then. */
  private async deed(command: string, data: object, done: (answer: Record<string, unknown>) => string): Promise<void> {
    const { api } = this;
    if (!api) {
      return;
    }
    this.done = "";
    await this.trying(async () => {
      const answer = await api.ask<Record<string, unknown> | null>(command, { case_id: this.caseId, ...data }, { withReason: false });
      this.did(done(answer ?? {}));
      await this.load();
    });
  }

  override render() {
    const { api, file, look, room } = this;
    const { t } = room;
    const back = this.link("/searches", `‹ ${t("searches")}`);
    if (!api || !file) {
      return html`${back} ${this.said()} ${this.failure ? nothing : html`<div class="skeleton" role="status" aria-label=${t("waiting")}></div>`}`;
    }
    return html`${back}
      <div class="head">
        <h1>${option(room, "search_kind", file.kind)}</h1>
        ${file.name ? html`<strong>${file.name}</strong>` : nothing} ${file.plate ? html`<strong class="number">${file.plate}</strong>` : nothing}
        ${file.open
          ? html`<span class="tag bad">${t("search_open_until", { at: timeOf(room, file.closes_at) })}</span>`
          : html`<span class="tag">${option(room, "search_outcome", file.outcome ?? "expired")}</span>`}
      </div>
      ${file.description ? html`<p class="box">${file.description}</p>` : nothing}
      ${file.authority ? html`<p class="quiet">${t("search_authority", { authority: file.authority })}</p>` : nothing} ${this.said()}
      ${this.isLooking ? html`<div class="skeleton" role="status" aria-label=${t("searching")}></div>` : look ? this.found(api, look) : nothing}
      ${file.open ? html`${this.deeds(api, file)} ${api.may("search_sightings") ? this.form(api, file) : nothing}` : html`<p class="box">${t("search_closed")}</p>`}
      ${this.log(file)}`;
  }

  private found(api: Api, look: Look): TemplateResult {
    const { room } = this;
    const { t } = room;
    const [last] = look.sightings;
    const untold = look.untold ? html`<p>${t("search_untold", { count: look.untold })}</p>` : nothing;
    if (!last) {
      const why = this.isByNumber && this.file?.person_id && look.numbers === 0 ? "search_no_numbers" : "search_nothing_seen";
      return html`<section class="box last" aria-live="polite">
        <h2>${t(why)}</h2>
        ${untold}
      </section>`;
    }
    const map = onMap(look.sightings);
    return html`<section class="box last" aria-live="polite">
        <h2>${t(this.isByNumber ? "last_seen" : "last_fitting")}</h2>
        <p class="where">${this.place(last)}</p>
        <p>
          <strong class="number">${timeOf(room, last.at)}</strong>
          <span>${t("ago", { time: lasted(look.since_last ?? 0, room.hass.locale.language) })}</span>
          ${this.tags(last)}
        </p>
        ${untold} ${this.pictured(api, look, last)}
      </section>
      <section class="box" aria-labelledby="trail">
        <h2 id="trail">${t("trail")}</h2>
        <p class="quiet">${t("trail_hint")}</p>
        <ol class="flat">
          ${look.sightings.map((row, index) => this.sighting(api, look, row, look.sightings.length - index))}
        </ol>
        ${look.more ? html`<p class="quiet">${t("search_more")}</p>` : nothing}
        ${map.length
          ? html`<cs-compound
              .places=${map.map(({ place }) => place)}
              .centre=${{ latitude: map[0]?.place.latitude ?? 0, longitude: map[0]?.place.longitude ?? 0 }}
              .nameOf=${(place: PlaceRow) => {
                const numbers = map.find((row) => row.place === place)?.numbers ?? [];
                return `${numbers.join(", ")} · ${place.name}`;
              }}
              .label=${t("trail")}
            ></cs-compound>`
          : nothing}
        ${api.may("export_case")
          ? html`<p class="quiet">${t("search_export_hint")}</p>
              <div class="actions">
                ${FORMATS.map(
                  (format) =>
                    html`<button data-do="export-${format}" ?disabled=${room.locked} @click=${() => void this.export(api, look, format)}>
                      ${t("search_export", { format: format.toUpperCase() })}
                    </button>`,
                )}
              </div>`
          : nothing}
      </section>`;
  }

  private place({ where }: SeenAt): string {
    return [where.place, where.name].filter((part) => part !== "").join(" · ");
  }

  private tags(row: SeenAt): TemplateResult {
    const { t } = this.room;
    return html`${row.inwards === null ? nothing : html`<span class="tag">${t(row.inwards ? "went_in" : "went_out")}</span>`}
    ${row.granted === false ? html`<span class="tag warn">${t("was_refused")}</span>` : nothing}
    ${row.exact ? nothing : html`<span class="tag warn">${t("only_alike")}</span>`}
    ${row.untold.map((key) => html`<span class="tag warn">${t(`untold_${key}`)}</span>`)}`;
  }

  private pictured(api: Api, look: Look, row: SeenAt): TemplateResult | typeof nothing {
    const { picture, room } = this;
    if (!row.pictured || !this.file?.open) {
      return nothing;
    }
    if (picture?.of !== row) {
      return html`<button data-do="picture" ?disabled=${room.locked} @click=${() => void this.show(api, look, row)}>${room.t("search_picture")}</button>`;
    }
    return picture.path === null
      ? html`<p class="quiet" role="status">${room.t("search_no_picture")}</p>`
      : html`<img
          class="seen"
          src=${picture.path}
          alt=${room.t("search_picture_of", { place: this.place(row), at: timeOf(room, row.at) })}
          @error=${() => {
            this.picture = { of: row, path: null };
          }}
        />`;
  }

  private sighting(api: Api, look: Look, row: SeenAt, number: number): TemplateResult {
    const { room } = this;
    const { t } = room;
    return html`<li data-sighting=${number}>
        <span class="number">${number}</span>
        <strong class="number">${timeOf(room, row.at)}</strong>
        <span>${this.place(row)}</span>
        ${this.tags(row)}
        <span class="quiet">${[row.name ?? "", row.number, ...LOOKS.map((key) => (row[key] ? option(room, `search_${key}`, row[key]) : ""))].filter((part) => part !== "").join(" · ")}</span>
        ${row === look.sightings[0] ? nothing : this.pictured(api, look, row)}
      </li>
      ${row.gap === null
        ? nothing
        : html`<li class="gap">${t("trail_gap", { time: lasted(Math.round(row.gap / MINUTE) * MINUTE, room.hass.locale.language) })}</li>`}`;
  }

  private async export(api: Api, look: Look, format: Format): Promise<void> {
    await this.trying(async () => {
      const given = await api.ask<Taken>(
        "export_search",
        { case_id: this.caseId, deed_id: look.deed_id, format, language: languageOf(this.room.hass.language) },
        { withReason: false },
      );
      saveTaken(given, format);
      this.did(this.room.t("search_given", { receipt: given.receipt }));
      await this.load();
    });
  }

  private deeds(api: Api, file: SearchFile): TemplateResult {
    const { room } = this;
    const { t } = room;
    const isWatched = file.watched_by !== null;
    const isMine = isWatched && file.watched_by === room.hass.user?.id;
    const canBeSeen = file.kind !== "access_copy" && (file.person_id !== null || Boolean(file.plate));
    return html`<section class="box" aria-labelledby="deeds">
      <h2 id="deeds">${t("search_deeds")}</h2>
      <div class="actions">
        ${api.may("watch_case") && canBeSeen
          ? html`<button
              data-do="watch"
              ?disabled=${room.locked}
              @click=${() =>
                void this.deed("watch_search_case", { watch: !isMine }, ({ phones }) =>
                  isMine ? t("search_unwatched") : t("search_watched", { count: Number(phones) }),
                )}
            >
              ${t(isMine ? "search_unwatch" : "search_watch")}
            </button>`
          : nothing}
        ${api.may("alert_case") && LOST.includes(file.kind)
          ? this.pressTwice(
              "alert",
              t("search_tell"),
              () => void this.deed("alert_search_case", {}, ({ told }) => t(told ? "search_told" : "search_not_told")),
              t("search_tell_means"),
              !file.description,
            )
          : nothing}
      </div>
      ${isWatched && !isMine ? html`<p class="quiet">${t("search_watched_by_other")}</p>` : nothing}
      ${api.may("alert_case") && LOST.includes(file.kind) ? this.attaching(api, file) : nothing}
      ${api.may("alert_case") && LOST.includes(file.kind) && !file.description ? html`<p class="quiet">${t("search_tell_needs")}</p>` : nothing}
      ${api.may("close_case")
        ? html`<p>${t("search_close")}</p>
            <div class="actions">
              ${(file.kind === "access_copy" ? ["given", "mistake"] : OUTCOMES).map((outcome) =>
                this.pressTwice(`close-${outcome}`, option(room, "search_outcome", outcome), () =>
                  void this.deed("close_search_case", { outcome }, () => t("search_closed")),
                ),
              )}
            </div>`
        : nothing}
    </section>`;
  }

  private form(api: Api, file: SearchFile): TemplateResult {
    const { room, wanted } = this;
    const { t } = room;
    if (file.kind === "access_copy") {
      return html`<section class="box">${this.lookButton(() => ({}), api)}</section>`;
    }
    return html`<section class="box" aria-labelledby="more">
      <h2 id="more">${t("search_further")}</h2>
      <form
        @submit=${(event: Event) => {
          event.preventDefault();
          void this.trying(() => this.ask(api, asked(this.wanted)));
        }}
      >
        ${file.person_id === null
          ? nothing
          : this.choice("household", t("search_household"))}
        <div class="fields">
          ${this.field("plate", t("search_plate"))} ${LOOKS.map((name) => this.chosen(name, file))}
          <label class="field">
            ${t("search_place")}
            <select
              name="place"
              @change=${(event: Event) => {
                this.wanted = { ...this.wanted, place: (event.target as HTMLSelectElement).value };
              }}
            >
              <option value="">${t("search_anywhere")}</option>
              ${file.places.map((row) => {
                const value = JSON.stringify([row.device_id, row.door]);
                return html`<option value=${value} ?selected=${value === wanted.place}>${[row.place, row.name].filter((part) => part !== "").join(" · ")}</option>`;
              })}
            </select>
          </label>
          ${this.field("since", t("search_since"), "datetime-local")} ${this.field("until", t("search_until"), "datetime-local")}
        </div>
        ${wanted.colour || wanted.age_group ? this.choice("untold", t("search_with_untold")) : nothing}
        <div class="actions"><button class="main" type="submit" data-do="look" ?disabled=${room.locked || this.isLooking}>${t("search_look")}</button></div>
      </form>
    </section>`;
  }

  private lookButton(said: () => Record<string, unknown>, api: Api): TemplateResult {
    return html`<button
      class="main"
      data-do="look"
      ?disabled=${this.room.locked || this.isLooking}
      @click=${() => void this.trying(() => this.ask(api, said()))}
    >
      ${this.room.t("search_look")}
    </button>`;
  }

  private choice(name: "household" | "untold", label: string): TemplateResult {
    return html`<label class="choice">
      <input
        type="checkbox"
        name=${name}
        .checked=${this.wanted[name]}
        @change=${(event: Event) => {
          this.wanted = { ...this.wanted, [name]: (event.target as HTMLInputElement).checked };
        }}
      />
      ${label}
    </label>`;
  }

  /** What a camera may say: one of the words that cameras have for it. */
  private chosen(name: Looks, file: SearchFile): TemplateResult {
    const { room, wanted } = this;
    return html`<label class="field">
      ${room.t(`search_${name}`)}
      <select
        name=${name}
        @change=${(event: Event) => {
          this.wanted = { ...this.wanted, [name]: (event.target as HTMLSelectElement).value };
        }}
      >
        <option value="">${room.t("search_any_look")}</option>
        ${file.words[name].map((word) => html`<option value=${word} ?selected=${word === wanted[name]}>${option(room, `search_${name}`, word)}</option>`)}
      </select>
    </label>`;
  }

  private field(name: Exclude<keyof Wanted, Looks | "household" | "untold" | "place">, label: string, type = "text"): TemplateResult {
    return html`<label class="field">
      ${label}
      <input
        name=${name}
        type=${type}
        autocomplete="off"
        maxlength="200"
        .value=${this.wanted[name]}
        @input=${(event: Event) => {
          this.wanted = { ...this.wanted, [name]: (event.target as HTMLInputElement).value };
        }}
      />
    </label>`;
  }

  private log(file: SearchFile): TemplateResult {
    const { room } = this;
    const { t } = room;
    return html`<section class="box" aria-labelledby="log">
      <h2 id="log">${t("report_steps")}</h2>
      <ul class="flat">
        ${file.deeds.map(
          (row) =>
            html`<li>
              <span class="number">${timeOf(room, row.at)}</span>
              <span>${option(room, "search_deed", row.what)}</span>
              <span>${row.who === null ? t("search_by_time") : (file.accounts[row.who] ?? row.who)}</span>
              ${row.shown === null ? nothing : html`<span class="quiet">${t("search_shown", { count: row.shown })}</span>`}
              ${row.receipt === null ? nothing : html`<span class="quiet long">${t("search_receipt", { receipt: row.receipt, digest: row.digest ?? "" })}</span>`}
            </li>`,
        )}
      </ul>
    </section>`;
  }

  static override readonly styles = [
    ...pageStyles,
    css`
      .last {
        border: 3px solid var(--primary-color, #03a9f4);
      }
      .last p {
        margin: 4px 0;
      }
      .where {
        font-size: 22px;
        font-weight: 500;
        overflow-wrap: anywhere;
      }
      form {
        display: grid;
        gap: 12px;
      }
      li {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0 8px;
        min-height: 36px;
        border-top: 1px solid var(--divider-color);
      }
      li:first-child {
        border-top: 0;
      }
      .seen {
        max-width: 100%;
        max-height: 60vh;
        object-fit: contain;
      }
      li.gap {
        border-top: 2px dashed var(--outline-color, var(--secondary-text-color));
        color: var(--secondary-text-color);
      }
      .long {
        overflow-wrap: anywhere;
      }
    `,
  ];
}

export const elements = { "cs-case": CasePage, "cs-compound": CompoundMap };
