import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { ChangeSheet, type Asked, type Subject } from "./change";
import { CheckInSheet } from "./check-in";
import { LeaseSheet, type Deed } from "./lease";
import type { Occupant, Outcome, UnitFile } from "./model";
import { Page, pageStyles } from "./page";
import { apiOf, day, dayOf, option, pathOf, period, type Api } from "./room";
import type { Done } from "./sheet";

const DEEDS: Deed[] = ["renew_lease", "check_out", "correct_lease", "move"];
const LETTINGS = ["whole", "shared", "dormitory", "short_term", "owner"];

/** A unit: where it is, who is there, and what can be done about that. */
export class UnitPage extends Page {
  @property() unitId = "";
  @property() entryId: string | null = null;
  @state() private unit: UnitFile | null = null;
  @state() private sheet: Deed | "check_in" | "update_unit" | null = null;
  private occupant: Occupant | null = null;
  private commandId: string | null = null;

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has("unitId") || changed.has("entryId")) {
      this.unit = null;
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
      }
    }
  }

  override render() {
    const { api, unit } = this;
    const { t } = this.room;
    const back = api?.may("get_units") ? this.link("/units", `‹ ${t("all_units")}`) : nothing;
    const gate = api ? this.gate(api, "get_unit") : null;
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
        </span>
      </div>
      ${this.reason()} ${this.said()} ${this.undo(api)} ${this.people(api, unit)} ${this.more(api, unit)} ${this.sheets(api, unit)}`;
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
                this.done = this.room.t("undone");
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

  private more(api: Api, unit: UnitFile): TemplateResult {
    const { t } = this.room;
    return html`<p class="actions">
      ${api.may("get_audit") || api.may("get_own_audit") ? this.link(`/audit/unit/${unit.unit_id}`, t("audit_of_unit")) : nothing}
    </p>`;
  }

  private opens(sheet: "check_in" | "update_unit"): () => void {
    return () => {
      this.sheet = sheet;
    };
  }

  private readonly closed = (event: CustomEvent<Done | undefined>): void => {
    this.sheet = null;
    const done = event.detail;
    if (done) {
      this.done = done.text;
      this.commandId = done.commandId ?? null;
      void this.reload();
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
    const fields = (of: UnitFile): Asked[] => [
      { name: "building", label: room.t("building"), value: of.building },
      { name: "stairwell", label: room.t("stairwell_label"), value: of.stairwell },
      { name: "number", label: room.t("number"), value: of.number },
      { name: "address", label: room.t("address"), value: of.address },
      { name: "rooms", label: room.t("rooms_label"), value: of.rooms === null ? "" : String(of.rooms), type: "number" },
      {
        name: "letting",
        label: room.t("letting"),
        value: of.letting ?? "",
        options: [["", "–"], ...LETTINGS.map((key): [string, string] => [key, option(room, "letting", key)])],
      },
    ];
    return {
      title: room.t("change_title", { what: unit.title }),
      version: unit.version,
      fields: fields(unit),
      send: ({ rooms, ...values }, version) =>
        api.ask<Outcome<UnitFile>>("update_unit", {
          unit_id: unit.unit_id,
          version,
          ...values,
          ...(rooms ? { rooms: Number(rooms) } : {}),
        }),
      read: (conflict) => ({ version: (conflict as UnitFile).version, fields: fields(conflict as UnitFile) }),
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
};
