import { css, html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { AsSheet } from "./as";
import { accountNames, held, isOver, type Held } from "./grants";
import type { Roles } from "./model";
import { Page, pageStyles } from "./page";
import { RoleSheet } from "./role";
import { apis, day, dayOf, option, pathOf, today, type Api } from "./room";
import type { Done } from "./sheet";

/** Which account may do what, where and until when. */
export class RolesPage extends Page {
  @state() private found: { api: Api; roles: Roles }[] | null = null;
  /** The property in which a role is given; with the role whose last day is changed. */
  @state() private sheet: { api: Api; roles: Roles; grant: Held | null } | null = null;

  /** The account whose view is shown. */
  @state() private as: { api: Api; user: Held } | null = null;

  protected override firstUpdated(): void {
    void this.reload();
  }

  protected override async load(): Promise<void> {
    this.found = await Promise.all(
      apis(this.room, "get_roles").map(async (api) => ({ api, roles: await api.ask<Roles>("roles") })),
    );
  }

  override render() {
    const { room, found, sheet } = this;
    const { t } = room;
    return html`<div class="head"><h1>${t("roles_title")}</h1></div>
      ${this.said()}
      ${apis(room, "get_roles").length
        ? found
          ? found.map((one) => this.property(one.api, one.roles))
          : this.failure
            ? nothing
            : html`<div class="skeleton" role="status" aria-label=${t("waiting")}></div>`
        : html`<p role="alert">${t("not_allowed")}</p>`}
      ${sheet
        ? html`<cs-role .room=${room} .api=${sheet.api} .found=${sheet.roles} .grant=${sheet.grant} @closed=${this.closed}></cs-role>`
        : nothing}
      ${this.as
        ? html`<cs-as
            .room=${room}
            .api=${this.as.api}
            .user=${this.as.user}
            @closed=${() => {
              this.as = null;
            }}
          ></cs-as>`
        : nothing}`;
  }

  private readonly closed = (event: CustomEvent<Done | undefined>): void => {
    this.sheet = null;
    if (event.detail) {
      this.done = event.detail.text;
      void this.reload();
    }
  };

  private property(api: Api, roles: Roles): TemplateResult {
    const { room } = this;
    const { t } = room;
    const names = accountNames(roles);
    const admins = roles.accounts.filter((account) => account.is_admin).map((account) => names.get(account.user_id) ?? "");
    const rows = held(roles);
    return html`<section class="box">
      <div class="head">
        ${room.session.properties.length > 1 ? html`<h2>${api.property.title}</h2>` : nothing}
        <span class="grow"></span>
        ${api.may("grant_role")
          ? html`<button class="main" data-do="give" ?disabled=${room.locked} @click=${this.opens(api, roles, null)}>${t("give_role")}</button>`
          : nothing}
      </div>
      ${rows.length ? (this.narrow ? this.list(api, roles, rows) : this.table(api, roles, rows)) : html`<p>${t("no_roles")}</p>`}
      <p class="quiet">${t("admins", { names: admins.join(t("comma")) })}</p>
    </section>`;
  }

  private opens(api: Api, roles: Roles, grant: Held | null): () => void {
    return () => {
      this.sheet = { api, roles, grant };
    };
  }

  private table(api: Api, roles: Roles, rows: Held[]): TemplateResult {
    const { t } = this.room;
    return html`<table>
      <thead>
        <tr>
          <th scope="col">${t("account")}</th>
          <th scope="col">${t("role_title")}</th>
          <th scope="col">${t("where")}</th>
          <th scope="col">${t("given")}</th>
          <th scope="col">${t("last_day")}</th>
          <td></td>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr data-grant=${row.grant_id}>
              <th scope="row">${row.account}</th>
              <td>${option(this.room, "account_role", row.role)}</td>
              <td>${this.where(api, row)}</td>
              <td class="number">${row.given_at ? dayOf(this.room, row.given_at) : ""}</td>
              <td>${this.until(row)}</td>
              <td>${this.deeds(api, roles, row)}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;
  }

  private list(api: Api, roles: Roles, rows: Held[]): TemplateResult {
    const { room } = this;
    return html`<ul class="flat">
      ${rows.map(
        (row) =>
          html`<li data-grant=${row.grant_id}>
            <div class="actions"><strong>${row.account}</strong> ${option(room, "account_role", row.role)}</div>
            <div class="actions">${this.where(api, row)} ${this.until(row)}</div>
            ${row.given_at ? html`<p class="quiet">${room.t("role_given_at", { day: dayOf(room, row.given_at) })}</p>` : nothing}
            ${this.deeds(api, roles, row)}
          </li>`,
      )}
    </ul>`;
  }

  private where(api: Api, row: Held): TemplateResult {
    const { room } = this;
    const { t } = room;
    if (!row.units || !row.person_id) {
      return html`<span>${t("whole_property")}</span>`;
    }
    const units = row.units.join(t("comma")) || t("no_unit_now");
    return api.may("get_person")
      ? this.link(pathOf(room.session, "person", row.person_id, api.property.entry_id), units)
      : html`<span>${units}</span>`;
  }

  private until(row: Held): TemplateResult {
    const { room } = this;
    const { t } = room;
    if (!row.until) {
      return html`<span>${t("until_taken")}</span>`;
    }
    const text = day(room, row.until);
    return isOver(row, today(room))
      ? html`<span class="tag warn">${t("role_over", { day: text })}</span>`
      : html`<span class="number">${text}</span>`;
  }

  private deeds(api: Api, roles: Roles, row: Held): TemplateResult {
    const { room } = this;
    const { t } = room;
    return html`<div class="actions">
      <button
        data-do="as"
        aria-label=${`${t("see_as")} ${row.account}`}
        ?disabled=${room.locked}
        @click=${() => {
          this.as = { api, user: row };
        }}
      >
        ${t("see_as")}
      </button>
      ${api.may("grant_role")
        ? html`<button
            data-do="until"
            aria-label=${`${t("change_last_day")} ${row.account}`}
            ?disabled=${room.locked}
            @click=${this.opens(api, roles, row)}
          >
            ${t("change_last_day")}
          </button>`
        : nothing}
      ${api.may("revoke_role")
        ? this.pressTwice("take", t("take_role"), () =>
            this.trying(async () => {
              await api.ask("revoke_role", { grant_id: row.grant_id });
              this.did(t("role_taken"));
              await this.load();
            }),
          )
        : nothing}
    </div>`;
  }

  static override readonly styles = [
    ...pageStyles,
    css`
      thead td {
        border: 0;
      }
      tbody th {
        color: inherit;
        font-size: inherit;
        border-top: 1px solid var(--divider-color);
      }
      tbody td,
      tbody th,
      li {
        overflow-wrap: anywhere;
      }
      td .actions {
        justify-content: flex-end;
      }
      li {
        padding: 8px 0;
        border-top: 1px solid var(--divider-color);
      }
      .box > p {
        margin-top: 12px;
      }
    `,
  ];
}

export const elements = { "cs-as": AsSheet, "cs-roles": RolesPage, "cs-role": RoleSheet };
