/** One self-test, followed from the press to its end. Nothing here knows a browser. */

import type { Incident } from "../model";
import type { Device } from "./inventory";

export const STEPS = ["told", "raised", "would_cut", "phones", "cleared"] as const;
export type Step = (typeof STEPS)[number];
/** `absent`: there is nothing of it here, which is no failure. */
export type State = "waiting" | "done" | "failed" | "absent";

/** A test that has raised nothing until then has failed, in seconds. */
export const RAISE_SECONDS = 60;
/** As long as a device may test itself, and what the server needs to say so. */
const END_SECONDS = 310;
/** Two clocks never agree. */
const CLOCK_SECONDS = 2;

export class Chain {
  readonly states: Record<Step, State> = {
    told: "waiting",
    raised: "waiting",
    would_cut: "waiting",
    phones: "waiting",
    cleared: "waiting",
  };
  /** Hazards that were raised, and supplies that would be cut off. */
  found: string[] = [];
  cuts: string[] = [];
  /** Why the command was refused. */
  error: string | null = null;

  /** `at` is the server's time of the press, in Unix seconds. */
  constructor(private readonly at: number) {}

  get isOver(): boolean {
    return STEPS.every((step) => this.states[step] !== "waiting");
  }

  get isPassed(): boolean {
    return this.isOver && !STEPS.some((step) => this.states[step] === "failed");
  }

  answered(error: string | null): void {
    this.error = error;
    this.states.told = error === null ? "done" : "failed";
    if (error !== null) {
      this.giveUp();
    }
  }

  /**
   * Looks at how things stand. `drill` is the drill at the device now, `reached` how many people were told of
   * it; null where there is no register.
   */
  look(device: Device, drill: Incident | null, reached: number | null, now: number): void {
    const { states } = this;
    const test = device.last_test && device.last_test.at >= this.at - CLOCK_SECONDS ? device.last_test : null;
    if (this.isOver) {
      return;
    }
    if (test) {
      states.told = "done";
      this.found = test.found;
    }
    if (test?.found.length) {
      states.raised = "done";
    }
    if (drill) {
      this.cuts = drill.supplies.filter((supply) => supply.state === "drill").map((supply) => supply.name);
      states.would_cut = this.cuts.length ? "done" : states.would_cut;
      states.phones = reached ? "done" : states.phones;
    }
    if (test && test.ended_at !== null && states.raised === "done") {
      states.cleared = "done";
      this.end("would_cut", "phones");
    } else if (now - this.at > (states.raised === "done" ? END_SECONDS : RAISE_SECONDS) || test?.ended_at) {
      this.giveUp();
    }
  }

  private end(...steps: Step[]): void {
    for (const step of steps) {
      if (this.states[step] === "waiting") {
        this.states[step] = "absent";
      }
    }
  }

  /** The first step that did not come has failed; what would follow has no meaning then. */
  private giveUp(): void {
    const { states } = this;
    const failed = (["told", "raised", "cleared"] as const).find((step) => states[step] === "waiting");
    if (states.told !== "failed" && failed) {
      states[failed] = "failed";
    }
    this.end(...STEPS);
  }
}
