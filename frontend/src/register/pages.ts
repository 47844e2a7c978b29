/** The register's pages as the navigation offers them. */

import { mdiAccountClock, mdiAccountKey, mdiClipboardAlert, mdiFileSwap, mdiHeartPulse, mdiHomeAccount, mdiHomeGroup, mdiHomeHeart, mdiMapMarkerRadius, mdiMapSearch, mdiRoomService, mdiTextBoxSearch } from "@mdi/js";
import type { Page } from "../extension";
import type { Session } from "../response";

/** Whose page is that of their own flats. */
const OWN_ROLES = new Set(["landlord", "resident"]);

type Title = "units" | "desk" | "notices" | "places" | "reports" | "searches" | "care" | "rounds" | "mine" | "home" | "duty" | "import" | "roles" | "audit";
const TITLES: Record<string, Record<Title, string>> = {
  en: { units: "Units", desk: "Desk", notices: "Notices", places: "Places", reports: "Hazards", searches: "Search", care: "Signs of life", rounds: "Care visits", mine: "My flats", home: "My home", duty: "Duty", import: "Import", roles: "Roles", audit: "Audit" },
  "zh-Hans": { units: "房屋", desk: "总台", notices: "登记报送", places: "地点", reports: "隐患", searches: "一键寻人", care: "平安守护", rounds: "关爱走访", mine: "我的出租房", home: "我的住处", duty: "值班", import: "导入", roles: "角色", audit: "查询记录" },
  "zh-Hant": { units: "房屋", desk: "櫃台", notices: "登記報送", places: "地點", reports: "隱患", searches: "一鍵尋人", care: "平安守護", rounds: "關愛走訪", mine: "我的出租屋", home: "我的住處", duty: "值班", import: "匯入", roles: "角色", audit: "查詢紀錄" },
};

/** Does the user let flats? Who only lives in one has a home. */
export const lets = ({ properties }: Pick<Session, "properties">): boolean =>
  properties.some((property) => property.roles.includes("landlord"));

/** Returns the pages that are for this user. */
export function pages({ properties }: Pick<Session, "properties">, language: string): Page[] {
  const titles = TITLES[language] ?? TITLES["en"];
  const may = (...rights: string[]): boolean =>
    properties.some((property) => rights.some((right) => right in property.rights));
  const roles = properties.flatMap((property) => property.roles);
  const found: Page[] = [];
  const add = (path: Title, icon: string, place: number, more: Partial<Page> = {}, title = path): void => {
    found.push({ path, title: titles?.[title] ?? title, icon, place, ...more });
  };
  if (roles.some((role) => OWN_ROLES.has(role))) {
    const isHome = roles.every((role) => OWN_ROLES.has(role));
    add("mine", mdiHomeAccount, 5, { key: "m", isHome }, lets({ properties }) ? "mine" : "home");
  }
  if (may("get_units")) {
    add("units", mdiHomeGroup, 20, { key: "u", search: "/" });
  }
  if (may("get_desks", "get_notices")) {
    // Who sits at no desk has what is to be told, or may see it.
    add("desk", mdiRoomService, 22, {}, may("get_desks") ? "desk" : "notices");
  }
  if (may("get_places")) {
    add("places", mdiMapMarkerRadius, 25);
  }
  if (may("get_reports")) {
    add("reports", mdiClipboardAlert, 27);
  }
  if (may("get_cases")) {
    add("searches", mdiMapSearch, 30);
  }
  if (may("get_rounds")) {
    add("rounds", mdiHomeHeart, 35);
  }
  if (may("care_list")) {
    add("care", mdiHeartPulse, 32);
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
