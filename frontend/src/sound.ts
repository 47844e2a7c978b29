/** What is heard, and when. Phones, SMS and calls are the alarm; this is for who sits in front of it. */

import type { Incident } from "./model";
import { classOf, openAlarms } from "./order";
import { keyOf, type Call } from "./response";

export type Signal = "help" | "fire" | "linkage" | "water" | "fault" | "drill";
/** The worst first. */
const ORDER: Signal[] = ["help", "fire", "linkage", "water", "fault", "drill"];
/** By the class of an incident. */
const OF_CLASS: Signal[] = ["help", "fire", "linkage", "linkage", "water", "fault"];

/** Something that makes a sound until somebody has seen to it. What becomes worse, or calls once more, has another key. */
export interface Sound {
  key: string;
  signal: Signal;
}

/** What is heard: a signal, and what it is for. */
export interface Sounding {
  signal: Signal;
  keys: ReadonlySet<string>;
}

/** Everything that makes a sound now: alarms that nobody has seen, open calls for help, power that was to be off until today, and other faults. */
export function soundsOf(incidents: Iterable<Incident>, calls: Iterable<Call>, faults: readonly string[] = []): Sound[] {
  const all = [...incidents];
  const alarms = all.flatMap((incident) => {
    const signal = incident.drill ? "drill" : OF_CLASS[classOf(incident)];
    return openAlarms(incident)
      .filter((alarm) => alarm.acknowledged_at === null)
      .flatMap((alarm) => (signal ? [{ key: `${alarm.alarm_id} ${alarm.severity} ${alarm.calls}`, signal }] : []));
  });
  const due = all.flatMap(({ supplies }) =>
    supplies.flatMap(({ supply_id: id, left }): Sound[] => (left?.is_due ? [{ key: `${id} ${left.until}`, signal: "water" }] : [])),
  );
  // A call is heard whatever was seen of its alarm.
  const help = [...calls].map((call): Sound => ({ key: `call ${keyOf(call)}`, signal: call.alert.drill ? "drill" : "help" }));
  return [...help, ...alarms, ...due, ...faults.map((key): Sound => ({ key, signal: "fault" }))];
}

/** Returns the worst of what is not muted, null for silence. */
export function loudest(sounds: readonly Sound[], muted: ReadonlySet<string>): Sounding | null {
  const heard = sounds.filter(({ key }) => !muted.has(key));
  const signal = ORDER.find((item) => heard.some((sound) => sound.signal === item));
  return signal ? { signal, keys: new Set(heard.flatMap((sound) => (sound.signal === signal ? [sound.key] : []))) } : null;
}

/** Frequency in Hz at the time in seconds from the pattern's begin; it repeats, or is heard once. */
interface Pattern {
  tones: [at: number, frequency: number, slide?: number][];
  seconds: number;
  repeat: boolean;
}

// Never three pulses and a pause: ISO 8201 keeps that for "evacuate".
const PATTERNS: Record<Signal, Pattern> = {
  fire: { tones: [[0, 500, 1200]], seconds: 2, repeat: true },
  help: { tones: [[0, 1000], [0.3, 1000]], seconds: 1.2, repeat: true },
  linkage: { tones: [[0, 650], [0.5, 900]], seconds: 1, repeat: true },
  fault: { tones: [[0, 440], [0.6, 590]], seconds: 30, repeat: true },
  water: { tones: [[0, 880]], seconds: 1, repeat: false },
  drill: { tones: [[0, 520]], seconds: 1, repeat: false },
};
const TONE_SECONDS: Record<Signal, number> = {
  fire: 1.8,
  help: 0.15,
  linkage: 0.5,
  fault: 0.6,
  water: 0.6,
  drill: 0.4,
};
const LOUD = 0.25;

export class Siren {
  private context: AudioContext | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private playing: Signal | null = null;
  /** What it has been played for. */
  private played: ReadonlySet<string> = new Set<string>();

  constructor(private readonly changed: () => void) {}

  /** Is it heard? Browsers want a touch or a key before the first sound. */
  get isOpen(): boolean {
    return this.context?.state === "running";
  }

  /** What plays now. */
  get signal(): Signal | null {
    return this.isOpen ? this.playing : null;
  }

  /** Opens the gate; to be called from a click, a key or a touch. */
  async open(): Promise<void> {
    if (!this.context) {
      this.context = new AudioContext();
      this.context.onstatechange = () => {
        this.changed();
      };
    }
    await this.context.resume();
    this.changed();
  }

  play(sounding: Sounding | null): void {
    const signal = sounding?.signal ?? null;
    const isNew = [...(sounding?.keys ?? [])].some((key) => !this.played.has(key));
    this.played = sounding?.keys ?? new Set<string>();
    // What repeats is heard all the time; what is heard once is heard once for each.
    if (signal === this.playing && !(signal && isNew && !PATTERNS[signal].repeat)) {
      return;
    }
    clearTimeout(this.timer);
    this.playing = signal;
    if (signal) {
      this.sound(signal);
    }
  }

  /** Plays once, whatever else sounds. */
  test(): void {
    this.tones("drill");
  }

  close(): void {
    clearTimeout(this.timer);
    this.playing = null;
    void this.context?.close();
    this.context = null;
  }

  private sound(signal: Signal): void {
    this.tones(signal);
    const { seconds, repeat } = PATTERNS[signal];
    if (repeat) {
      this.timer = setTimeout(() => {
        this.sound(signal);
      }, seconds * 1000);
    }
  }

  private tones(signal: Signal): void {
    const context = this.context;
    if (context?.state !== "running") {
      return;
    }
    const lasts = TONE_SECONDS[signal];
    for (const [at, frequency, slide] of PATTERNS[signal].tones) {
      const begin = context.currentTime + at;
      const oscillator = context.createOscillator();
      const gain = context.createGain();
      oscillator.type = "triangle";
      oscillator.frequency.setValueAtTime(frequency, begin);
      if (slide) {
        oscillator.frequency.linearRampToValueAtTime(slide, begin + lasts);
      }
      gain.gain.setValueAtTime(0, begin);
      gain.gain.linearRampToValueAtTime(LOUD, begin + 0.02);
      gain.gain.setValueAtTime(LOUD, begin + lasts - 0.05);
      gain.gain.linearRampToValueAtTime(0, begin + lasts);
      oscillator.connect(gain).connect(context.destination);
      oscillator.start(begin);
      oscillator.stop(begin + lasts);
    }
  }
}
