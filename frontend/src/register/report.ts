import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { BlurPhoto, type Box } from "./blur";
import type { HazardFile, HazardPicture, HazardRow, Outcome } from "./model";
import { Page, pageStyles } from "./page";
import { encoded } from "./photo";
import { placeName } from "./places";
import { hazardName } from "./reports";
import { apiOf, option, pathOf, timeOf, type Api } from "./room";

const PARTIES = ["property", "grid_worker", "police", "landlord"];
const OPEN = ["new", "assigned", "reopened"];
const DONE = ["mended", "confirmed", "closed"];
/** The server takes so many with what is mended. */
const MOST_PHOTOS = 3;

/** What somebody can do about a report in this state; to merge it there have to be others. */
export function deedsOf(state: string, may: (right: string) => boolean, hasOthers: boolean): Set<string> {
  const isOpen = OPEN.includes(state);
  const fitting: Record<string, boolean> = {
    assign_report: isOpen,
    mend_report: isOpen,
    reopen_report: DONE.includes(state),
    close_report: isOpen || state === "mended",
    merge_reports: isOpen && hasOthers,
  };
  return new Set(Object.keys(fitting).filter((deed) => fitting[deed] && may(deed)));
}

/** A report: what is to be seen, whose it is, and what was done. */
export class ReportPage extends Page {
  @property() reportId = "";
  @property() entryId: string | null = null;
  @state() private report: HazardFile | null = null;
  @state() private photos: ReadonlyMap<string, string> = new Map<string, string>();
  @state() private others: HazardRow[] = [];
  @state() private blurring: string | null = null;

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has("reportId") || changed.has("entryId")) {
      this.report = null;
      void this.reload();
    }
  }

  private get api(): Api | null {
    return apiOf(this.room, this.entryId);
  }

  protected override async load(): Promise<void> {
    const { api } = this;
    if (!api || api.lacksReason("get_report")) {
      return;
    }
    const report = await api.ask<HazardFile>("report", { report_id: this.reportId });
    this.report = report;
    if (api.may("merge_reports") && OPEN.includes(report.state)) {
      const { reports } = await api.ask<{ reports: HazardRow[] }>("reports");
      this.others = reports.filter((row) => row.report_id !== report.report_id && OPEN.includes(row.state));
    }
    for (const { photo_id } of report.pictures) {
      if (!this.photos.has(photo_id)) {
        await this.show(api, photo_id);
      }
    }
  }

  private async show(api: Api, photoId: string): Promise<void> {
    const { content } = await api.ask<{ content: string }>("report_photo", { photo_id: photoId });
    this.photos = new Map([...this.photos, [photoId, `data:image/jpeg;base64,${content}`]]);
  }

  override render() {
    const { api, report, room } = this;
    const { t } = room;
    const back = this.link("/reports", `‹ ${t("reports")}`);
    const gate = api ? this.gate(api, "get_report") : null;
    if (gate || !api || !report) {
      return html`${back} ${gate ?? this.said()}
      ${gate || this.failure ? nothing : html`<div class="skeleton" role="status" aria-label=${t("waiting")}></div>`}`;
    }
    const at = (iso: string): string => timeOf(room, iso);
    return html`${back}
      <div class="head">
        <h1>${option(room, "report_category", report.category)}</h1>
        ${api.may("get_place")
          ? this.link(pathOf(room.session, "place", report.place_id, api.property.entry_id), placeName(room, report.place))
          : html`<span>${placeName(room, report.place)}</span>`}
        <span class="tag">${option(room, "report_state", report.state)}</span>
        ${report.danger ? html`<span class="tag bad">${t("danger")}</span>` : nothing}
        ${OPEN.includes(report.state)
          ? html`<span class=${report.overdue ? "tag bad" : "quiet"}>${t(report.overdue ? "overdue_since" : "mend_by", { at: at(report.due_at) })}</span>`
          : nothing}
      </div>
      ${this.reason()} ${this.said()}
      ${report.text ? html`<p class="box">${report.text}</p>` : nothing}
      ${report.merged.map((row) => (row.text ? html`<p class="box">${row.text}</p>` : nothing))}
      <section class="photos" aria-label=${t("photos")}>${report.pictures.map((picture) => this.picture(api, picture))}</section>
      ${this.deeds(api, report)}
      <section class="box">
        <h2>${t("report_steps")}</h2>
        <ul class="flat">
          ${report.steps.map(
            (step) =>
              html`<li>
                <span class="number">${at(step.at)}</span>
                ${option(room, "report_state", step.what)}
                <span class="quiet">${step.who ? (report.accounts[step.who] ?? step.who) : t("who_reported")}</span>
                ${step.note}
              </li>`,
          )}
        </ul>
      </section>`;
  }

  private picture(api: Api, picture: HazardPicture): TemplateResult {
    const { room } = this;
    const { t } = room;
    const source = this.photos.get(picture.photo_id);
    const name = t(picture.kind === "after" ? "photo_after" : "photo_before");
    return html`<figure class="box" data-photo=${picture.photo_id}>
      ${source
        ? this.blurring === picture.photo_id
          ? html`<cs-blur
              .room=${room}
              .source=${source}
              .name=${name}
              @closed=${(event: CustomEvent<Box[] | null>) => void this.blurred(api, picture.photo_id, event.detail)}
            ></cs-blur>`
          : html`<img src=${source} alt=${name} width=${picture.width} height=${picture.height} />`
        : html`<div class="skeleton" role="status" aria-label=${t("waiting")}></div>`}
      <figcaption class="actions">
        <span>${name}</span>
        ${source && this.blurring === null && api.may("blur_photo")
          ? html`<button
              data-do="blur"
              ?disabled=${room.locked}
              @click=${() => {
                this.blurring = picture.photo_id;
              }}
            >
              ${t("blur")}
            </button>`
          : nothing}
        ${api.may("remove_photo")
          ? this.pressTwice("remove_photo", t("remove_photo"), () => this.does(api, "remove_photo", { photo_id: picture.photo_id }))
          : nothing}
      </figcaption>
    </figure>`;
  }

  private async blurred(api: Api, photoId: string, boxes: Box[] | null): Promise<void> {
    this.blurring = null;
    if (boxes?.length) {
      await this.does(api, "blur_photo", { photo_id: photoId, boxes });
    }
  }

  /** Does something about the report; if somebody was faster, what is there now is shown. */
  private async does(api: Api, command: string, data: object): Promise<void> {
    await this.trying(async () => {
      const answer = await api.ask<Outcome<unknown, unknown> | null>(command, data);
      const isLate = answer !== null && "conflict" in answer;
      this.did(this.room.t(isLate ? "report_overtaken" : "saved"));
      if (!isLate) {
        // What was said with this is not said with the next.
        for (const input of this.renderRoot.querySelectorAll<HTMLInputElement>('[name="note"], [name="photos"]')) {
          input.value = "";
        }
      }
      await this.load();
    });
  }

  private deeds(api: Api, report: HazardFile): TemplateResult | typeof nothing {
    const { room } = this;
    const { t } = room;
    const deeds = deedsOf(report.state, (right) => api.may(right, report.unit_id), this.others.length > 0);
    const value = (name: string): string =>
      this.renderRoot.querySelector<HTMLInputElement | HTMLSelectElement>(`[name="${name}"]`)?.value ?? "";
    const change = (command: string, more: object = {}): void => {
      const { report_id, version } = report;
      void this.does(api, command, { report_id, version, note: value("note"), ...more });
    };
    const mend = async (): Promise<void> => {
      const { files } = this.renderRoot.querySelector<HTMLInputElement>('[name="photos"]') ?? { files: null };
      await this.trying(async () => {
        change("mend_report", { photos: await Promise.all([...(files ?? [])].slice(0, MOST_PHOTOS).map((file) => encoded(file, t))) });
      });
    };
    if (!deeds.size) {
      return nothing;
    }
    return html`<section class="box rows">
      <h2>${t("report_deeds")}</h2>
      <label class="field">${t("report_note")} <input name="note" maxlength="500" /></label>
      ${deeds.has("assign_report")
        ? html`<div class="actions">
            <label class="field">
              ${t("report_party")}
              <select name="party">
                ${PARTIES.map((party) => html`<option value=${party} ?selected=${party === report.party}>${option(room, "report_party", party)}</option>`)}
              </select>
            </label>
            <button
              data-do="assign"
              ?disabled=${room.locked}
              @click=${() => {
                change("assign_report", { party: value("party") });
              }}
            >
              ${t("assign_report")}
            </button>
          </div>`
        : nothing}
      ${deeds.has("mend_report")
        ? html`<div class="actions">
            <label class="field">${t("photos_after")} <input type="file" name="photos" accept="image/*" multiple /></label>
            <button class="main" data-do="mend" ?disabled=${room.locked} @click=${() => void mend()}>${t("mend_report")}</button>
          </div>`
        : nothing}
      <div class="actions">
        ${deeds.has("reopen_report")
          ? html`<button
              data-do="reopen"
              ?disabled=${room.locked}
              @click=${() => {
                change("reopen_report");
              }}
            >
              ${t("reopen_report")}
            </button>`
          : nothing}
        ${deeds.has("close_report")
          ? html`<button
              data-do="close"
              ?disabled=${room.locked}
              @click=${() => {
                change("close_report");
              }}
            >
              ${t("close_report")}
            </button>`
          : nothing}
      </div>
      ${deeds.has("merge_reports")
        ? html`<div class="actions">
            <label class="field">
              ${t("merge_into")}
              <select name="into">
                ${this.others.map(
                  (row) => html`<option value=${row.report_id}>${hazardName(room, row)}</option>`,
                )}
              </select>
            </label>
            ${this.pressTwice("merge", t("merge_reports"), () =>
              this.does(api, "merge_reports", { report_id: report.report_id, into_id: value("into") }),
            )}
          </div>`
        : nothing}
    </section>`;
  }

  static override readonly styles = [
    ...pageStyles,
    css`
      .photos {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(100%, 320px), 1fr));
        gap: 12px;
      }
      figure {
        display: grid;
        align-content: start;
        gap: 8px;
        margin: 0;
      }
      .rows .actions {
        align-items: end;
      }
      input[type="file"] {
        padding: 10px 12px;
      }
      img {
        max-width: 100%;
        width: auto;
        height: auto;
        /* What is to be done is below. */
        max-height: 50vh;
      }
      .rows {
        display: grid;
        gap: 12px;
      }
      li {
        border-top: 1px solid var(--divider-color);
        padding: 4px 0;
        overflow-wrap: anywhere;
      }
    `,
  ];
}

export const elements = { "cs-report": ReportPage, "cs-blur": BlurPhoto };
