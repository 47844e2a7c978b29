/** What an incident is worked with. The list comes first; this is fetched right after it. */

import { Cameras } from "./cameras";
import { define } from "./define";
import { HelpSheet } from "./help";
import { HoldButton } from "./hold";
import { IncidentPage } from "./incident";
import { KeptOffList } from "./kept-off";
import { Keys } from "./keys";

define({ "cs-cameras": Cameras, "cs-help": HelpSheet, "cs-hold": HoldButton, "cs-incident": IncidentPage, "cs-kept-off": KeptOffList, "cs-keys": Keys });
