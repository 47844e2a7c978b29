/** Sentences about incidents, in the language of who reads. */

import { clock, clockMinutes, day, lasted, quantity } from "./format";
import type { Alarm, Hass, Incident, Supply } from "./model";
import { LINKAGE_CLASS, classOf, isOfDoors, openAlarms, powerOf, seenBy, statusOf } from "./order";
import { callOf, isCalling, type Alert, type Answer, type Call, type Group, type People, type Reached, type Slot } from "./response";
import type { Key, Translate } from "./texts";
import { stairwellOf, unitOf, type Unit } from "./unit";

const DOMAIN = "community_safety";

export class Words {
  constructor(
    readonly hass: Hass,
    readonly t: Translate,
    private readonly names: ReadonlyMap<string, string>,
    /** Where units stand as the register has it, by area. */
    readonly units: ReadonlyMap<string, Unit> = new Map(),
  ) {}

  /** A word of the integration's own translations, such as a hazard; its code until they are loaded. */
  option(selector: string, option: string): string {
    return this.hass.localize(`component.${DOMAIN}.selector.${selector}.options.${option}`) || option;
  }

  hazard(alarm: Alarm): string {
    return this.option("hazard", alarm.hazard);
  }

  who(id: string | null | undefined): string {
    return (id && this.names.get(id)) ?? this.t("somebody");
  }

  area(areaId: string | null): string | null {
    return (areaId && this.hass.areas[areaId]?.name) ?? null;
  }

  building(areaId: string | null): string | null {
    const floor = areaId ? this.hass.areas[areaId]?.floor_id : null;
    return (floor && this.hass.floors[floor]?.name) ?? null;
  }

  /** Where it is: the unit, or what there is of a place. */
  place(incident: Incident): string {
    return this.area(incident.area_id) ?? incident.alarms[0]?.device_name ?? this.t("no_place");
  }

  private unit(areaId: string | null): Unit | null {
    return this.units.get(areaId ?? "") ?? unitOf(this.area(areaId) ?? "");
  }

  /** `Building 1, storey 2`. */
  address(incident: Incident): string {
    const unit = this.unit(incident.area_id);
    const storey = unit && this.t("report_storey", { storey: unit.storey });
    return [this.building(incident.area_id), storey].filter(Boolean).join(this.t("comma"));
  }

  /** `201`: what is left of a place where its stairwell is named. */
  door(incident: Incident): string {
    const unit = this.unit(incident.area_id);
    return unit ? `${unit.storey}${unit.door}` : this.place(incident);
  }

  /** `Building 1, stairwell 2`; the building alone for what is in none. */
  stairwell(areaId: string | null): string {
    const found = this.units.get(areaId ?? "") ?? stairwellOf(this.area(areaId) ?? "");
    const building = this.building(areaId) ?? found?.building ?? this.t("elsewhere");
    return found ? this.t("stairwell", { building, stairwell: found.stairwell }) : building;
  }

  isInStairwell(areaId: string | null): boolean {
    return this.units.has(areaId ?? "") || stairwellOf(this.area(areaId) ?? "") !== null;
  }

  classWord(incident: Incident, help: ReadonlySet<string>): string {
    if (!incident.drill && classOf(incident, help) === LINKAGE_CLASS && isOfDoors(incident)) {
      return this.t("class_door");
    }
    const keys: Key[] = [
      "class_help",
      "class_fire",
      "class_linkage",
      "class_electrical",
      "class_supervision",
      "class_fault",
      "class_shelved",
    ];
    return this.t(incident.drill ? "class_drill" : (keys[classOf(incident, help)] ?? "class_power_off"));
  }

  /** `Smoke + Heat (3)`: each hazard once, and how many alarms there are. */
  hazards(incident: Incident): string {
    const open = openAlarms(incident);
    const alarms = open.length ? open : incident.alarms;
    const names = [...new Set(alarms.map((alarm) => this.hazard(alarm)))];
    return names.join(" + ") + (alarms.length > 1 ? ` (${alarms.length})` : "");
  }

  values(alarm: Alarm): string {
    return alarm.values
      .map(({ value, unit }) => quantity(value, unit, this.hass.locale.language))
      .join(" / ");
  }

  status(incident: Incident): string {
    const status = statusOf(incident);
    if (status === "shelved") {
      const ends = openAlarms(incident).flatMap((alarm) => alarm.shelved_until ?? []);
      return this.t("status_shelved", { time: clockMinutes(this.hass, Math.min(...ends)) });
    }
    if (status !== "seen") {
      return this.t(`status_${status}`);
    }
    const seen = seenBy(incident);
    const time = seen ? clockMinutes(this.hass, seen.at) : "";
    return seen?.who
      ? this.t("status_seen", { who: this.who(seen.who), time })
      : this.t("status_seen_nobody", { time });
  }

  /** Until when supplies are left off, "" if no day was said. */
  left(supplies: readonly Supply[]): string {
    const [first] = supplies.flatMap(({ left }) => left ?? []).sort((a, b) => (a.until < b.until ? -1 : 1));
    return first
      ? this.t(first.is_due ? "left_due" : "left_until", {
          day: day(this.hass, first.until),
          reason: this.option("left_reason", first.why),
        })
      : "";
  }

  flow(supply: Supply): string {
    const { language } = this.hass.locale;
    return [
      supply.current === null ? "" : quantity(supply.current, "A", language),
      supply.current === null && supply.power !== null ? quantity(supply.power, "W", language) : "",
    ].join("");
  }

  supply(supply: Supply): string {
    return supply.channel
      ? this.t("channel", { name: supply.name, channel: supply.channel })
      : supply.name;
  }

  supplyState(supply: Supply): string {
    if (supply.state === "proven" && supply.milliseconds !== null) {
      return this.t("supply_proven_ms", { milliseconds: supply.milliseconds });
    }
    if (supply.state === "unknown" && supply.latched) {
      return this.t("supply_unknown_latched");
    }
    const state = this.t(`supply_${supply.state}`);
    return supply.reason ? `${state} (${this.option("cut_off_reason", supply.reason)})` : state;
  }

  /** What the card says of the power: what may be on comes first. */
  power(incident: Incident): string {
    const power = powerOf(incident);
    if (!incident.supplies.length) {
      return "";
    }
    if (incident.drill) {
      return this.t("power_drill");
    }
    const amperes = power.mayBeOn.map((supply) => this.flow(supply)).filter(Boolean);
    const parts: string[] = [];
    if (power.mayBeOn.length) {
      parts.push(
        this.t("power_may_be_on", {
          count: power.mayBeOn.length,
          amperes: amperes.length ? ` ${amperes.join(this.t("comma"))}` : "",
        }),
      );
    }
    if (power.unknown) {
      parts.push(this.t("power_unknown", { count: power.unknown }));
    }
    if (power.pending) {
      parts.push(this.t("power_pending", { count: power.pending }));
    }
    if (power.all && (power.off || incident.supplies.some((supply) => supply.latched))) {
      const off = this.t("power_off", { off: power.off, all: power.all });
      const whole = power.off === power.all && !power.relayOnly;
      parts.push(whole ? [off, this.t("power_proven")].join(this.t("comma")) : off);
    } else if (power.all) {
      parts.push(this.t("power_none"));
    }
    if (power.relayOnly) {
      parts.push(this.t("power_relay_only", { count: power.relayOnly }));
    }
    if (power.protected) {
      parts.push(this.t("power_protected", { count: power.protected }));
    }
    const left = this.left(incident.supplies);
    if (left) {
      parts.push(left);
    }
    return parts.join(" · ");
  }

  /** `Safe 2 · Needs help 1`, those who call first. */
  people(incident: Incident, people: People): string {
    const order: Answer[] = [
      "need_help",
      "on_my_way",
      "safe",
      "false_alarm",
      "under_way",
      "no_answer",
      "not_reached",
    ];
    const counts = people.counts(incident);
    return order
      .flatMap((answer) => {
        const count = counts.get(answer);
        return count ? [this.t("people_count", { answer: this.t(`answer_${answer}`), count })] : [];
      })
      .join(" · ");
  }

  person(slot: Slot): string {
    const name = ["role", "duty"]
      .map((selector) =>
        this.hass.localize(`component.rental_units.selector.${selector}.options.${slot.role}`),
      )
      .find(Boolean);
    // Neighbours, and who tests, have no role in the register that could have a name there.
    const own: Record<string, Key> = { neighbour: "role_neighbour", tester: "role_tester" };
    const key = own[slot.role];
    const role = key ? this.t(key) : (name ?? slot.role);
    return this.t("person", { role, number: slot.number });
  }

  group(group: Group): string {
    if (group.kind === "responders") {
      return this.t("responders");
    }
    const title = group.title ?? this.t("no_place");
    return group.is_neighbour ? this.t("neighbour", { place: title }) : title;
  }

  /** From where and of whom a call for help is, as far as that is known. */
  caller({ alert, who }: Call): string {
    const place = who?.group.kind === "unit" ? this.group(who.group) : alert.place || this.t("no_place");
    return this.t("caller", { place, person: who ? this.person(who.slot) : this.t("somebody") });
  }

  call(call: Call): string {
    const text = this.t("help_since", { caller: this.caller(call), time: clock(this.hass, call.at) });
    return call.alert.drill ? this.t("says", { what: this.t("class_drill"), said: text }) : text;
  }

  reached(reached: Reached): string {
    const channel =
      this.hass.localize(`component.rental_units.selector.alert_channel.options.${reached.channel}`) ||
      reached.channel;
    const result = ["sent", "received", "answered"].includes(reached.state)
      ? "ok"
      : ["queued", "sending"].includes(reached.state)
        ? "sending"
        : "failed";
    return this.t(`reached_${result}`, { channel });
  }

  /** What somebody has said; a later answer takes no call for help away. */
  answer(slot: Slot): string {
    const answer = this.t(`answer_${slot.state}`);
    const call = callOf(slot);
    if (call && slot.state !== "need_help") {
      return this.t("asked_for_help", { answer, time: clockMinutes(this.hass, call.at) });
    }
    const at = isCalling(slot) && call ? call.at : slot.answered_at;
    return at ? `${answer} ${clockMinutes(this.hass, at)}` : answer;
  }

  /** When the next step of an alert comes, "" for none. */
  nextStep(alerts: Alert[], now: number): string {
    const next = Math.min(...alerts.flatMap((alert) => alert.next_at ?? []));
    return Number.isFinite(next)
      ? this.t("next_step", { left: lasted(next - now, this.hass.locale.language) })
      : "";
  }

  /** Why something cannot be done now. */
  blocked(incident: Incident, reason: string): string {
    const alarm = openAlarms(incident).find((item) => item.present);
    return reason === "still_present" && alarm
      ? this.t("blocked_still_present", { hazard: this.hazard(alarm) })
      : reason;
  }

  outcome(outcome: string | null | undefined, cause?: unknown): string {
    const known = outcome ? this.option("outcome", outcome) : "";
    return typeof cause === "string" && cause !== "unknown"
      ? `${known} (${this.option("cause", cause)})`
      : known;
  }
}
