import { css, html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { ChangeSheet, type Subject } from "./change";
import type { Hit, RemovedUnit } from "./model";
import { Page, pageStyles } from "./page";
import { apis, option, pathOf, type Api } from "./room";
import { NEW_UNIT, unitData, unitFields } from "./unit-fields";

interface Of<T> {
  api: Api;
  row: T;
}

/** What else is done with units: one is added, or brought back, and who is there twice is looked for. It fires `changed`. */
export class KeptUnits extends Page {
  /** Each is null until somebody has asked. */
  @state() private removed: Of<RemovedUnit>[] | null = null;
  @state() private pairs: Of<[Hit, Hit]>[] | null = null;
  /** Where a unit is being added, in which form; and the path of the one that was. */
  @state() private adding: { api: Api; subject: Subject } | null = null;
  private added: string | null = null;

  protected override async load(): Promise<void> {
    if (this.removed) {
      await this.loadRemoved();
    }
  }

  private async loadRemoved(): Promise<void> {
    const answers = await Promise.all(
      apis(this.room, "restore_unit").map(async (api) => ({ api, ...(await api.ask<{ units: RemovedUnit[] }>("removed_units")) })),
    );
    this.removed = answers.flatMap(({ api, units }) => units.map((row) => ({ api, row })));
  }

  private async loadPairs(): Promise<void> {
    const answers = await Promise.all(
      apis(this.room, "find_duplicates").map(async (api) => ({ api, ...(await api.ask<{ pairs: [Hit, Hit][] }>("duplicates")) })),
    );
    this.pairs = answers.flatMap(({ api, pairs }) => pairs.map((row) => ({ api, row })));
  }

  override render() {
    const { room, adding } = this;
    const { t } = room;
    return html`<p class="actions">
        ${apis(room, "add_unit").map(
          (api) =>
            html`<button
              data-do="add_unit"
              ?disabled=${room.locked}
              @click=${() => {
                this.adding = { api, subject: this.newUnit(api) };
              }}
            >
              ${this.named(t("add_unit"), api)}
            </button>`,
        )}
        ${this.removed || !apis(room, "restore_unit").length
          ? nothing
          : html`<button data-do="removed" @click=${() => void this.trying(() => this.loadRemoved())}>${t("removed_units")}</button>`}
        ${this.pairs || !apis(room, "find_duplicates").length
          ? nothing
          : html`<button data-do="pairs" @click=${() => void this.trying(() => this.loadPairs())}>${t("twins")}</button>`}
      </p>
      ${this.said()} ${this.gone()} ${this.twice()}
      ${adding
        ? html`<cs-change .room=${room} .api=${adding.api} .subject=${adding.subject} @closed=${this.closed}></cs-change>`
        : nothing}`;
  }

  /** What something is called; with its property, where there are several. */
  private named(text: string, { property }: Api): string {
    return this.room.session.properties.length > 1 ? `${text} ${property.title}` : text;
  }

  private gone(): TemplateResult | typeof nothing {
    const { room, removed } = this;
    const { t } = room;
    return removed
      ? html`<section class="box">
          <h2>${t("removed_units").replace(/…+$/, "")}</h2>
          ${removed.length
            ? html`<ul class="flat">
                ${removed.map(
                  ({ api, row }) =>
                    html`<li class="actions" data-removed=${row.unit_id}>
                      <strong>${this.named(row.title, api)}</strong>
                      <span class="quiet">${t("removed_for", { people: row.people, days: row.days })}</span>
                      <button
                        data-do="restore_unit"
                        aria-label=${`${t("bring_back")} ${row.title}`}
                        ?disabled=${room.locked}
                        @click=${() => void this.restore(api, row)}
                      >
                        ${t("bring_back")}
                      </button>
                    </li>`,
                )}
              </ul>`
            : html`<p>${t("nothing_removed")}</p>`}
        </section>`
      : nothing;
  }

  private async restore(api: Api, row: RemovedUnit): Promise<void> {
    this.failure = "";
    await this.trying(async () => {
      await api.ask("restore_unit", { unit_id: row.unit_id });
      this.did(this.room.t("restored", { unit: row.title }));
      this.dispatchEvent(new CustomEvent("changed"));
      await this.loadRemoved();
    });
  }

  private twice(): TemplateResult | typeof nothing {
    const { room, pairs } = this;
    const { t } = room;
    return pairs
      ? html`<section class="box">
          <h2>${t("twins")}</h2>
          ${pairs.length
            ? html`<p class="quiet">${t("pairs_hint")}</p>
                <ul class="flat">
                  ${pairs.map(({ api, row }) => html`<li class="actions" data-pair>${row.map((hit) => this.hit(api, hit))}</li>`)}
                </ul>`
            : html`<p>${t("no_pairs")}</p>`}
        </section>`
      : nothing;
  }

  private hit(api: Api, hit: Hit): TemplateResult {
    const { room } = this;
    const units = hit.units.map((row) => `${row.unit ?? ""} ${option(room, "role", row.role)}`).join(" · ");
    return this.link(
      pathOf(room.session, "person", hit.person_id, api.property.entry_id),
      html`<span><strong>${hit.name}</strong> <span class="quiet">${units || room.t("lives_nowhere")}</span></span>`,
    );
  }

  private readonly closed = (): void => {
    this.adding = null;
    if (this.added) {
      this.room.go(this.added);
    }
  };

  private newUnit(api: Api): Subject {
    const { room } = this;
    this.added = null;
    return {
      title: room.t("add_unit_title"),
      version: 0,
      fields: unitFields(room, NEW_UNIT),
      send: async (values) => {
        const answer = await api.ask<{ written: { unit_id: string } }>("add_unit", unitData(values));
        this.added = pathOf(room.session, "unit", answer.written.unit_id, api.property.entry_id);
        return answer;
      },
      // There is none that somebody else could have changed.
      read: () => ({ version: 0, fields: [] }),
    };
  }

  static override readonly styles = [
    ...pageStyles,
    css`
      p.actions {
        margin: 12px 0;
      }
    `,
  ];
}

export const elements = { "cs-kept": KeptUnits, "cs-change": ChangeSheet };
