/** Why something was refused, in the language of who reads. */

import type { Hass } from "./model";

export interface Rejected {
  code?: string | number;
  message?: string;
  translation_domain?: string;
  translation_key?: string;
  translation_placeholders?: Record<string, string>;
}

/** What the frontend of Home Assistant rejects with when the line was lost: its number alone, or in an answer. */
const CONNECTION_LOST = 3;

/** Was the line lost, so that nobody knows if it was done? */
export const isLost = (error: unknown): boolean =>
  [error, (error as Rejected | null)?.code, (error as { error?: Rejected } | null)?.error?.code].includes(CONNECTION_LOST);

export function reasonOf(hass: Hass, error: Rejected, notAllowed: string, lost: string): string {
  if (isLost(error)) {
    return lost;
  }
  const { code, message, translation_domain: domain, translation_key: key } = error;
  if (code === "unauthorized") {
    return notAllowed;
  }
  const text =
    domain && key
      ? hass.localize(`component.${domain}.exceptions.${key}.message`, error.translation_placeholders)
      : "";
  return text || (message ?? "?");
}
