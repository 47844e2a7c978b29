import { css, html, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { undotted } from "../translate";
import { stillOpen } from "./due";
import type { NoticeRow, Notices, Outcome } from "./model";
import { day, option, type Room } from "./room";
import { Sheet, type Done } from "./sheet";

const HOWS = ["registered", "passed_on"];
const EXCUSES = ["relative", "by_others", "short_stay", "mistake"];

/** A notice in words: what, of which unit, and of whom. */
export const noticeName = (room: Room, row: NoticeRow): string => [option(room, "notice_kind", row.kind), row.unit ?? "", row.name].filter((part) => part !== "").join(" · ");

/** Settles notices. Of what somebody else has settled meanwhile nothing is written, and it is shown what is left. */
abstract class NoticeSheet extends Sheet {
  @property({ attribute: false }) rows: NoticeRow[] = [];
  @state() private isOvertaken = false;

  protected abstract fields(): TemplateResult;
  protected abstract send(): Promise<Outcome<Notices, unknown>>;

  protected override body(): TemplateResult {
    const { room, rows } = this;
    const { t } = room;
    return html`<form
      @submit=${(event: Event) => {
        event.preventDefault();
        void this.submit(() => this.settle());
      }}
    >
      ${this.isOvertaken ? html`<p class="wrong" role="alert">${t("somebody_faster")} ${t(rows.length ? "notices_left" : "notices_none_left")}</p>` : nothing}
      <ul class="flat">
        ${rows.map((row) => html`<li>${noticeName(room, row)} <span class="quiet">${t("notice_due", { day: day(room, row.due_on) })}</span></li>`)}
      </ul>
      ${this.fields()}
      <div class="actions">
        <button class="main" type="submit" ?disabled=${this.blocked || !rows.length}>${t("save")}</button>
      </div>
    </form>`;
  }

  private async settle(): Promise<Done | null> {
    const count = this.rows.length;
    const { written, conflict } = await this.send();
    if (written !== null) {
      return { text: this.room.t("notices_settled", { count }) };
    }
    this.rows = stillOpen(this.rows, conflict?.notices ?? []);
    this.isOvertaken = true;
    return null;
  }

  static override readonly styles = [
    ...Sheet.styles,
    css`
      li {
        padding: 4px 0;
        overflow-wrap: anywhere;
      }
    `,
  ];
}

/** Says that notices were given, all under one receipt. */
export class GiveNoticeSheet extends NoticeSheet {
  override connectedCallback(): void {
    super.connectedCallback();
    this.values["how"] = HOWS[0] ?? "";
  }

  protected override heading(): string {
    return undotted(this.room.t("notice_give"));
  }

  protected override fields(): TemplateResult {
    const { room } = this;
    const { t } = room;
    return html`<div class="fields">
        ${this.select(
          "how",
          t("notice_how"),
          HOWS.map((key) => [key, option(room, "notice_how", key)]),
        )}
        ${this.field("receipt", t("notice_receipt"), { required: true })}
      </div>
      <p class="quiet">${t("notice_receipt_hint")}</p>`;
  }

  protected override send(): Promise<Outcome<Notices, unknown>> {
    const { how, receipt = "" } = this.values;
    return this.api.ask("give_notice", {
      notices: Object.fromEntries(this.rows.map((row) => [row.notice_id, row.version])),
      how,
      receipt: receipt.trim(),
    });
  }
}

/** Says that a notice need not be given, and why. */
export class ExcuseNoticeSheet extends NoticeSheet {
  override connectedCallback(): void {
    super.connectedCallback();
    this.values["excuse"] = EXCUSES[0] ?? "";
  }

  protected override heading(): string {
    return undotted(this.room.t("notice_excuse"));
  }

  protected override fields(): TemplateResult {
    const { room } = this;
    return this.select(
      "excuse",
      room.t("notice_why"),
      EXCUSES.map((key) => [key, option(room, "notice_excuse", key)]),
    );
  }

  protected override send(): Promise<Outcome<Notices, unknown>> {
    const [row] = this.rows;
    return this.api.ask("excuse_notice", { notice_id: row?.notice_id, version: row?.version, excuse: this.values["excuse"] });
  }
}
