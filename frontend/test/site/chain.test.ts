import { expect, test } from "vitest";
import { Chain, RAISE_SECONDS, STEPS } from "../../src/site/chain";
import type { Device } from "../../src/site/inventory";
import { incident, supply } from "../made";

const AT = 1_800_000_000;
type Test = NonNullable<Device["last_test"]>;
const device = (test: Partial<Test> | null): Device =>
  ({ last_test: test && { at: AT, ended_at: null, who: "user", found: [], ...test } }) as Device;
const drill = incident("drill", {
  drill: true,
  supplies: [supply({ state: "drill", name: "Breaker" }), supply({ supply_id: "b", state: "protected", name: "Pump" })],
});
const states = (chain: Chain): string[] => STEPS.map((step) => chain.states[step]);

test("all five steps", () => {
  const chain = new Chain(AT);
  chain.answered(null);
  expect(states(chain)).toEqual(["done", "waiting", "waiting", "waiting", "waiting"]);
  chain.look(device({ found: ["smoke"] }), drill, 0, AT + 1);
  expect(states(chain)).toEqual(["done", "done", "done", "waiting", "waiting"]);
  expect([chain.found, chain.cuts]).toEqual([["smoke"], ["Breaker"]]);
  chain.look(device({ found: ["smoke"] }), drill, 2, AT + 2);
  chain.look(device({ found: ["smoke"], ended_at: AT + 3 }), null, 0, AT + 3);
  expect(states(chain)).toEqual(["done", "done", "done", "done", "done"]);
  expect(chain.isPassed).toBe(true);
});

test("where nothing would be cut and nobody is told, that is said and no failure", () => {
  const chain = new Chain(AT);
  chain.answered(null);
  chain.look(device({ found: ["smoke"], ended_at: AT + 3 }), null, null, AT + 3);
  expect(states(chain)).toEqual(["done", "done", "absent", "absent", "done"]);
  expect(chain.isPassed).toBe(true);
});

test("a refused command fails at the first step, and says why", () => {
  const chain = new Chain(AT);
  chain.answered("not connected");
  expect(states(chain)).toEqual(["failed", "absent", "absent", "absent", "absent"]);
  expect([chain.error, chain.isOver, chain.isPassed]).toEqual(["not connected", true, false]);
});

test("a test that raises nothing fails after a minute; an older test is none", () => {
  const chain = new Chain(AT);
  chain.answered(null);
  const old = device({ at: AT - 500, ended_at: AT - 400, found: ["smoke"] });
  chain.look(old, null, null, AT + RAISE_SECONDS);
  expect(chain.isOver).toBe(false);
  chain.look(old, null, null, AT + RAISE_SECONDS + 1);
  expect(states(chain)).toEqual(["done", "failed", "absent", "absent", "absent"]);
});

test("one that ends and has found nothing fails at once; one that does not end fails later", () => {
  const nothing = new Chain(AT);
  nothing.answered(null);
  nothing.look(device({ ended_at: AT + 3 }), null, null, AT + 3);
  expect(states(nothing)).toEqual(["done", "failed", "absent", "absent", "absent"]);
  const endless = new Chain(AT);
  endless.look(device({ found: ["smoke"] }), null, null, AT + 300);
  expect(endless.isOver).toBe(false);
  endless.look(device({ found: ["smoke"] }), null, null, AT + 400);
  expect(states(endless)).toEqual(["done", "done", "absent", "absent", "failed"]);
});

test("nothing changes any more once it is over", () => {
  const chain = new Chain(AT);
  chain.answered("no");
  chain.look(device({ found: ["smoke"], ended_at: AT + 3 }), drill, 2, AT + 3);
  expect(chain.states.told).toBe("failed");
});
