/** The incidents as the server tells them, without a gap. */

import type { Ended, Heard, Incident, Message } from "./model";

/** Seconds without a sign of life until that is looked into, and until all is called old. */
export const CHECKING_SECONDS = 15;
export const STALE_SECONDS = 30;

export type Age = "waiting" | "live" | "checking" | "stale";

export class Book {
  readonly incidents = new Map<string, Incident>();
  readonly names = new Map<string, string>();
  devices: Heard | null = null;
  /** What the last messages have changed or ended, by id. */
  changed: string[] = [];
  ended: Ended[] = [];
  private sequence = 0;
  /** The server's clock when it was last heard, and ours (monotonic seconds). */
  private at = 0;
  private heard: number | null = null;
  /** The connection has gone, and nothing was heard of what happened since. */
  private lost = false;

  /** Takes a message at a monotonic time in seconds. Returns false if one before it is missing. */
  take(message: Message, now: number): boolean {
    this.changed = [];
    this.ended = [];
    if (message.kind === "snapshot") {
      this.lost = false;
      const before = new Map(this.incidents);
      this.incidents.clear();
      for (const incident of message.incidents) {
        this.incidents.set(incident.incident_id, incident);
        if (JSON.stringify(before.get(incident.incident_id)) !== JSON.stringify(incident)) {
          this.changed.push(incident.incident_id);
        }
      }
    } else if (message.sequence !== this.sequence + (message.kind === "beat" ? 0 : 1)) {
      return false;
    }
    this.sequence = message.sequence;
    this.at = message.at;
    this.heard = now;
    switch (message.kind) {
      case "snapshot":
      case "beat":
        this.devices = message.devices;
        break;
      case "change":
        for (const incident of message.incidents) {
          this.incidents.set(incident.incident_id, incident);
          this.changed.push(incident.incident_id);
        }
        for (const gone of message.gone) {
          this.incidents.delete(gone.incident_id);
        }
        this.ended = message.gone;
        break;
      case "names":
        for (const [who, name] of Object.entries(message.names)) {
          this.names.set(who, name);
        }
    }
    return true;
  }

  /** The connection has gone: all is old until the next snapshot. */
  lose(): void {
    this.lost = true;
  }

  age(now: number): Age {
    if (this.heard === null) {
      return "waiting";
    }
    if (this.lost || now - this.heard >= STALE_SECONDS) {
      return "stale";
    }
    return now - this.heard >= CHECKING_SECONDS ? "checking" : "live";
  }

  /** The server's time now, in Unix seconds. */
  clock(now: number): number {
    return this.heard === null ? 0 : this.at + now - this.heard;
  }

  /** The server's time of the last sign of life, null before the first. */
  get truth(): number | null {
    return this.heard === null ? null : this.at;
  }
}
