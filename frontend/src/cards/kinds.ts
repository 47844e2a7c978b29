/** Which cards there are, and what is chosen for each. Nothing here knows a browser. */

export type Kind = "alarms" | "incident" | "building" | "unit";
/** The id of an area or a floor of Home Assistant. */
export type Config = Partial<Record<"area" | "floor", string>>;

interface Card {
  fields: { name: keyof Config; required: boolean }[];
  /** How high it is about, in rows of a dashboard. */
  rows: number;
}

export const CARDS: Record<Kind, Card> = {
  /** All incidents, or those of a building. */
  alarms: { fields: [{ name: "floor", required: false }], rows: 6 },
  /** The most urgent incident, of all or of a place, to be worked. */
  incident: { fields: [{ name: "area", required: false }], rows: 12 },
  /** The places of a building. */
  building: { fields: [{ name: "floor", required: true }], rows: 6 },
  /** One place: what is wrong there, or that nothing is. */
  unit: { fields: [{ name: "area", required: true }], rows: 2 },
};
