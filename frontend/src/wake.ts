/** Tells that the device has slept: what was shown before is old, however little time seems to have passed. */

/** So many milliseconds by which the two clocks may differ without a sleep. */
const MOST_MILLISECONDS = 5000;

/** Compares the clock that goes on in a sleep with the one that may stand still. */
export class Wake {
  private apart: number;

  constructor(
    private readonly wall: () => number = () => Date.now(),
    private readonly running: () => number = () => performance.now(),
  ) {
    this.apart = wall() - running();
  }

  /** Has it slept since this was asked last? A clock that was set counts as that. */
  hasSlept(): boolean {
    const before = this.apart;
    this.apart = this.wall() - this.running();
    return Math.abs(this.apart - before) > MOST_MILLISECONDS;
  }
}
