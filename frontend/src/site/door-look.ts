/** How a door is shown: a symbol and a word beside its colour. */

import { mdiDoorOpen, mdiExitRun, mdiLock, mdiLockAlert, mdiLockOpenVariant, mdiShieldAlert, mdiTimerAlertOutline } from "@mdi/js";
import { css } from "lit";
import type { Context } from "../context";
import { Subscription } from "../feed";
import { mdiHelpCircleOutline, mdiProgressClock, icon } from "../icons";
import type { Connection } from "../model";
import { Doors, STATES, type Door, type DoorMessage, type DoorState } from "./door";
import type { Translate } from "./texts";

const SYMBOLS: Record<DoorState, string> = {
  unreleased: mdiLockAlert,
  releasing: mdiProgressClock,
  forced: mdiShieldAlert,
  held_open: mdiTimerAlertOutline,
  unknown: mdiHelpCircleOutline,
  released: mdiExitRun,
  unlocked: mdiLockOpenVariant,
  open: mdiDoorOpen,
  locked: mdiLock,
};

export type DoorFeed = Subscription<DoorMessage, Doors>;

/** Follows all doors, until it is stopped. */
export function followDoors(connection: Connection, changed: () => void): DoorFeed {
  const feed: DoorFeed = new Subscription(connection, { type: "community_safety/subscribe_doors" }, new Doors(), changed);
  feed.start();
  return feed;
}

export const doorIcon = (state: DoorState) => icon(SYMBOLS[state]);

/** What a person calls it, or its controller and its number there. */
export const nameOf = ({ t }: Pick<Context, "t">, door: Door): string =>
  door.own_name ?? (door.channel && !door.is_only ? t("channel", { name: door.name, channel: door.channel.toUpperCase() }) : door.name);

/** As what it is spoken of: a barrier is down or up, and no door. */
export const sortOf = ({ kind }: Pick<Door, "kind">): "door" | "gate" => (kind === "vehicle_gate" ? "gate" : "door");

/** How it stands, in words. */
export const stateOf = (t: Translate, { kind, state }: Pick<Door, "kind" | "state">): string =>
  t(state === "locked" || state === "unlocked" ? `${sortOf({ kind })}_${state}` : `door_${state}`);

/** What the symbols mean. */
export const doorSigns = (t: Translate): [ReturnType<typeof icon>, string][] =>
  STATES.map((state) => [doorIcon(state), t(`door_${state}`)]);

/** The colours of doors; what is as it should be has none. */
export const doorStyles = css`
  .door {
    --c: var(--secondary-text-color);
  }
  .door.unreleased,
  .door.releasing {
    --c: var(--linkage);
  }
  .door.forced,
  .door.held_open {
    --c: var(--supervision);
  }
  .door.unlocked {
    --c: var(--fault);
  }
  .door.unknown {
    --c: var(--shielded);
  }
  .door.released {
    --c: var(--good);
  }
`;
