import { html, nothing } from "lit";
import type { Context } from "./context";
import type { Action, Incident } from "./model";

/** What has become of the last actions on an incident. */
export const deeds = (context: Context, incident: Incident, ...actions: (Action | "close_help")[]) =>
  actions.map((action) => {
    const deed = context.deed(incident.incident_id, action);
    return deed
      ? html`<span class="did ${deed.state}" role=${deed.state === "failed" ? "alert" : "status"}>${deed.text}</span>`
      : nothing;
  });

/** Is an action offered, and if so, why can it not be done now: "" is that it can. */
export function hindrance(context: Context, incident: Incident, action: Action): string | null {
  const reason = incident.may[action];
  if (reason === undefined) {
    return null;
  }
  if (context.locked) {
    return context.t("blocked_stale");
  }
  if (context.deed(incident.incident_id, action)?.state === "sending") {
    return context.t("sending");
  }
  return reason === null ? "" : context.words.blocked(incident, reason);
}
