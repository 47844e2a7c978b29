import { save } from "../save";

const TYPES = {
  csv: "text/csv",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
} as const;
export type Format = keyof typeof TYPES;
export const FORMATS = Object.keys(TYPES) as Format[];

/** A file as the server gives it: its bytes as base64, and the receipt under which it was taken. */
export interface Taken {
  content: string;
  name: string;
  receipt: string;
}

/** Lets the browser save what somebody has taken along. */
export function saveTaken({ content, name }: Taken, format: Format): void {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  save(name, new Blob([bytes], { type: TYPES[format] }));
}
