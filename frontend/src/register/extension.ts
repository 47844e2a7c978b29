/** What the register brings into the control room; its pages are loaded when somebody goes there. */

import { define } from "../define";
import type { Extension, Guest } from "../extension";
import { beginAhead } from "./ahead";
import { pages } from "./pages";

/** First words of addresses. */
const OURS = new Set(["units", "unit", "person", "duty", "import", "roles", "audit", "mine", "places", "place", "reports", "report", "searches", "case", "care", "watch", "rounds", "desk"]);
/** Under which page of the navigation the others are. */
const BELOW: Record<string, string> = { unit: "units", person: "units", place: "places", report: "reports", case: "searches", watch: "care" };

/** An element whose code is loaded when it is first asked for. */
function later(tag: string, load: () => Promise<CustomElementConstructor>): () => HTMLElement & Guest {
  return () => {
    void load().then((code) => {
      define({ [tag]: code });
    });
    return document.createElement(tag) as HTMLElement & Guest;
  };
}

export const extension: Extension = {
  pages,
  owns: (path) => (OURS.has(path) ? (BELOW[path] ?? path) : null),
  element: later("cs-register", async () => (await import("./element")).Router),
  notices: later("cs-register-notices", async () => (await import("./notices")).Notices),
  door: later("cs-register-door", async () => (await import("./door")).DoorGuest),
  search: beginAhead,
};
