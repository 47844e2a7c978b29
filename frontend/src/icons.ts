import {
  mdiAlertOutline,
  mdiBellOffOutline,
  mdiCheckBold,
  mdiEyeCheck,
  mdiFire,
  mdiFlash,
  mdiFlashAlert,
  mdiLifebuoy,
  mdiPowerPlugOff,
  mdiProgressClock,
  mdiRestore,
  mdiSchool,
  mdiShield,
  mdiWrench,
  mdiHelpCircleOutline,
} from "@mdi/js";
import { svg, type SVGTemplateResult } from "lit";
import type { Incident, SupplyState } from "./model";
import { classOf, statusOf } from "./order";

/** Of the first view; pages that are fetched later take them from here. */
export {
  mdiAlertOutline,
  mdiBellOffOutline,
  mdiCheckBold,
  mdiEyeCheck,
  mdiFire,
  mdiFlash,
  mdiFlashAlert,
  mdiHelpCircleOutline,
  mdiLifebuoy,
  mdiPowerPlugOff,
  mdiProgressClock,
  mdiRestore,
  mdiSchool,
  mdiWrench,
};

export const icon = (path: string): SVGTemplateResult =>
  svg`<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d=${path} fill="currentColor"/></svg>`;

/** The outline of the symbol of an incident's class: colour alone tells nobody. */
export function classPath(incident: Incident, help: ReadonlySet<string>): string {
  if (incident.drill) {
    return mdiSchool;
  }
  const paths = [mdiLifebuoy, mdiFire, mdiFlashAlert, mdiFlash, mdiAlertOutline, mdiWrench, mdiBellOffOutline];
  return paths[classOf(incident, help)] ?? mdiPowerPlugOff;
}

export const classIcon = (incident: Incident, help: ReadonlySet<string>): SVGTemplateResult => icon(classPath(incident, help));

export function statusIcon(incident: Incident): SVGTemplateResult | null {
  const paths = { seen: mdiEyeCheck, over_reset: mdiRestore, over_new: mdiAlertOutline } as const;
  const status = statusOf(incident);
  return status in paths ? icon(paths[status as keyof typeof paths]) : null;
}

export function supplyIcon(state: SupplyState): SVGTemplateResult {
  const paths: Record<SupplyState, string> = {
    proven: mdiCheckBold,
    relay_only: mdiHelpCircleOutline,
    may_be_on: mdiFlashAlert,
    cutting: mdiProgressClock,
    unknown: mdiHelpCircleOutline,
    protected: mdiShield,
    drill: mdiSchool,
    on: mdiFlash,
    off: mdiPowerPlugOff,
  };
  return icon(paths[state]);
}
