/** Times and numbers as Home Assistant's user has set them. */

import type { Hass } from "./model";

const formats = new Map<string, Intl.DateTimeFormat>();

function format(hass: Hass, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const { language, time_format, time_zone } = hass.locale;
  const key = [language, time_format, time_zone, hass.config.time_zone, JSON.stringify(options)].join();
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(time_format === "system" ? undefined : language, {
      ...options,
      ...(time_format === "12" ? { hour12: true } : time_format === "24" ? { hourCycle: "h23" } : {}),
      ...(time_zone === "server" ? { timeZone: hass.config.time_zone } : {}),
    });
    formats.set(key, found);
  }
  return found;
}

/** Returns a Unix time in seconds as the time of day, with seconds. */
export const clock = (hass: Hass, at: number): string =>
  format(hass, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(at * 1000);

export const clockMinutes = (hass: Hass, at: number): string =>
  format(hass, { hour: "2-digit", minute: "2-digit" }).format(at * 1000);

export const date = (hass: Hass, at: number): string =>
  format(hass, { year: "numeric", month: "short", day: "numeric" }).format(at * 1000);

/** Returns on which day of the house a time is, in ISO 8601. */
export const isoDay = (hass: Hass, at: number): string =>
  // As dates are written in Swedish.
  new Intl.DateTimeFormat("sv", { timeZone: hass.config.time_zone }).format(at * 1000);

/** Returns a day in ISO 8601 as a date. */
export const day = (hass: Hass, iso: string): string =>
  new Intl.DateTimeFormat(hass.locale.language, { year: "numeric", month: "short", day: "numeric", timeZone: "UTC" }).format(new Date(iso));

export const month = (hass: Hass, at: number): string =>
  format(hass, { year: "numeric", month: "short" }).format(at * 1000);

export const dateAndClock = (hass: Hass, at: number): string =>
  format(hass, {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  }).format(at * 1000);

/** Returns how long something has lasted: `2:17`, `4:51:03`, `3 d`. */
export function lasted(seconds: number, language: string): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number): string => String(value).padStart(2, "0");
  const days = Math.floor(whole / 86_400);
  if (days) {
    return new Intl.NumberFormat(language, { style: "unit", unit: "day" }).format(days);
  }
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** Returns a number with its unit, with no more digits than a meter is good for. */
export function quantity(value: number, unit: string | null, language: string): string {
  const digits = Math.abs(value) < 100 ? 1 : 0;
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
  return unit ? `${number} ${unit}` : number;
}
