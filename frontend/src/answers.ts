/** What was not done of a command that was answered. Nothing here knows a browser. */

import type { Action } from "./model";
import type { Words } from "./words";

export interface Answered {
  supplies?: { status: string; reason?: string }[];
  devices?: { name: string; error: string | null }[];
}

/** Returns what is still to be done, null for nothing: supplies that are not proven, devices that did not obey. */
export function missed(answer: Answered | null, words: Words, action: Action = "silence"): string | null {
  const { t } = words;
  const unproven = (answer?.supplies ?? []).filter(({ status }) => status === "failed" || status === "unconfirmed");
  if (unproven.length) {
    const reasons = unproven.map(({ reason }) => (reason ? words.option("cut_off_reason", reason) : "?"));
    return `${t("unproven", { count: unproven.length })} (${[...new Set(reasons)].join("; ")})`;
  }
  const failed = (answer?.devices ?? []).filter(({ error }) => error !== null);
  return failed.length ? t(action === "release" ? "not_released" : "not_silenced", { names: failed.map(({ name }) => name).join(t("comma")) }) : null;
}
