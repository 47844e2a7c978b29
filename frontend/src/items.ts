/** Items by their keys, as the register tells of them. */

export interface ItemsMessage<T> {
  kind: "snapshot" | "change" | "gone" | "beat" | "ended";
  sequence: number;
  /** The server's time. */
  at?: number;
  items?: Record<string, T>;
  keys?: string[];
}

/** The items of one subscription, without a gap. */
export class Items<T> {
  readonly items = new Map<string, T>();
  private sequence = 0;

  /** `heard` is when it was heard last, or is asked first, in monotonic seconds. */
  constructor(protected heard: number) {}

  /** Takes a message. Returns false if one before it is missing. */
  take(message: ItemsMessage<T>, now: number): boolean {
    if (message.kind === "snapshot" || message.kind === "ended") {
      this.items.clear();
    } else if (message.sequence !== this.sequence + (message.kind === "beat" ? 0 : 1)) {
      return false;
    }
    this.sequence = message.sequence;
    this.heard = now;
    for (const [key, item] of Object.entries(message.items ?? {})) {
      this.items.set(key, item);
    }
    for (const key of message.keys ?? []) {
      this.items.delete(key);
    }
    return true;
  }
}
