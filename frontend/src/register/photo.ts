import type { Translate } from "./texts";

/** A photo is sent with so many pixels on its longer side: more than that is not kept. */
const LONGEST_SIDE = 1600;

/** Returns a photo as it is sent, small enough for a message. Throws Error where the browser cannot read it. */
export async function encoded(file: File, t: Translate): Promise<string> {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(t("photo_unread", { name: file.name }));
  });
  const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", 0.85).split(",")[1] ?? "";
}
