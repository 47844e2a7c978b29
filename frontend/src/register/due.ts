/** What is to be told to an authority, by when. Nothing here knows a browser. */

import type { NoticeRow } from "./model";

/** Days before its last one in which a notice is due soon: as many as the shortest time is long. */
const SOON_DAYS = 3;
const DAY_MILLISECONDS = 86_400_000;

export const GROUPS = ["overdue", "soon", "later", "ahead"] as const;
export type Group = (typeof GROUPS)[number];

/** How urgent a notice is; of what is still `ahead` there is nothing to tell yet. Days as the server writes them. */
export function groupOf(row: Pick<NoticeRow, "overdue" | "begins_on" | "due_on">, today: string): Group {
  if (row.overdue) {
    return "overdue";
  }
  if (row.begins_on > today) {
    return "ahead";
  }
  return Date.parse(row.due_on) - Date.parse(today) <= SOON_DAYS * DAY_MILLISECONDS ? "soon" : "later";
}

export type NoticeDeed = "give_notice" | "excuse_notice" | "reopen_notice";

/** What somebody can do about a notice. */
export function noticeDeeds(
  row: Pick<NoticeRow, "state" | "begins_on" | "unit_id">,
  may: (right: NoticeDeed, unitId: string) => boolean,
  today: string,
): ReadonlySet<NoticeDeed> {
  const deeds: NoticeDeed[] =
    row.state === "open"
      ? row.begins_on > today
        ? ["excuse_notice"]
        : ["give_notice", "excuse_notice"]
      : row.state === "withdrawn"
        ? []
        : ["reopen_notice"];
  return new Set(deeds.filter((deed) => may(deed, row.unit_id)));
}

/** What of some notices is still to be told after somebody was faster: as it is now. */
export function stillOpen(wanted: readonly NoticeRow[], now: readonly NoticeRow[]): NoticeRow[] {
  const ids = new Set(wanted.map((row) => row.notice_id));
  return now.filter((row) => ids.has(row.notice_id) && row.state === "open");
}
