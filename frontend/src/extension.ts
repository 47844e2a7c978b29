/** Pages that another integration brings into the control room: a module of its own that it serves. */

import type { Hass } from "./model";
import type { Session } from "./response";

/** A page as the navigation offers it. */
export interface Page {
  /** The first word of its address below the panel's. */
  path: string;
  title: string;
  /** The outline of its symbol, in a square of 24. */
  icon: string;
  /** Where it stands among the others; the incidents are at 0. */
  place: number;
  /** The letter that goes there, after `G`. */
  key?: string;
  /** The letter that goes there by itself, to search. */
  search?: string;
  /** Who is offered it has no business with the incidents: it takes their place. */
  isHome?: boolean;
}

/** What a page is told. */
export interface Guest {
  hass: Hass;
  session: Session;
  /** Below the panel's address: `/unit/…`. */
  path: string;
  dark: boolean;
  narrow: boolean;
  /** Nothing can be done: the connection is away, or has just come back. */
  locked: boolean;
  /** The address of a path. */
  href: (path: string) => string;
  go: (path: string) => void;
  /** The server's clock, in Unix seconds. */
  now: () => number;
  /** The incident that is worked in an area. */
  incidentIn: (areaId: string | null) => string | null;
  /** There are doors that this user sees. */
  hasDoors: boolean;
  /** What of it is heard as a fault; an event of this name tells of a change. */
  sounds?: readonly string[];
}

export interface Extension {
  /** The pages that are for this user. */
  pages: (session: Session, language: string) => Page[];
  /** The page under which an address with this first word is; null for one of somebody else. */
  owns: (path: string) => string | null;
  element: () => HTMLElement & Guest;
  /** What of theirs is a fault among the incidents; of an older release: nothing. */
  notices?: () => HTMLElement & Guest;
  /** What of theirs is about a door: its path is `/door/`, the controller's id, and the door's number there. */
  door?: () => HTMLElement & Guest;
  /** Somebody has pressed the key that begins a search; its page is gone to. */
  search: () => void;
}
