import { css, html, type TemplateResult } from "lit";
import { property, query } from "lit/decorators.js";
import { Sheet } from "./sheet";

/** The labels of a print. Their codes are on them and nowhere else: closed, they are gone. */
export class PrintSheet extends Sheet {
  @property({ attribute: false }) html = "";
  protected override readonly leave = "close";
  @query("iframe") private frame!: HTMLIFrameElement;

  protected override heading(): string {
    return this.room.t("labels");
  }

  protected override body(): TemplateResult {
    const { t } = this.room;
    return html`<p>${t("labels_hint")}</p>
      <iframe title=${t("labels")} sandbox="allow-same-origin allow-modals" .srcdoc=${this.html}></iframe>
      <div class="actions">
        <button
          class="main"
          data-do="print"
          @click=${() => {
            this.frame.contentWindow?.print();
          }}
        >
          ${t("print")}
        </button>
      </div>`;
  }

  static override readonly styles = [
    ...Sheet.styles,
    css`
      iframe {
        width: 100%;
        height: 50vh;
        border: 1px solid var(--divider-color);
        background: #fff;
      }
    `,
  ];
}
