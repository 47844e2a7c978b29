import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { ChangeSheet, type Subject } from "./change";
import { CheckInSheet } from "./check-in";
import { LeaseSheet, type Deed } from "./lease";
import type { Left, Occupant, Outcome, UnitFile } from "./model";
import { Page, pageStyles } from "./page";
import { RemoveSheet } from "./remove";
import { apiOf, day, dayOf, option, pathOf, period, type Api } from "./room";
import type { Done } from "./sheet";
import { unitData, unitFields } from "./unit-fields";

const DEEDS: Deed[] = ["renew_lease", "check_out", "correct_lease", "move"];

/** A unit: where it is, who is there, and what can be done about that. */
export class UnitPage extends Page {
  @property() unitId = "";
  @property() entryId: string | null = null;
  @state() private unit: UnitFile | null = null;
  /** Null until somebody has asked. */
  @state() private left: Left[] | null = null;
  @state() private sheet: Deed | "check_in" | "update_unit" | "remove_unit" | null = null;
  /** It was removed here, and can be brought back. */
  @state() private isRemoved = false;
  private occupant: Occupant | null = null;
  private commandId: string | null = null;

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has("unitId") || changed.has("entryId")) {
      this.unit = this.left = null;
      this.isRemoved = false;
      this.done = "";
      void this.reload();
    }
  }

  private get api(): Api | null {
    return apiOf(this.room, this.entryId);
  }

  protected override async load(): Promise<void> {
    const { api, unitId } = this;
    if (api && !api.lacksReason("get_unit")) {
      const unit = await api.ask<UnitFile>("unit", { unit_id: unitId });
      if (unitId === this.unitId) {
        this.unit = unit;
        // A read of its own, with its row in the audit: only what somebody has asked for.
        if (this.left) {
          await this.loadLeft(api);
        }
      }
    }
  }

  private async loadLeft(api: Api): Promise<void> {
    const { unitId } = this;
    const { people } = await api.ask<{ people: Left[] }>("left", { unit_id: unitId });
    if (unitId === this.unitId) {
      this.left = people;
    }
  }

  override render() {
    const { api, unit } = this;
    const { t } = this.room;
    const back = api?.may("get_units") ? this.link("/units", `‹ ${t("all_units")}`) : nothing;
    const gate = api ? this.gate(api, "get_unit") : null;
    if (api && this.isRemoved) {
      return html`${back} ${this.said()}
        <button class="main" data-do="restore_unit" ?disabled=${this.room.locked} @click=${() => void this.restore(api)}>${t("bring_back")}</button>`;
    }
    if (gate || !api || !unit) {
      return html`${back} ${gate ?? this.said()}
      ${gate || this.failure ? nothing : html`<div class="skeleton" role="status" aria-label=${t("waiting")}></div>`}`;
    }
    return html`${back}
      <div class="head">
        <h1>${unit.title}</h1>
        <span>${unit.address}</span>
        ${unit.complete ? html`<span class="tag good">${t("complete")}</span>` : html`<span class="tag warn">${t("incomplete")}</span>`}
        ${unit.letting ? html`<span class="tag">${option(this.room, "letting", unit.letting)}</span>` : nothing}
        ${unit.rooms ? html`<span class="quiet">${t("rooms", { count: unit.rooms })}</span>` : nothing}
        ${this.incident(unit)}
        <span class="grow"></span>
        <span class="actions">
          ${api.may("check_in", unit.unit_id)
            ? html`<button class="main" data-do="check_in" @click=${this.opens("check_in")}>${t("check_in")}</button>`
            : nothing}
          ${api.may("update_unit", unit.unit_id)
            ? html`<button data-do="update_unit" @click=${this.opens("update_unit")}>${t("change")}</button>`
            : nothing}
          ${api.may("remove_unit", unit.unit_id)
            ? html`<button data-do="remove_unit" ?disabled=${this.room.locked} @click=${this.opens("remove_unit")}>${t("remove")}</button>`
            : nothing}
        </span>
      </div>
      ${this.reason()} ${this.said()} ${this.undo(api)} ${this.people(api, unit)} ${this.gone(api)} ${this.more(api, unit)}
      ${this.sheets(api, unit)}`;
  }

  private async restore(api: Api): Promise<void> {
    await this.trying(async () => {
      await api.ask("restore_unit", { unit_id: this.unitId });
      this.isRemoved = false;
      this.did(this.room.t("undone"));
      await this.load();
    });
  }

  private incident(unit: UnitFile): TemplateResult | typeof nothing {
    const id = this.room.incidentIn(unit.area_id);
    return id ? this.link(`/incident/${id}`, this.room.t("incident_here"), "tag bad") : nothing;
  }

  private undo(api: Api): TemplateResult | typeof nothing {
    const { commandId } = this;
    return commandId && this.done && api.may("undo", this.unitId)
      ? html`<p class="actions">
          <button
            data-do="undo"
            ?disabled=${this.room.locked}
            @click=${() =>
              void this.trying(async () => {
                await api.ask("undo", { command_id: commandId });
                this.commandId = null;
                this.did(this.room.t("undone"));
                await this.load();
              })}
          >
            ${this.room.t("undo")}
          </button>
        </p>`
      : nothing;
  }

  private people(api: Api, unit: UnitFile): TemplateResult {
    const { t } = this.room;
    if (!unit.people.length) {
      return html`<section class="box"><h2>${t("people")}</h2><p>${t("vacant")}</p></section>`;
    }
    return html`<section class="box">
      <h2>${t("people")}</h2>
      <ul class="flat">
        ${unit.people.map((person) => this.row(api, unit, person))}
      </ul>
    </section>`;
  }

  private row(api: Api, unit: UnitFile, person: Occupant): TemplateResult {
    const { room } = this;
    const { t } = room;
    const deeds = DEEDS.filter((deed) => api.may(deed, unit.unit_id) && (deed !== "move" || api.may("get_units")));
    const path = pathOf(room.session, "person", person.person_id, api.property.entry_id);
    return html`<li class="person" data-person=${person.person_id}>
      <div class="who">
        ${api.may("get_person", unit.unit_id) ? this.link(path, html`<strong>${person.name}</strong>`) : html`<strong>${person.name}</strong>`}
        <span>${option(room, "role", person.role)} ${person.slot}</span>
        ${this.numbers(person)}
      </div>
      <div class="terms">
        <span class="number">${period(room, person.start, person.end)}</span>
        ${person.is_inside ? nothing : html`<span class="tag">${t("comes")}</span>`}
        ${person.left_on ? html`<span class="tag warn">${t("leaves", { day: day(room, person.left_on) })}</span>` : nothing}
        ${this.history(unit, person)}
      </div>
      <div class="actions">
        ${deeds.map(
          (deed) =>
            html`<button
              data-do=${deed}
              aria-label=${`${t(deed)} ${person.name}`}
              ?disabled=${room.locked}
              @click=${() => {
                this.occupant = person;
                this.sheet = deed;
              }}
            >
              ${t(deed)}
            </button>`,
        )}
      </div>
    </li>`;
  }

  private numbers(person: Occupant): TemplateResult {
    const { room } = this;
    if (!person.addresses.length) {
      return html`<span class="tag bad">${room.t("no_address")}</span>`;
    }
    const by = new Map<string, string[]>();
    for (const { channel, target } of person.addresses) {
      // Of an app there is nothing to read.
      const shown = channel === "push" ? "" : target;
      by.set(shown, [...(by.get(shown) ?? []), option(room, "alert_channel", channel)]);
    }
    return html`<span class="quiet">
      ${[...by].map(([target, channels], index) => html`${index ? " · " : ""}${channels.join(this.room.t("comma"))} <span class="number">${target}</span>`)}
    </span>`;
  }

  private history(unit: UnitFile, person: Occupant): TemplateResult {
    const { room } = this;
    return html`<details>
      <summary>${room.t("history")}</summary>
      <ul class="flat">
        ${person.history.map(
          (row) =>
            html`<li class=${row.undone ? "undone" : ""}>
              <span class="number">${dayOf(room, row.at)}</span>
              ${option(room, "lease_change", row.what)}
              ${row.left_on ? day(room, row.left_on) : row.start ?? row.end ? period(room, row.start, row.end) : ""}
              <span class="quiet">${(row.who && unit.accounts[row.who]) ?? ""}${row.undone ? ` (${room.t("was_undone")})` : ""}</span>
            </li>`,
        )}
      </ul>
    </details>`;
  }

  /** Who has left, and can be brought back. */
  private gone(api: Api): TemplateResult | typeof nothing {
    const { room, left } = this;
    const { t } = room;
    if (!api.may("undo", this.unitId)) {
      return nothing;
    }
    if (!left) {
      return html`<button data-do="left" @click=${() => void this.trying(() => this.loadLeft(api))}>${t("who_left")}</button>`;
    }
    return html`<section class="box">
      <h2>${t("who_left")}</h2>
      ${left.length
        ? html`<ul class="flat">
            ${left.map(
              (row) =>
                html`<li class="actions" data-left=${row.person_id}>
                  <strong>${row.name}</strong>
                  <span>${option(room, "role", row.role)}</span>
                  <span class="quiet">${row.left_on ? t("left_on", { day: day(room, row.left_on) }) : dayOf(room, row.at)}</span>
                  <button
                    data-do="bring_back"
                    aria-label=${`${t("bring_back")} ${row.name}`}
                    ?disabled=${room.locked}
                    @click=${() =>
                      void this.trying(async () => {
                        await api.ask("undo", { command_id: row.command_id });
                        this.did(t("undone"));
                        await this.load();
                      })}
                  >
                    ${t("bring_back")}
                  </button>
                </li>`,
            )}
          </ul>`
        : html`<p>${t("nobody_left")}</p>`}
    </section>`;
  }

  private more(api: Api, unit: UnitFile): TemplateResult {
    const { t } = this.room;
    return html`<p class="actions">
      ${api.may("get_audit") || api.may("get_own_audit") ? this.link(`/audit/unit/${unit.unit_id}`, t("audit_of_unit")) : nothing}
    </p>`;
  }

  private opens(sheet: "check_in" | "update_unit" | "remove_unit"): () => void {
    return () => {
      this.sheet = sheet;
    };
  }

  private readonly closed = (event: CustomEvent<Done | undefined>): void => {
    const isRemoved = this.sheet === "remove_unit";
    this.sheet = null;
    const done = event.detail;
    if (done) {
      this.did(done.text);
      this.commandId = done.commandId ?? null;
      if (isRemoved) {
        this.isRemoved = true;
        this.unit = this.left = null;
      } else {
        void this.reload();
      }
    }
  };

  private sheets(api: Api, unit: UnitFile): TemplateResult | typeof nothing {
    const { room, sheet, closed } = this;
    switch (sheet) {
      case null:
        return nothing;
      case "check_in":
        return html`<cs-check-in .room=${room} .api=${api} .unit=${unit} @closed=${closed}></cs-check-in>`;
      case "update_unit":
        return html`<cs-change .room=${room} .api=${api} .subject=${this.subject(api, unit)} @closed=${closed}></cs-change>`;
      case "remove_unit":
        return html`<cs-remove .room=${room} .api=${api} .unit=${unit} @closed=${closed}></cs-remove>`;
      default:
        return html`<cs-lease
          .room=${room}
          .api=${api}
          .unit=${unit}
          .occupant=${this.occupant}
          .deed=${sheet}
          @closed=${closed}
        ></cs-lease>`;
    }
  }

  private subject(api: Api, unit: UnitFile): Subject {
    const { room } = this;
    return {
      title: room.t("change_title", { what: unit.title }),
      version: unit.version,
      fields: unitFields(room, unit),
      send: (values, version) =>
        api.ask<Outcome<UnitFile>>("update_unit", { unit_id: unit.unit_id, version, ...unitData(values) }),
      read: (conflict) => ({ version: (conflict as UnitFile).version, fields: unitFields(room, conflict as UnitFile) }),
    };
  }

  static override readonly styles = [
    ...pageStyles,
    css`
      .person {
        display: grid;
        grid-template-columns: minmax(0, 1fr) minmax(0, 1fr) auto;
        gap: 4px 16px;
        align-items: center;
        padding: 8px 0;
        border-top: 1px solid var(--divider-color);
      }
      .who,
      .terms {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0 12px;
        min-width: 0;
      }
      .person .actions {
        justify-content: flex-end;
      }
      summary {
        min-height: 44px;
        display: flex;
        align-items: center;
        cursor: pointer;
        text-decoration: underline;
      }
      .undone {
        text-decoration: line-through;
      }
      :host([narrow]) .person {
        grid-template-columns: 1fr;
      }
      :host([narrow]) .person .actions {
        justify-content: stretch;
      }
      :host([narrow]) .person .actions button {
        flex: 1 1 40%;
      }
    `,
  ];
}

export const elements = {
  "cs-unit": UnitPage,
  "cs-check-in": CheckInSheet,
  "cs-lease": LeaseSheet,
  "cs-change": ChangeSheet,
  "cs-remove": RemoveSheet,
};
