import { html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { option } from "./room";
import { deedsAs, pagesAs, peopleAs, type SessionAs } from "./seen-as";
import { Sheet } from "./sheet";

/** What an account is offered: seen before it is used, and nothing is done in its name. */
export class AsSheet extends Sheet {
  @property({ attribute: false }) user!: { user_id: string; account: string };
  @state() private found: SessionAs | null = null;
  protected override readonly leave = "close";

  protected override firstUpdated(): void {
    super.firstUpdated();
    void this.submit(async () => {
      this.found = await this.api.ask<SessionAs>("session_as", { user_id: this.user.user_id });
      return null;
    });
  }

  protected override heading(): string {
    return this.room.t("as_title", { who: this.user.account });
  }

  protected override body(): TemplateResult {
    const { found, room } = this;
    const { t } = room;
    if (!found) {
      return html`<div class="skeleton" role="status" aria-label=${t("waiting")}></div>`;
    }
    const { roles, rights } = found.property;
    if (!roles.length) {
      return html`<p>${t("as_no_role")}</p>`;
    }
    const { may, isRefused } = deedsAs(found);
    const [first, ...others] = pagesAs(found, room.hasDoors, room.hass.language, t);
    const isOwn = Object.values(rights).every((units) => units !== null);
    return html`<p>
        ${t("as_where", {
          roles: roles.map((role) => option(room, "account_role", role)).join(t("comma")),
          where: t(isOwn ? "as_own" : "whole_property"),
        })}
      </p>
      <h3>${t("as_pages")}</h3>
      <ol>
        <li>${first} <span class="tag">${t("as_first")}</span></li>
        ${others.map((title) => html`<li>${title}</li>`)}
      </ol>
      <h3>${t("as_people")}</h3>
      <p>${t(peopleAs(found))}</p>
      <h3>${t("as_may")}</h3>
      ${may.length
        ? html`<ul>
            ${may.map((key) => html`<li>${t(key)}</li>`)}
          </ul>`
        : html`<p>${t("as_reads")}</p>`}
      ${isRefused ? html`<p class="wrong" role="note">${t("as_refused")}</p>` : nothing}
      ${found.reads_all ? nothing : html`<p class="wrong" role="note">${t("as_unread")}</p>`}`;
  }
}
