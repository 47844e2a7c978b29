/** Why a controller has not proven what is to be in its list. */

import type { Translate } from "./texts";

const AWAY = new Set(["gone", "not_connected", "no_answer", "no_door_controller"]);

export function whyUnproven(t: Translate, code: string): string {
  if (AWAY.has(code)) {
    return t("why_away");
  }
  switch (code) {
    case "refused":
      return t("why_refused");
    case "contradicted":
      return t("why_contradicted");
    case "key_lost":
      return t("why_key_lost");
    default:
      // What its gateway has said, or a later server.
      return t("why_other", { code });
  }
}
