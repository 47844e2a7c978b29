import type { ReactiveController, ReactiveControllerHost } from "lit";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Revealed } from "../src/register/revealed";

class Host implements ReactiveControllerHost {
  controllers: ReactiveController[] = [];
  updates = 0;
  updateComplete = Promise.resolve(true);
  addController(controller: ReactiveController): void {
    this.controllers.push(controller);
  }
  removeController(): void {
    this.controllers = [];
  }
  requestUpdate(): void {
    this.updates += 1;
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("window", globalThis);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("what was asked for is hidden after a minute, and counted down until then", () => {
  const host = new Host();
  const revealed = new Revealed<string>(host);
  expect(revealed.shown).toBeNull();
  revealed.show("Name");
  vi.advanceTimersByTime(20_000);
  expect([revealed.shown, revealed.left]).toEqual(["Name", 40]);
  // Who asks again has a minute again.
  revealed.show("Other");
  vi.advanceTimersByTime(59_000);
  expect([revealed.shown, revealed.left]).toEqual(["Other", 1]);
  const before = host.updates;
  vi.advanceTimersByTime(1_000);
  expect(revealed.shown).toBeNull();
  expect(host.updates).toBeGreaterThan(before);
  expect(vi.getTimerCount()).toBe(0);
});

test("it does not outlive its page, nor who hides it", () => {
  const host = new Host();
  const revealed = new Revealed<string>(host);
  revealed.show("Name");
  host.controllers.forEach((one) => one.hostDisconnected?.());
  expect([revealed.shown, vi.getTimerCount()]).toEqual([null, 0]);
  revealed.show("Name");
  revealed.hide();
  expect([revealed.shown, vi.getTimerCount()]).toEqual([null, 0]);
});
