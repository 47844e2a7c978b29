/** The control room's own pages: for its navigation, and for who asks what another account is offered. */

export interface Own {
  path: "now" | "map" | "devices" | "doors" | "history" | "handover";
  /** Where it stands among those that others bring. */
  place: number;
  /** The letter that goes there, after `G`. */
  key?: string;
  /** What is missing where it is not offered. */
  needs?: keyof Needs;
}

interface Needs {
  /** May they do anything? Who may only look has no work there. */
  acts: boolean;
  doors: boolean;
}

const OWN: readonly Own[] = [
  { path: "now", place: 0, key: "n" },
  { path: "map", place: 10, key: "m" },
  { path: "devices", place: 30, key: "d", needs: "acts" },
  { path: "doors", place: 35, key: "o", needs: "doors" },
  { path: "history", place: 50, key: "h" },
  { path: "handover", place: 60, needs: "acts" },
];

export const ownPages = (has: Needs): Own[] => OWN.filter(({ needs }) => !needs || has[needs]);
