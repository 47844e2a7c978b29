/** What a unit is, as its form asks and sends it. */

import type { Asked } from "./change";
import type { UnitFile } from "./model";
import { option, type Room } from "./room";

const LETTINGS = ["whole", "shared", "dormitory", "short_term", "owner"];

type Fields = Pick<UnitFile, "building" | "stairwell" | "number" | "address" | "rooms" | "letting">;

/** A unit of which nothing is known yet. */
export const NEW_UNIT: Fields = { building: "", stairwell: "", number: "", address: "", rooms: null, letting: null };

export const unitFields = (room: Room, of: Fields): Asked[] => [
  { name: "building", label: room.t("building"), value: of.building },
  { name: "stairwell", label: room.t("stairwell_label"), value: of.stairwell },
  { name: "number", label: room.t("number"), value: of.number },
  { name: "address", label: room.t("address"), value: of.address },
  { name: "rooms", label: room.t("rooms_label"), value: of.rooms === null ? "" : String(of.rooms), type: "number" },
  {
    name: "letting",
    label: room.t("letting"),
    value: of.letting ?? "",
    options: [["", "–"], ...LETTINGS.map((key): [string, string] => [key, option(room, "letting", key)])],
  },
];

export const unitData = ({ rooms, ...values }: Record<string, string>): object => ({
  ...values,
  ...(rooms ? { rooms: Number(rooms) } : {}),
});
