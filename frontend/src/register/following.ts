/** What an element follows of the server as long as it is shown. */

import type { LitElement, ReactiveController } from "lit";
import type { Room } from "./room";

export interface Host extends LitElement {
  room: Room;
}

export abstract class Following implements ReactiveController {
  private ends: (() => void)[] | null = null;

  constructor(protected readonly host: Host) {
    host.addController(this);
  }

  /** Begins, and returns what ends it. */
  protected abstract follow(): (() => void)[];

  hostConnected(): void {
    // An element that comes back may have nothing to draw.
    if (this.host.hasUpdated) {
      this.begin();
    }
  }

  /** Begins with the first update: before that the element has been told nothing. */
  hostUpdate(): void {
    if (this.host.isConnected) {
      this.begin();
    }
  }

  private begin(): void {
    this.ends ??= this.follow();
  }

  hostDisconnected(): void {
    for (const end of this.ends ?? []) {
      end();
    }
    this.ends = null;
  }
}
