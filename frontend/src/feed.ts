/** Subscriptions, kept without a gap and without an end: what is missing, silent or refused is asked for anew. */

import { Book } from "./book";
import type { Connection, Message } from "./model";

export const monotonic = (): number => performance.now() / 1000;

/** Seconds without a message after which it is asked for anew: a sign of life comes every ten. */
export const SILENCE_SECONDS = 30;
/** Seconds until it is asked again after a failure: twice as long each time, up to the last. */
const AGAIN_SECONDS = 2;
const LAST_AGAIN_SECONDS = 30;
/** A line that is frozen is not filled with questions. */
const LAST_SILENCE_SECONDS = 300;

type End = Promise<(() => Promise<void>) | undefined>;

function leave(end: End): void {
  void end.then((ended) => ended?.().catch(() => undefined));
}

/** What takes messages as they come; false says that one before is missing. */
interface Taking<Told> {
  take(message: Told, now: number): boolean;
}

export class Subscription<Told extends { kind?: string }, Kept extends Taking<Told>> {
  /** Why it was refused the last time, until it is heard again. */
  error: string | null = null;
  rejected: unknown = null;
  private end: End | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private tries = 0;

  /** `silence` is how long it may be silent; null for one that has no signs of life. */
  constructor(
    private readonly connection: Connection,
    private readonly command: object,
    readonly book: Kept,
    private readonly changed: (message: Told | null) => void,
    private readonly silence: number | null = SILENCE_SECONDS,
  ) {}

  start(): void {
    this.error = this.rejected = null;
    this.tries = 0;
    this.ask();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.leave();
  }

  restart(): void {
    this.stop();
    this.start();
  }

  private ask(): void {
    this.waitForLife();
    let isStray = false;
    const asked = this.connection
      .subscribeMessage((message: Told) => {
        if (this.end === asked) {
          this.take(message);
        } else if (!isStray) {
          // It was left while the line was away, and came back with it.
          isStray = true;
          leave(asked);
        }
      }, this.command)
      .catch((error: unknown) => {
        if (this.end === asked) {
          this.rejected = error;
          const { message, error: inner } = error as { message?: string; error?: { message?: string } };
          this.error = message ?? inner?.message ?? String(error);
          this.waitToAskAgain();
          this.changed(null);
        }
        return undefined;
      });
    this.end = asked;
  }

  private leave(): void {
    if (this.end) {
      leave(this.end);
    }
    this.end = null;
  }

  private take(message: Told): void {
    this.error = this.rejected = null;
    if (!this.book.take(message, monotonic())) {
      this.leave();
      this.ask();
      return;
    }
    if (message.kind === "ended") {
      // Who asks anew is told why, or that it is back.
      this.waitToAskAgain();
    } else {
      this.tries = 0;
      this.waitForLife();
    }
    this.changed(message);
  }

  private wait(seconds: number, then: () => void): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(then, seconds * 1000);
  }

  private waitForLife(): void {
    const { silence } = this;
    if (silence === null) {
      clearTimeout(this.timer);
      return;
    }
    this.wait(Math.min(silence * 2 ** this.tries, LAST_SILENCE_SECONDS), () => {
      if (this.connection.connected) {
        this.tries += 1;
        this.leave();
        this.ask();
      } else {
        // When it is back, Home Assistant's frontend subscribes again by itself.
        this.waitForLife();
      }
    });
  }

  private waitToAskAgain(): void {
    const seconds = Math.min(AGAIN_SECONDS * 2 ** this.tries, LAST_AGAIN_SECONDS);
    this.tries += 1;
    const again = (): void => {
      if (this.connection.connected) {
        this.leave();
        this.ask();
      } else {
        this.wait(AGAIN_SECONDS, again);
      }
    };
    this.wait(seconds, again);
  }
}

export class Feed extends Subscription<Message, Book> {
  constructor(connection: Connection, command: object, changed: (message: Message | null) => void) {
    super(connection, command, new Book(), changed);
  }
}
