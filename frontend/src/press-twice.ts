/** Pressed twice instead of held: a choice that is kept on this device. */

const STORED = "community-safety-press-twice";

/** Does whoever uses this device press twice instead of holding: who cannot hold still? */
export const pressesTwice = (): boolean => localStorage.getItem(STORED) === "on";
export const pressTwice = (isOn: boolean): void => {
  localStorage.setItem(STORED, isOn ? "on" : "off");
};
/** What is said before what the button does. */
export const howToHold = (): "press_twice" | "hold" => (pressesTwice() ? "press_twice" : "hold");
