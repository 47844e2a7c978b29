/** What is typed after the key that begins a search, until there is a field that takes it. */

/** Nobody types into nothing for longer, in milliseconds. */
const MOST_MILLISECONDS = 5000;

export interface Ahead {
  text: string;
  /** Enter was pressed too. */
  isSent: boolean;
}

let ahead: Ahead | null = null;
let timer: number | undefined;

const keep = (event: KeyboardEvent): void => {
  if (!ahead || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  if (event.key === "Enter") {
    ahead.isSent = true;
  } else if (event.key === "Backspace") {
    ahead.text = ahead.text.slice(0, -1);
  } else if (event.key.length === 1) {
    ahead.text += event.key;
  } else {
    return;
  }
  event.stopPropagation();
  event.preventDefault();
};

export function beginAhead(): void {
  takeAhead();
  ahead = { text: "", isSent: false };
  window.addEventListener("keydown", keep, { capture: true });
  timer = window.setTimeout(takeAhead, MOST_MILLISECONDS);
}

/** Ends it. Returns what was typed; null if no search was begun. */
export function takeAhead(): Ahead | null {
  const taken = ahead;
  ahead = null;
  window.clearTimeout(timer);
  window.removeEventListener("keydown", keep, { capture: true });
  return taken;
}
