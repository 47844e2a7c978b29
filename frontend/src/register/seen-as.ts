/** What an account is offered, in words for who gives roles. Nothing here knows a browser. */

import { ownPages } from "../own-pages";
import type { Property } from "../response";
import { pages } from "./pages";
import type { Key, Translate } from "./texts";

/** What the server tells of another account. */
export interface SessionAs {
  property: Property;
  /** Does Home Assistant let it read, and control, everything? */
  reads_all: boolean;
  controls_all: boolean;
}

/** What somebody may do, by the command of the register's table. */
const DEEDS = {
  "safety.acknowledge": "may_acknowledge",
  "safety.reset": "may_reset",
  "safety.cut_off": "may_cut_off",
  "safety.restore": "may_restore",
  "safety.silence": "may_silence",
  "safety.shelve": "may_shelve",
  "safety.self_test": "may_test",
  "safety.release": "may_release",
  "safety.open_door": "may_open",
  "safety.configure": "may_configure",
  answer: "may_answer",
  close_help: "may_close_help",
  alert: "may_alert",
  check_in: "may_check_in",
  update_contact: "may_update",
  import_register: "may_import",
  export_register: "may_export",
  grant_role: "may_give_roles",
  erase_person: "may_erase",
} as const satisfies Record<string, Key>;

const isSafety = (right: string): boolean => right.startsWith("safety.") && right !== "safety.read";

/**
 * The titles of the pages that an account is offered, in their order; the first is where it begins. `hasDoors`: whoever
 * reads everything sees doors.
 */
export function pagesAs({ property, reads_all: reads, controls_all: controls }: SessionAs, hasDoors: boolean, language: string, t: Translate): string[] {
  const brought = pages({ properties: [property] }, language);
  if (brought.some((page) => page.isHome)) {
    return brought.map((page) => page.title);
  }
  const acts = controls && Object.keys(property.rights).some(isSafety);
  const own = ownPages({ acts, doors: hasDoors && reads }).map(({ path, place }) => ({ title: t(`as_${path}`), place }));
  return [...own, ...brought].sort((a, b) => a.place - b.place).map((page) => page.title);
}

/** How an account sees the names and numbers of people. */
export function peopleAs({ property }: SessionAs): Key {
  const has = (right: string): boolean => right in property.rights;
  const forReason = (right: string): boolean => property.for_a_reason.includes(right);
  if (has("get_person_revealed")) {
    return forReason("get_person_revealed") ? "as_names_for_reason" : "as_names";
  }
  return has("get_person") ? (forReason("get_person") ? "as_masked_for_reason" : "as_masked") : "as_nobody";
}

/** What it may do, in words; and if Home Assistant refuses what is about devices all the same. */
export function deedsAs({ property, controls_all: controls }: SessionAs): { may: Key[]; isRefused: boolean } {
  const rights = Object.entries(DEEDS).filter(([right]) => right in property.rights);
  return { may: rights.map(([, key]) => key), isRefused: !controls && rights.some(([right]) => isSafety(right)) };
}
