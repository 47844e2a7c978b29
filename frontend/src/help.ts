import { LitElement, css, html } from "lit";
import { property, query, state } from "lit/decorators.js";
import type { Context } from "./context";
import type { Call } from "./response";
import { common, tokens } from "./styles";

const OUTCOMES = ["safe", "brought_out", "handed_over", "no_emergency"] as const;

/** Closes one call for help: how it ended, and what was found. It fires `closed` when it is left. */
export class HelpSheet extends LitElement {
  @property({ attribute: false }) context!: Context;
  @property({ attribute: false }) call!: Call;
  @property({ type: Boolean, reflect: true }) dark = false;
  @state() private outcome: (typeof OUTCOMES)[number] | null = null;
  @state() private note = "";
  @query("dialog") private dialog!: HTMLDialogElement;

  protected override firstUpdated(): void {
    this.dialog.showModal();
  }

  override render() {
    const { context, call } = this;
    const { t, words } = context;
    const note = this.note.trim();
    return html`<dialog
      aria-labelledby="sheet"
      @close=${() => {
        this.dispatchEvent(new CustomEvent("closed"));
      }}
    >
      <div class="rows">
        <h2 id="sheet">${t("help_title", { place: words.caller(call) })}</h2>
        <fieldset>
          <legend>${t("help_how")}</legend>
          ${OUTCOMES.map(
            (outcome) =>
              html`<label class="choice">
                <input
                  type="radio"
                  name="outcome"
                  .checked=${this.outcome === outcome}
                  @change=${() => {
                    this.outcome = outcome;
                  }}
                />
                ${t(`help_outcome_${outcome}`)}
              </label>`,
          )}
        </fieldset>
        <label>
          ${t("help_note")}
          <textarea
            maxlength="500"
            .value=${this.note}
            @input=${(event: Event) => {
              this.note = (event.target as HTMLTextAreaElement).value;
            }}
          ></textarea>
        </label>
        <button class="main" ?disabled=${!note || this.outcome === null || context.locked} @click=${this.send}>
          ${t("note_send")}
        </button>
        <button
          @click=${() => {
            this.dialog.close();
          }}
        >
          ${t("cancel")}
        </button>
      </div>
    </dialog>`;
  }

  private readonly send = (): void => {
    if (this.outcome) {
      void this.context.closeHelp(this.call, this.outcome, this.note.trim());
    }
    this.dialog.close();
  };

  static override readonly styles = [
    tokens,
    common,
    css`
      :host {
        display: contents;
      }
    `,
  ];
}
