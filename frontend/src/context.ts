/** What the panel hands to its pages. */

import type { Age, Book } from "./book";
import type { Action, Hass, Incident } from "./model";
import type { Flood } from "./order";
import type { Call, People } from "./response";
import type { Translate } from "./texts";
import type { Words } from "./words";

/** How long an action may take until it counts as failed, in milliseconds; power is read back. */
export const ANSWER_MILLISECONDS = 10_000;
export const POWER_MILLISECONDS = 25_000;

export interface Deed {
  state: "sending" | "done" | "failed";
  text: string;
}

export interface Context {
  hass: Hass;
  t: Translate;
  words: Words;
  book: Book;
  age: Age;
  /** The server's clock, in Unix seconds. */
  now: number;
  /** Many new alarms at once, null otherwise. */
  flood: Flood | null;
  /** A display that nobody touches: what can be done is not shown. */
  isQuiet: boolean;
  /** Nothing can be done: the data is not there yet, is old, or has just come back. */
  locked: boolean;
  /** What the register knows of the people concerned, null without one. */
  people: People | null;
  /** The register is not heard: somebody may have answered, or call for help, since. */
  peopleOld: boolean;
  /** Incidents in which somebody calls for help. */
  help: ReadonlySet<string>;
  /** May the user do something about an alert: a right of the register? */
  mayAbout(alertId: string, right: string): boolean;
  /** Asks the register something about an alert; as `ask`. */
  askAbout<Answer>(key: string, alertId: string, command: string): Promise<Answer | undefined>;
  /** Opens the sheet in which a call for help is closed. */
  askToClose(call: Call): void;
  closeHelp(call: Call, outcome: string, note: string): Promise<boolean>;
  /** What has changed while the connection was away. */
  marked: ReadonlySet<string>;
  /** What has become of the last command under a key. */
  did(key: string): Deed | undefined;
  /** Sends a command; its answer, or undefined if it failed: then `did` says why. `patience` is in milliseconds. */
  ask<Answer>(key: string, command: object, patience?: number): Promise<Answer | undefined>;
  /** Lets the last command under a key have failed: it was answered, and its answer says so. */
  fail(key: string, reason: string): void;
  /** The properties of the register in which the user has a right, by their ids. */
  propertiesWith(right: string): string[];
  /** Who was told of an incident that is over, and who answered; null where nobody may know. */
  pastPeople(incidentId: string, alarmIds: string[]): Promise<People | null>;
  /** Goes to a path below the panel's address; and such an address. */
  go(path: string): void;
  to(path: string): string;
  deed(incidentId: string, action: Action): Deed | undefined;
  act(incident: Incident, action: Action, data?: object): Promise<boolean>;
  /** Goes to an incident, or back to all of them. */
  open(incidentId: string | null): void;
  href(incidentId: string | null): string;
}
