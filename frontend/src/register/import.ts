import { css, html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { save } from "../save";
import type { Import, ImportRow, ImportStatus } from "./model";
import { Page, pageStyles } from "./page";
import { columnOf, firstOf, placeOf, STATUSES, valueOf, whoOf, writes } from "./preview";
import { apis, day, today, type Api } from "./room";
import { languageOf } from "./texts";

/** As much as the server takes in one message. */
const MOST_BYTES = 3_000_000;
/** Thousands of rows are compared, and written in parts. */
const PATIENCE_MILLISECONDS = 600_000;
/** Rows that are drawn at once; a button shows more. */
const ROWS = 100;
const FORMATS = ["xlsx", "csv"] as const;
type Format = (typeof FORMATS)[number];

/** The register as a file: what one would change is looked at, and then imported; and the way out. */
export class ImportPage extends Page {
  @state() private file: { name: string; content: string } | null = null;
  @state() private found: Import | null = null;
  /** The register has changed since it was looked at. */
  @state() private isOvertaken = false;
  @state() private work: "comparing" | "importing" | "fetching" | null = null;
  @state() private shown: ImportStatus = "unchanged";
  @state() private most = ROWS;
  /** What is to be exported, as soon as it is said why. */
  @state() private format: Format | null = null;

  private get all(): Api[] {
    return apis(this.room, "import_register", "export_register");
  }

  private get api(): Api | undefined {
    return this.shownOf(this.all);
  }

  /** Looks at what the file would change now. */
  protected override async load(): Promise<void> {
    const { api, file } = this;
    if (!api || !file) {
      return;
    }
    await this.busy("comparing", async () => {
      this.show(await this.send(api, "import_preview", file.content));
    });
  }

  private async busy(work: "comparing" | "importing" | "fetching", doing: () => Promise<void>): Promise<void> {
    this.work = work;
    try {
      await doing();
    } finally {
      this.work = null;
    }
  }

  private send(api: Api, command: string, content: string, more: object = {}): Promise<Import> {
    const language = languageOf(this.room.hass.language);
    return api.ask<Import>(command, { content, language, ...more }, { patience: PATIENCE_MILLISECONDS });
  }

  private show(found: Import): void {
    this.found = found;
    this.shown = firstOf(found);
    this.most = ROWS;
  }

  private clear(): void {
    this.file = this.found = null;
    this.isOvertaken = false;
    this.failure = this.done = "";
    this.again = null;
  }

  private readonly chosen = async (event: Event): Promise<void> => {
    const input = event.target as HTMLInputElement;
    const [file] = input.files ?? [];
    // The same one again, corrected, is another one.
    input.value = "";
    if (!file) {
      return;
    }
    this.clear();
    if (file.size > MOST_BYTES) {
      this.failure = this.room.t("file_too_large");
      return;
    }
    await this.trying(async () => {
      this.file = { name: file.name, content: await encoded(file) };
    });
    await this.reload();
  };

  private async apply(api: Api, file: { content: string }, found: Import): Promise<void> {
    const { t } = this.room;
    this.failure = "";
    await this.trying(() =>
      this.busy("importing", async () => {
        const answer = await this.send(api, "import_apply", file.content, { digest: found.digest });
        if (answer.imported) {
          this.clear();
          this.done = t("imported", { added: answer.summary.added, changed: answer.summary.changed });
        } else {
          this.isOvertaken = true;
          this.show(answer);
        }
      }),
    );
  }

  private async fetch(api: Api, format: Format, reason: string): Promise<void> {
    this.format = null;
    this.failure = this.done = "";
    this.again = () => this.fetch(api, format, reason);
    await this.trying(() =>
      this.busy("fetching", async () => {
        save(`${api.property.title} ${today(this.room)}.${format}`, await api.file(format, reason));
        this.done = this.room.t("exported");
      }),
    );
  }

  override render() {
    const { all, api } = this;
    const { t } = this.room;
    if (!api) {
      return html`<p role="alert">${t("not_allowed")}</p>`;
    }
    return html`<div class="head"><h1>${t("file_title")}</h1></div>
      ${all.length > 1
        ? html`<div class="box">
            ${this.askProperty(
              all,
              () => {
                this.clear();
              },
              this.work !== null,
            )}
          </div>`
        : nothing}
      ${this.said()}
      ${api.may("import_register") ? this.incoming(api) : nothing} ${api.may("export_register") ? this.outgoing(api) : nothing}`;
  }

  // In

  private incoming(api: Api): TemplateResult {
    const { t } = this.room;
    return html`<section class="box">
      <h2>${t("import_title")}</h2>
      <p class="quiet">${t("import_hint")}</p>
      <label class="button choose" ?data-off=${this.work !== null}>
        ${t("choose_file")}
        <input
          type="file"
          accept=".csv,.txt,.xlsx"
          ?disabled=${this.work !== null}
          @change=${(event: Event) => void this.chosen(event)}
        />
      </label>
      <p role="status">${this.work === "comparing" ? t("comparing") : this.work === "importing" ? t("importing") : nothing}</p>
      ${this.file && this.found ? this.preview(api, this.file, this.found) : nothing}
    </section>`;
  }

  private preview(api: Api, file: { name: string; content: string }, found: Import): TemplateResult {
    const { t, locked } = this.room;
    const count = writes(found);
    return html`<div class="preview">
      <h3>${t("file_rows", { file: file.name, count: found.rows })}</h3>
      ${this.isOvertaken ? html`<p class="did failed" role="alert">${t("import_overtaken")}</p>` : nothing}
      ${found.summary.refused
        ? html`<p class="wrong" role="alert">${t("import_blocked")}</p>`
        : count
          ? nothing
          : html`<p role="status">${t("import_same")}</p>`}
      <div class="choices" role="group" aria-label=${t("filter")}>
        ${STATUSES.map(
          (status) =>
            html`<button
              aria-pressed=${this.shown === status}
              class=${this.shown === status ? "main" : ""}
              data-status=${status}
              @click=${() => {
                this.shown = status;
                this.most = ROWS;
              }}
            >
              ${t(`rows_${status}`)} <span class="number">${found.summary[status]}</span>
            </button>`,
        )}
      </div>
      ${this.shown === "refused" ? this.errors(found) : this.rows(found)} ${this.unread(found)}
      <div class="actions">
        <button
          class="main"
          data-do="import"
          ?disabled=${!count || locked || this.work !== null}
          @click=${() => void this.apply(api, file, found)}
        >
          ${t("import_rows", { count })}
        </button>
        <button
          ?disabled=${this.work !== null}
          @click=${() => {
            this.clear();
          }}
        >
          ${t("cancel")}
        </button>
      </div>
    </div>`;
  }

  private errors(found: Import): TemplateResult {
    return html`<ul class="flat errors">
        ${found.errors.slice(0, this.most).map((error) => html`<li>${error.message}</li>`)}
      </ul>
      ${this.more(found.errors.length, found.error_count)}`;
  }

  private rows(found: Import): TemplateResult {
    const { t } = this.room;
    const rows = found.changes.filter((row) => row.status === this.shown);
    const drawn = rows.slice(0, this.most);
    return html`${this.narrow
        ? html`<ul class="flat">
            ${drawn.map(
              (row) =>
                html`<li>
                  <strong>${row.unit ?? ""}</strong> ${whoOf(this.room, row)}
                  <span class="quiet number">${placeOf(this.room, row)}</span>
                  ${this.changes(row)}
                </li>`,
            )}
          </ul>`
        : html`<table>
            <thead>
              <tr>
                <th scope="col">${t("row_of_file")}</th>
                <th scope="col">${t("unit")}</th>
                <th scope="col">${t("who")}</th>
                <th scope="col">${t("what_changes")}</th>
              </tr>
            </thead>
            <tbody>
              ${drawn.map(
                (row) =>
                  html`<tr>
                    <td class="number">${placeOf(this.room, row)}</td>
                    <td>${row.unit ?? ""}</td>
                    <td>${whoOf(this.room, row)}</td>
                    <td>${this.changes(row)}</td>
                  </tr>`,
              )}
            </tbody>
          </table>`}
      ${this.more(rows.length, found.summary[this.shown])}`;
  }

  private changes(row: ImportRow): TemplateResult {
    const { room } = this;
    return html`<ul class="flat changes">
      ${(row.fields ?? []).map(
        ({ field, old, new: now }) =>
          html`<li>
            <span class="quiet">${columnOf(room, field)}</span> ${valueOf(room, field, old)} → <strong>${valueOf(room, field, now)}</strong>
          </li>`,
      )}
      ${row.left_on ? html`<li class="tag warn">${room.t("not_brought_back", { day: day(room, row.left_on) })}</li>` : nothing}
    </ul>`;
  }

  /** What is not drawn of what the server has sent, and what it has not sent of all. */
  private more(sent: number, all: number): (TemplateResult | typeof nothing)[] {
    const { t } = this.room;
    return [
      sent > this.most
        ? html`<button
            @click=${() => {
              this.most += ROWS * 5;
            }}
          >
            ${t("show_more", { count: sent - this.most })}
          </button>`
        : nothing,
      sent < all ? html`<p class="quiet">${t("first_of", { shown: sent, count: all })}</p>` : nothing,
    ];
  }

  /** What of the file is no part of this. */
  private unread({ skipped, ignored_columns: columns }: Import): (TemplateResult | typeof nothing)[] {
    const { room } = this;
    const { t } = room;
    return [
      columns.length ? html`<p class="tag warn">${t("ignored_columns", { columns: columns.join(t("comma")) })}</p>` : nothing,
      skipped.length
        ? html`<details>
            <summary>${t("skipped_lines", { count: skipped.length })}</summary>
            <ul class="flat">
              ${skipped.map((line) => html`<li><span class="number">${placeOf(room, line)}</span> ${line.value}</li>`)}
            </ul>
          </details>`
        : nothing,
    ];
  }

  // Out

  private outgoing(api: Api): TemplateResult {
    const { t, locked } = this.room;
    const { format } = this;
    return html`<section class="box">
      <h2>${t("export_title")}</h2>
      <p class="quiet">${t("export_hint")}</p>
      <div class="actions">
        ${FORMATS.map(
          (key) =>
            html`<button
              data-format=${key}
              aria-pressed=${format === key}
              ?disabled=${locked || this.work !== null}
              @click=${() => {
                this.format = key;
              }}
            >
              ${t(`export_${key}`)}
            </button>`,
        )}
      </div>
      ${format ? this.askReason(api, "export_register", (reason) => void this.fetch(api, format, reason)) : nothing}
      <p role="status">${this.work === "fetching" ? t("fetching") : nothing}</p>
    </section>`;
  }

  static override readonly styles = [
    ...pageStyles,
    css`
      .choose {
        position: relative;
        margin: 8px 0;
      }
      .choose[data-off] {
        border-style: dashed;
      }
      .choose:focus-within {
        outline: 3px solid var(--focus);
        outline-offset: 2px;
      }
      .choose input[type="file"] {
        position: absolute;
        inset: 0;
        min-height: 0;
        opacity: 0;
        cursor: pointer;
      }
      .preview {
        display: grid;
        gap: 12px;
        justify-items: start;
      }
      .preview > table,
      .preview > ul {
        width: 100%;
      }
      .preview li,
      td,
      .tag {
        overflow-wrap: anywhere;
        white-space: normal;
      }
      .preview > ul > li {
        padding: 8px 0;
        border-top: 1px solid var(--divider-color);
      }
      .errors li {
        color: var(--fire);
      }
      summary {
        min-height: 44px;
        display: flex;
        align-items: center;
        cursor: pointer;
        text-decoration: underline;
      }
    `,
  ];
}

/** Returns the bytes of a file as the server takes them. */
function encoded(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => {
      // `data:text/csv;base64,…`; of an empty file there is nothing behind the comma.
      resolve(typeof reader.result === "string" ? (reader.result.split(",")[1] ?? "") : "");
    };
    reader.onerror = () => {
      reject(new Error(reader.error?.message));
    };
    reader.readAsDataURL(file);
  });
}
