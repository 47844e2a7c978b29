import { html, nothing } from "lit";
import type { Context, Deed } from "./context";
import type { Action, Incident } from "./model";
import type { Call } from "./response";

/** What has become of the last actions on an incident. */
export const deeds = (context: Context, incident: Incident, ...actions: Action[]) =>
  actions.map((action) => said(context.deed(incident.incident_id, action)));

/** What has become of the last close of an alert's calls for help. */
export const helpDeed = (context: Context, alertId: string) => said(context.did(closingKey(alertId)));
export const closingKey = (alertId: string): string => `${alertId} close_help`;

/** The way to close one call for help, where the user may: nobody else's is closed by it. */
export const closing = (context: Context, call: Call | undefined) =>
  call && context.mayAbout(call.alert.alert_id, "close_help")
    ? html`<button
        ?disabled=${context.locked}
        aria-label=${`${context.t("help_close")} ${context.words.caller(call)}`}
        @click=${() => {
          context.askToClose(call);
        }}
      >
        ${context.t("help_close")}
      </button>`
    : nothing;

export const said = (deed: Deed | undefined) =>
  deed
    ? html`<span class="did ${deed.state}" role=${deed.state === "failed" ? "alert" : "status"}>${deed.text}</span>`
    : nothing;

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
