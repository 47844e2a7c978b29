/** One subscription, kept without a gap: what is missing is fetched anew. */

import { Book } from "./book";
import type { Connection, Message } from "./model";

export const monotonic = (): number => performance.now() / 1000;

/** What takes messages as they come; false says that one before is missing. */
interface Taking<Told> {
  take(message: Told, now: number): boolean;
}

export class Subscription<Told, Kept extends Taking<Told>> {
  error: string | null = null;
  private end: Promise<(() => Promise<void>) | undefined> | null = null;

  constructor(
    private readonly connection: Connection,
    private readonly command: object,
    readonly book: Kept,
    private readonly changed: (message: Told | null) => void,
  ) {}

  start(): void {
    this.error = null;
    const asked = this.connection
      .subscribeMessage((message: Told) => {
        // Messages of a subscription that was ended since are nobody's.
        if (this.end === asked) {
          this.take(message);
        }
      }, this.command)
      .catch((error: unknown) => {
        if (this.end === asked) {
          this.error = (error as { message?: string }).message ?? String(error);
          this.changed(null);
        }
        return undefined;
      });
    this.end = asked;
  }

  stop(): void {
    void this.end?.then((end) => end?.().catch(() => undefined));
    this.end = null;
  }

  private take(message: Told): void {
    if (this.book.take(message, monotonic())) {
      this.changed(message);
    } else {
      this.stop();
      this.start();
    }
  }
}

export class Feed extends Subscription<Message, Book> {
  constructor(connection: Connection, command: object, changed: (message: Message | null) => void) {
    super(connection, command, new Book(), changed);
  }
}
