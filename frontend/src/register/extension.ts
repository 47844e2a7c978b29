/** What the register brings into the control room; its pages are loaded when somebody goes there. */

import { mdiAccountClock, mdiAccountKey, mdiFileSwap, mdiHomeAccount, mdiHomeGroup, mdiTextBoxSearch } from "@mdi/js";
import type { Extension, Guest, Page } from "../extension";
import type { Session } from "../response";
import { beginAhead } from "./ahead";

/** First words of addresses. */
const OURS = new Set(["units", "unit", "person", "duty", "import", "roles", "audit", "mine"]);
/** Under which page of the navigation the others are. */
const BELOW: Record<string, string> = { unit: "units", person: "units" };
/** Whose page is that of their own flats. */
const OWN_ROLES = new Set(["landlord", "resident"]);

type Title = "units" | "mine" | "duty" | "import" | "roles" | "audit";
const TITLES: Record<string, Record<Title, string>> = {
  en: { units: "Units", mine: "My flats", duty: "Duty", import: "Import", roles: "Roles", audit: "Audit" },
  "zh-Hans": { units: "房屋", mine: "我的出租房", duty: "值班", import: "导入", roles: "角色", audit: "查询记录" },
  "zh-Hant": { units: "房屋", mine: "我的出租屋", duty: "值班", import: "匯入", roles: "角色", audit: "查詢紀錄" },
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
  if (may("import_register", "export_register")) {
    add("import", mdiFileSwap, 70);
  }
  if (may("get_roles")) {
    add("roles", mdiAccountKey, 80);
  }
  if (may("get_audit", "get_own_audit")) {
    add("audit", mdiTextBoxSearch, 90);
  }
  return found;
}

/** An element whose code is loaded when it is first asked for. */
function later(tag: string, load: () => Promise<CustomElementConstructor>): () => HTMLElement & Guest {
  return () => {
    void load().then((code) => {
      // After an update the page may hold an older one until it is reloaded.
      if (!customElements.get(tag)) {
        customElements.define(tag, code);
      }
    });
    return document.createElement(tag) as HTMLElement & Guest;
  };
}

export const extension: Extension = {
  pages,
  owns: (path) => (OURS.has(path) ? (BELOW[path] ?? path) : null),
  element: later("cs-register", async () => (await import("./element")).Router),
  notices: later("cs-register-notices", async () => (await import("./notices")).Notices),
  search: beginAhead,
};
