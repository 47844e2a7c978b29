/** What is heard, and when. Phones, SMS and calls are the alarm; this is for who sits in front of it. */

import type { Incident } from "./model";
import { classOf, openAlarms } from "./order";

export type Signal = "help" | "fire" | "linkage" | "water" | "fault" | "drill";

/** The alarms that make a sound: of an incident, those that nobody has seen. */
const unseen = (incident: Incident): string[] =>
  openAlarms(incident)
    .filter((alarm) => alarm.acknowledged_at === null)
    .map((alarm) => alarm.alarm_id);

/** Returns the worst signal of what is neither seen nor muted (ids of alarms), null for silence. */
export function signalOf(
  incidents: Iterable<Incident>,
  muted: ReadonlySet<string>,
  help: ReadonlySet<string>,
): Signal | null {
  const signals: Signal[] = ["help", "fire", "linkage", "linkage", "water", "fault"];
  let worst: number | null = null;
  let drill = false;
  for (const incident of incidents) {
    if (!unseen(incident).some((id) => !muted.has(id))) {
      continue;
    }
    if (incident.drill) {
      drill = true;
      continue;
    }
    worst = Math.min(worst ?? Infinity, classOf(incident, help));
  }
  return worst === null ? (drill ? "drill" : null) : (signals[worst] ?? null);
}

/** Everything that makes a sound now: what "mute" silences. */
export const soundingNow = (incidents: Iterable<Incident>): Set<string> =>
  new Set([...incidents].flatMap(unseen));

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
  private timer: number | undefined;
  private playing: Signal | null = null;

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

  play(signal: Signal | null): void {
    if (signal === this.playing) {
      return;
    }
    window.clearTimeout(this.timer);
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
    window.clearTimeout(this.timer);
    this.playing = null;
    void this.context?.close();
    this.context = null;
  }

  private sound(signal: Signal): void {
    this.tones(signal);
    const { seconds, repeat } = PATTERNS[signal];
    if (repeat) {
      this.timer = window.setTimeout(() => {
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
