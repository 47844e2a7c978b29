/** Why something was refused, in the language of who reads. */

import type { Hass } from "./model";

export interface Rejected {
  code?: string;
  message?: string;
  translation_domain?: string;
  translation_key?: string;
  translation_placeholders?: Record<string, string>;
}

export function reasonOf(hass: Hass, error: Rejected, notAllowed: string): string {
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
