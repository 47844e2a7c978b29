/** Who has which role, as a page lists it. */

import type { Grant, Roles } from "./model";

/** Digits of an id that tell two accounts of one name apart. */
const TELLING = 6;

export interface Held extends Grant {
  /** What the account is called; of one that is gone, the end of its id. */
  account: string;
}

/** What accounts are called, by their ids: two of one name are told apart. */
export function accountNames({ accounts }: Roles): Map<string, string> {
  const named = (name: string | null): number => accounts.filter((account) => account.name === name).length;
  return new Map(
    accounts.map(({ user_id: id, name }) => [id, name && named(name) === 1 ? name : `${name ?? ""} …${id.slice(-TELLING)}`.trim()]),
  );
}

/** The roles by the names of their accounts, each account's together. */
export function held(found: Roles): Held[] {
  const names = accountNames(found);
  const order = found.kinds.map(({ role }) => role);
  return found.roles
    .map((grant) => ({ ...grant, account: names.get(grant.user_id) ?? `…${grant.user_id.slice(-TELLING)}` }))
    .sort(
      (a, b) =>
        a.account.localeCompare(b.account) ||
        a.user_id.localeCompare(b.user_id) ||
        order.indexOf(a.role) - order.indexOf(b.role),
    );
}

/** Is its last day over? Days are the server's, as it writes them. */
export const isOver = ({ until }: Grant, today: string): boolean => until !== null && until < today;
