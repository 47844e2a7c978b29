/** What of the alerts does not go out, or not on, as long as an element shows it. */

import { Following } from "./following";
import { apis, option, type Room } from "./room";

/** The texts of what can be wrong. */
const TEXTS = {
  provider_failing: "not_sent_over",
  provider_dead: "not_sent_over",
  alerts_stalled: "alerts_stalled",
  register_unwritable: "register_unwritable",
} as const;

export interface Fault {
  fault: string;
  channel: string | null;
}

/** What the incidents' page says of a fault; two of one channel are the same to who is on duty. */
export const saysOf = (room: Room, { fault, channel }: Fault): string => {
  const text = TEXTS[fault as keyof typeof TEXTS] as (typeof TEXTS)[keyof typeof TEXTS] | undefined;
  return text ? room.t(text, { channel: channel ? option(room, "alert_channel", channel) : "" }) : fault;
};

export class Faults extends Following {
  /** What is wrong, by property. */
  private readonly found = new Map<string, Fault[]>();
  /** Why it is not known, by property. */
  private readonly failures = new Map<string, string>();

  /** Everything that is wrong, in words, each once. */
  get texts(): string[] {
    const { room } = this.host;
    const isOne = room.session.properties.length < 2;
    return room.session.properties.flatMap(({ entry_id: id, title }) => {
      const failure = this.failures.get(id);
      const texts = (this.found.get(id) ?? []).map((fault) => saysOf(room, fault));
      const all = new Set(failure ? [room.t("faults_unknown", { reason: failure }), ...texts] : texts);
      return [...all].map((text) => (isOne ? text : `${title} · ${text}`));
    });
  }

  protected override follow(): (() => void)[] {
    return apis(this.host.room, "get_roster").map((api) => {
      const id = api.property.entry_id;
      return api.follow<Fault>(
        "subscribe_faults",
        (items) => {
          this.found.set(id, [...items.values()]);
          this.host.requestUpdate();
        },
        (text) => {
          this.failures.set(id, text);
          this.host.requestUpdate();
        },
      );
    });
  }
}
