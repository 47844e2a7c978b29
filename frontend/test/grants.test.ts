import { expect, test } from "vitest";
import { accountNames, held, isOver } from "../src/register/grants";
import type { Grant, Roles } from "../src/register/model";

const grant = (user: string, role: string, more: Partial<Grant> = {}): Grant => ({
  grant_id: `${user} ${role}`,
  user_id: user,
  role,
  person_id: null,
  units: null,
  given_at: null,
  until: null,
  ...more,
});
const roles = (...found: Grant[]): Roles => ({
  roles: found,
  accounts: [
    { user_id: "account-000001", name: "Li", is_admin: false },
    { user_id: "account-000002", name: "Li", is_admin: false },
    { user_id: "account-000003", name: "Bo", is_admin: true },
    { user_id: "account-000004", name: null, is_admin: false },
  ],
  kinds: [
    { role: "manager", of_a_person: false },
    { role: "landlord", of_a_person: true },
  ],
});

test("two accounts of one name are told apart, and one without a name is not empty", () => {
  expect([...accountNames(roles()).values()]).toEqual(["Li …000001", "Li …000002", "Bo", "…000004"]);
});

test("roles are listed by account, in the order of the table; of an account that is gone too", () => {
  const found = held(
    roles(grant("account-000003", "landlord"), grant("account-000003", "manager"), grant("gone-000009", "manager"), grant("account-000001", "manager")),
  );
  expect(found.map((row) => `${row.account} ${row.role}`)).toEqual([
    "…000009 manager",
    "Bo manager",
    "Bo landlord",
    "Li …000001 manager",
  ]);
});

test("a role holds on its last day, and no longer", () => {
  const until = grant("a", "duty", { until: "2026-11-29" });
  expect([isOver(until, "2026-11-29"), isOver(until, "2026-11-30"), isOver(grant("a", "duty"), "2099-01-01")]).toEqual([false, true, false]);
});
