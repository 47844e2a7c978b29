/** What a place is, as its form asks and sends it. */

import type { Asked } from "./change";
import type { PlaceRow } from "./model";
import { option, type Room } from "./room";

/** Kinds of places that are a unit of the register. */
const OF_UNIT = ["unit", "shop"];
const OTHERS = ["building", "stairwell", "bike_parking", "charging", "shared_place"];
const GRADES = ["blue", "green", "yellow", "red"];
const NUMBERS = new Set(["storey", "latitude", "longitude"]);

type Fields = Pick<
  PlaceRow,
  "kind" | "unit_id" | "building" | "stairwell" | "name" | "storey" | "latitude" | "longitude" | "grade" | "area_id"
> & { address: string };

/** A place of which nothing is known yet. */
export const NEW_PLACE: Fields = {
  kind: "shared_place",
  unit_id: null,
  building: "",
  stairwell: "",
  name: "",
  address: "",
  area_id: null,
  storey: null,
  latitude: null,
  longitude: null,
  grade: null,
};

export function placeFields(room: Room, of: Fields): Asked[] {
  const text = (value: number | string | null): string => (value === null ? "" : String(value));
  const kinds = of.unit_id ? OF_UNIT : OTHERS;
  const areas = Object.values(room.hass.areas).flatMap((area) => area ?? []);
  const own: Asked[] = of.unit_id
    ? []
    : [
        { name: "name", label: room.t("place_name"), value: of.name },
        { name: "building", label: room.t("building"), value: of.building },
        { name: "stairwell", label: room.t("stairwell_label"), value: of.stairwell },
        { name: "address", label: room.t("address"), value: of.address },
        {
          name: "area_id",
          label: room.t("area"),
          value: text(of.area_id),
          options: [["", "–"], ...areas.map((area): [string, string] => [area.area_id, area.name])],
        },
      ];
  return [
    {
      name: "kind",
      label: room.t("kind"),
      value: of.kind,
      options: kinds.map((key): [string, string] => [key, option(room, "place_kind", key)]),
    },
    ...own,
    { name: "storey", label: room.t("storey"), value: text(of.storey) },
    { name: "latitude", label: room.t("latitude"), value: text(of.latitude) },
    { name: "longitude", label: room.t("longitude"), value: text(of.longitude) },
    {
      name: "grade",
      label: room.t("grade"),
      value: of.grade ?? "",
      options: [["", "–"], ...GRADES.map((key): [string, string] => [key, option(room, "place_grade", key)])],
    },
  ];
}

/** The fields as they are sent: what is empty is not known. What is no number is sent as it is, and refused. */
export const placeData = (values: Record<string, string>): object =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      if (NUMBERS.has(name)) {
        const number = Number(value);
        return [name, value === "" ? null : Number.isNaN(number) ? value : number];
      }
      return [name, name === "grade" && value === "" ? null : value];
    }),
  );
