/** What a file would change, in the reader's words. */

import type { Import, ImportRow, ImportStatus } from "./model";
import { day, option, type Room } from "./room";
import { LANGUAGE_NAMES, type Key } from "./texts";

/** In the order in which somebody looks: what is wrong first, then what changes what is there. */
export const STATUSES: readonly ImportStatus[] = ["refused", "changed", "added", "unchanged"];

/** The columns of a file, as the forms call them; those that are missing are channels. */
const COLUMNS: Record<string, Key> = {
  building: "building",
  stairwell: "stairwell_label",
  number: "number",
  address: "address",
  area: "area",
  rooms: "rooms_label",
  letting: "letting",
  kind: "kind",
  place: "place_name",
  storey: "storey",
  latitude: "latitude",
  longitude: "longitude",
  party: "party_is",
  role: "role",
  name: "name",
  phone: "phone",
  channels: "told_over",
  language: "language",
  quiet_from: "quiet_from",
  quiet_until: "quiet_until",
  start: "start",
  end: "end",
  schedule: "schedule",
  card: "card_number",
};

export const firstOf = ({ summary }: Import): ImportStatus => STATUSES.find((status) => summary[status] > 0) ?? "unchanged";

/** How many rows are written if it is imported: none as long as one is refused. */
export const writes = ({ summary, error_count: errors }: Import): number =>
  errors || summary.refused ? 0 : summary.added + summary.changed;

/** Where a row is, as a spreadsheet says it. */
export const placeOf = (room: Room, { sheet, row }: { sheet: string; row: number }): string =>
  sheet ? `${sheet}!${row}` : room.t("row", { row });

export function columnOf(room: Room, field: string): string {
  const key = COLUMNS[field];
  return key ? room.t(key) : option(room, "alert_channel", field);
}

/** Who a row is about: the name with what they are, a tenant or one who responds. */
export function whoOf(room: Room, { name, role }: ImportRow): string {
  if (!name || !role) {
    return name ?? "";
  }
  const word = option(room, "role", role);
  return `${name} (${word === role ? option(room, "duty", role) : word})`;
}

export function valueOf(room: Room, field: string, value: string | null): string {
  if (!value) {
    return room.t("nothing");
  }
  switch (field) {
    case "kind":
      return option(room, "place_kind", value);
    case "party":
      return room.t(value === "organisation" ? "organisation" : "a_person");
    case "letting":
      return option(room, "letting", value);
    case "language":
      return LANGUAGE_NAMES.find(([language]) => language === value)?.[1] ?? value;
    case "channels":
      return value
        .split(",")
        .map((channel) => option(room, "alert_channel", channel))
        .join(room.t("comma"));
    case "start":
    case "end":
      return day(room, value);
    case "quiet_from":
    case "quiet_until":
      // Without seconds, of each where addresses have their own.
      return value.replace(/(\d\d:\d\d):\d\d/g, "$1");
    default:
      return value;
  }
}
