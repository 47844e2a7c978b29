import { LitElement, css, html, nothing, type TemplateResult } from "lit";
import { property, query, state } from "lit/decorators.js";
import { messageOf, pageStyles } from "./page";
import type { Api, Room } from "./room";

/** What has been done, for the page below. */
export interface Done {
  text: string;
  /** What undoes it. */
  commandId?: string;
}

interface Field {
  type?: string;
  required?: boolean;
  placeholder?: string;
  minimum?: string;
}

/** Which field an error is about, by the key of its text. */
const FIELD_OF: Record<string, string> = {
  invalid_phone: "phone",
  phone_without_use: "phone",
  name_missing: "name",
  invalid_email: "email",
  quiet_half: "quiet_from",
  lease_order: "end",
  renewal_too_short: "end",
  left_before_start: "date",
  leaves_too_late: "date",
  left_too_long_ago: "date",
  consent_is_over: "until",
  role_is_over: "until",
  contact_unreachable: "contact",
  building_missing: "building",
  number_missing: "number",
  unit_exists: "number",
  card_number_invalid: "card_number",
  card_number_taken: "card_number",
  card_number_lost: "card_number",
  card_is_over: "end",
  card_too_long: "end",
};

/** A form over the page: a native dialog. It fires `closed`, with what was done if anything was. */
export abstract class Sheet extends LitElement {
  @property({ attribute: false }) room!: Room;
  @property({ attribute: false }) api!: Api;
  @state() protected wrong: { field: string; text: string } | null = null;
  @state() protected failure = "";
  @state() protected isBusy = false;
  @query("dialog") private dialog!: HTMLDialogElement;
  private done: Done | undefined;
  protected readonly values: Record<string, string> = {};
  /** What leaves it: of one in which nothing is done, nothing is cancelled. */
  protected readonly leave: "cancel" | "close" = "cancel";

  protected abstract heading(): string;
  protected abstract body(): TemplateResult;

  protected override firstUpdated(): void {
    this.dialog.showModal();
  }

  override render() {
    return html`<dialog aria-labelledby="title" @close=${this.ended}>
      <div class="rows">
        <div class="head">
          <h2 id="title">${this.heading()}</h2>
          <span class="grow"></span>
          <button @click=${this.cancel}>${this.room.t(this.leave)}</button>
        </div>
        ${this.body()}
        ${this.failure ? html`<p class="did failed" role="alert">${this.failure}</p>` : nothing}
        ${this.isBusy ? html`<p role="status">${this.room.t("sending")}</p>` : nothing}
      </div>
    </dialog>`;
  }

  protected get blocked(): boolean {
    return this.isBusy || this.room.locked;
  }

  /** Does something; an error is said at its field, or below. */
  protected async submit(work: () => Promise<Done | null>): Promise<void> {
    if (this.blocked) {
      return;
    }
    this.isBusy = true;
    this.wrong = null;
    this.failure = "";
    try {
      const done = await work();
      if (done) {
        this.done = done;
        this.dialog.close();
      }
    } catch (error) {
      const { text, key } = messageOf(error);
      const field = key ? FIELD_OF[key] : undefined;
      const input = field ? this.renderRoot.querySelector<HTMLElement>(`[name="${field}"]`) : null;
      if (field && input) {
        this.wrong = { field, text };
        input.focus();
      } else {
        this.failure = text;
      }
    } finally {
      this.isBusy = false;
    }
  }

  private readonly cancel = (): void => {
    this.dialog.close();
  };

  private readonly ended = (): void => {
    this.dispatchEvent(new CustomEvent<Done | undefined>("closed", { detail: this.done }));
  };

  /** A field of the form, kept in `values` by its name. */
  protected field(name: string, label: string, more: Field = {}): TemplateResult {
    const wrong = this.wrong?.field === name ? this.wrong.text : "";
    // What is wrong stands beside the label: it is no part of the field's name.
    return html`<div>
      <label class="field">
        ${label}
        <input
          name=${name}
          type=${more.type ?? "text"}
          ?required=${more.required}
          autocomplete="off"
          placeholder=${more.placeholder ?? nothing}
          min=${more.minimum ?? nothing}
          maxlength="200"
          aria-invalid=${wrong ? "true" : "false"}
          aria-describedby=${wrong ? `wrong-${name}` : nothing}
          .value=${this.values[name] ?? ""}
          @input=${(event: Event) => {
            this.values[name] = (event.target as HTMLInputElement).value;
            if (this.wrong?.field === name) {
              this.wrong = null;
            }
            this.requestUpdate();
          }}
        />
      </label>
      ${wrong ? html`<span class="wrong" id="wrong-${name}">${wrong}</span>` : nothing}
    </div>`;
  }

  protected select(name: string, label: string, options: [string, string][]): TemplateResult {
    return html`<label class="field">
      ${label}
      <select
        name=${name}
        @change=${(event: Event) => {
          this.values[name] = (event.target as HTMLSelectElement).value;
          this.requestUpdate();
        }}
      >
        ${options.map(([value, text]) => html`<option value=${value} ?selected=${(this.values[name] ?? "") === value}>${text}</option>`)}
      </select>
    </label>`;
  }

  static override readonly styles = [
    ...pageStyles,
    css`
      dialog .head {
        margin: 0;
        flex-wrap: nowrap;
      }
      dialog .head button {
        flex: none;
      }
      dialog .did {
        margin: 0;
      }
      form {
        display: grid;
        gap: 12px;
      }
      .clash {
        display: grid;
        gap: 8px;
        border: 2px solid var(--fault);
        border-radius: 8px;
        padding: 12px;
      }
      .clash table td {
        overflow-wrap: anywhere;
      }
    `,
  ];
}
