import { html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import type { Hit } from "./model";
import { messageOf } from "./page";
import { option } from "./room";
import { Sheet } from "./sheet";

const PAUSE_MILLISECONDS = 200;
const LEAST_CHARACTERS = 2;
const MOST_HITS = 5;

/** A form about somebody, who may be in the register already. */
export abstract class WhoSheet extends Sheet {
  /** Who of the register it is; null for nobody yet, or somebody new. */
  @state() protected person: Hit | null = null;
  @state() private hits: Hit[] = [];
  private timer: number | undefined;

  protected choose(hit: Hit): void {
    this.person = hit;
    this.hits = [];
  }

  /** Who was chosen; or the fields, and who is found by what is typed there. */
  protected who(fields: TemplateResult): TemplateResult {
    const { t } = this.room;
    return this.person
      ? html`<div class="box head">
          <strong>${this.person.name}</strong>
          <span class="number">${this.person.addresses[0]?.target ?? ""}</span>
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
      : html`
          <div class="fields" @input=${this.typed}>${fields}</div>
          ${this.hits.length
            ? html`<div role="group" aria-label=${t("known_already")}>
                <p class="quiet">${t("known_already")}</p>
                ${this.hits.map((hit) => this.choice(hit, t("take_them")))}
              </div>`
            : nothing}
        `;
  }

  protected choice(hit: Hit, text: string): TemplateResult {
    const { room } = this;
    return html`<div class="head">
      <span>
        <strong>${hit.name}</strong>
        <span class="number">${hit.addresses[0]?.target ?? ""}</span>
        <span class="quiet">${hit.units.map((row) => `${row.unit ?? ""} ${option(room, "role", row.role)}`).join(" · ")}</span>
      </span>
      <span class="grow"></span>
      <button
        type="button"
        @click=${() => {
          this.choose(hit);
        }}
      >
        ${text}
      </button>
    </div>`;
  }

  /** Who has this name or number is offered while it is typed. */
  private readonly typed = (event: Event): void => {
    const query = (event.target as HTMLInputElement).value.trim();
    window.clearTimeout(this.timer);
    if (query.length < LEAST_CHARACTERS || !this.api.may("find_people")) {
      this.hits = [];
      return;
    }
    this.timer = window.setTimeout(() => {
      this.api.ask<{ people: Hit[] }>("search", { query }).then(
        ({ people }) => {
          this.hits = people.slice(0, MOST_HITS);
        },
        (error: unknown) => {
          this.failure = messageOf(error).text;
        },
      );
    }, PAUSE_MILLISECONDS);
  };
}
