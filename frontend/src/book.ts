/** The incidents as the server tells them, without a gap. */

import type { Ended, Heard, Incident, KeptOff, Message } from "./model";

/** Seconds without a sign of life until that is looked into, and until all is called old. */
export const CHECKING_SECONDS = 15;
export const STALE_SECONDS = 30;

export type Age = "waiting" | "live" | "checking" | "stale";

export class Book {
  readonly incidents = new Map<string, Incident>();
  readonly names = new Map<string, string>();
  devices: Heard | null = null;
  /** Supplies that are off for no incident. */
  keptOff: KeptOff[] = [];
  /** What the last messages have changed or ended, by id. */
  changed: string[] = [];
  ended: Ended[] = [];
  /** Was the last message of a snapshot, and with it all of that is there? */
  renewed: "no" | "in part" | "whole" = "no";
  /** What was known and has not come again while a snapshot comes in parts; null when all of it is there. */
  private missing: Set<string> | null = null;
  private isKnown = false;
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
    this.renewed = "no";
    if (message.kind === "snapshot") {
      this.missing = new Set(this.incidents.keys());
    } else if (message.sequence !== this.sequence + (message.kind === "beat" ? 0 : 1)) {
      return false;
    }
    this.sequence = message.sequence;
    this.at = message.at;
    this.heard = now;
    switch (message.kind) {
      case "snapshot":
        this.devices = message.devices;
        this.keptOff = message.kept_off ?? [];
        this.put(message.incidents);
        this.renew(message.more ?? false);
        break;
      case "beat":
        this.devices = message.devices;
        this.keptOff = message.kept_off ?? [];
        break;
      case "change":
        this.put(message.incidents);
        for (const gone of message.gone) {
          this.incidents.delete(gone.incident_id);
        }
        this.ended = message.gone;
        if (message.more !== undefined) {
          this.renew(message.more);
        }
        break;
      case "names":
        for (const [who, name] of Object.entries(message.names)) {
          this.names.set(who, name);
        }
    }
    return true;
  }

  private put(incidents: readonly Incident[]): void {
    for (const incident of incidents) {
      const { incident_id: id } = incident;
      const before = this.incidents.get(id);
      if (!before || JSON.stringify(before) !== JSON.stringify(incident)) {
        this.changed.push(id);
      }
      this.incidents.set(id, incident);
      this.missing?.delete(id);
    }
  }

  /** Takes a part of a snapshot. With the last one, what was in none of them is over. */
  private renew(isMore: boolean): void {
    this.renewed = isMore ? "in part" : "whole";
    if (!isMore) {
      for (const id of this.missing ?? []) {
        this.incidents.delete(id);
      }
      this.missing = null;
      this.isKnown = true;
      this.lost = false;
    }
  }

  /** The connection has gone: all is old until the next snapshot. */
  lose(): void {
    this.lost = true;
  }

  age(now: number): Age {
    if (this.heard === null || !this.isKnown) {
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

  /** The server's time of the last sign of life, null before all was there once. */
  get truth(): number | null {
    return this.isKnown ? this.at : null;
  }
}
