/** Keeps a list still under a hand: nothing moves while it is touched, nor for a second after. */

export const STILL_MILLISECONDS = 1000;
/** A press that lasts longer has ended without a word: what is new must not stay below. */
export const LONGEST_MILLISECONDS = 10_000;

export class Steady {
  private shown: string[] = [];
  private down = false;
  private last = -Infinity;

  press(now: number): void {
    this.down = true;
    this.last = now;
  }

  release(now: number): void {
    this.down = false;
    this.last = now;
  }

  touch(now: number): void {
    this.last = now;
  }

  /** Lets the list move at once: somebody has asked for that. */
  forget(): void {
    this.down = false;
    this.last = -Infinity;
  }

  isStill(now: number): boolean {
    return now - this.last < (this.down ? LONGEST_MILLISECONDS : STILL_MILLISECONDS);
  }

  /** The ids to show, of those wanted in order. While still: the old ones where they are, new ones after. */
  order(wanted: readonly string[], now: number): string[] {
    if (this.isStill(now)) {
      const known = new Set(this.shown);
      this.shown = [...this.shown, ...wanted.filter((id) => !known.has(id))];
    } else {
      this.shown = [...wanted];
    }
    return this.shown;
  }
}
