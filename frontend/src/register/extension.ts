/** What the register brings into the control room; its pages are loaded when somebody goes there. */

import { mdiAccountClock, mdiHomeAccount, mdiHomeGroup, mdiTextBoxSearch } from "@mdi/js";
import type { Extension, Guest, Page } from "../extension";
import type { Session } from "../response";
import { beginAhead } from "./ahead";

const TAG = "cs-register";
/** First words of addresses. */
const OURS = new Set(["units", "unit", "person", "duty", "audit", "mine"]);
/** Under which page of the navigation the others are. */
const BELOW: Record<string, string> = { unit: "units", person: "units" };
/** Whose page is that of their own flats. */
const OWN_ROLES = new Set(["landlord", "resident"]);

type Title = "units" | "mine" | "duty" | "audit";
const TITLES: Record<string, Record<Title, string>> = {
  en: { units: "Units", mine: "My flats", duty: "Duty", audit: "Audit" },
  "zh-Hans": { units: "房屋", mine: "我的出租房", duty: "值班", audit: "查询记录" },
  "zh-Hant": { units: "房屋", mine: "我的出租屋", duty: "值班", audit: "查詢紀錄" },
};

function pages(session: Session, language: string): Page[] {
  const titles = TITLES[language] ?? TITLES["en"];
  const may = (...rights: string[]): boolean =>
    session.properties.some((property) => rights.some((right) => right in property.rights));
  const roles = session.properties.flatMap((property) => property.roles);
  const found: Page[] = [];
  const add = (title: Title, icon: string, place: number, more: Partial<Page> = {}): void => {
    found.push({ path: title, title: titles?.[title] ?? title, icon, place, ...more });
  };
  if (roles.some((role) => OWN_ROLES.has(role))) {
    const isHome = roles.every((role) => OWN_ROLES.has(role));
    add("mine", mdiHomeAccount, 5, { key: "m", isHome });
  }
  if (may("get_units")) {
    add("units", mdiHomeGroup, 20, { key: "u", search: "/" });
  }
  if (may("get_roster")) {
    add("duty", mdiAccountClock, 40, { key: "r" });
  }
  if (may("get_audit", "get_own_audit")) {
    add("audit", mdiTextBoxSearch, 90);
  }
  return found;
}

function element(): HTMLElement & Guest {
  void import("./element").then(({ Router }) => {
    // After an update the page may hold an older one until it is reloaded.
    if (!customElements.get(TAG)) {
      customElements.define(TAG, Router);
    }
  });
  return document.createElement(TAG) as HTMLElement & Guest;
}

export const extension: Extension = { pages, owns: (path) => (OURS.has(path) ? (BELOW[path] ?? path) : null), element, search: beginAhead };
