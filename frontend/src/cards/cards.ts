/** Cards for dashboards that people make themselves. They are small; what they show is fetched where one is used. */

import type { Hass } from "../model";
import { dashboard } from "./dashboard";
import { CARDS, type Config, type Kind } from "./kinds";
import { titlesIn } from "./titles";

/** What Home Assistant asks of a card, and hands to it. */
interface Shown extends HTMLElement {
  hass?: Hass | undefined;
  config?: Config;
}

declare global {
  interface Window {
    customCards?: object[];
    customStrategies?: object[];
  }
}

/** A card of one kind: it fetches its content when it is on a page, and hands it what it is given. */
function card(kind: Kind): CustomElementConstructor {
  const { fields, rows } = CARDS[kind];
  return class extends HTMLElement {
    private config: Config = {};
    private given: Hass | undefined;
    private inner: Shown | null = null;

    /** Throws Error where a place is missing: Home Assistant shows it in the card's stead. */
    setConfig(config: Config): void {
      for (const { name, required } of fields) {
        if (required && typeof config[name] !== "string") {
          throw new Error(`Missing: ${name}`);
        }
      }
      this.config = config;
      this.hand();
    }

    set hass(hass: Hass) {
      this.given = hass;
      this.hand();
    }

    connectedCallback(): void {
      if (this.inner) {
        return;
      }
      const inner = (this.inner = document.createElement(`cs-card-${kind}`) as Shown);
      this.append(inner);
      this.hand();
      import("./elements").catch((error: unknown) => {
        // There may be a newer version: then the page is loaded anew by whoever sees an empty card.
        console.error(error);
      });
    }

    private hand(): void {
      if (this.inner) {
        // Before it is defined these are its own, and taken over then.
        Object.assign(this.inner, { hass: this.given, config: this.config });
      }
    }

    getCardSize(): number {
      return rows;
    }

    getGridOptions(): object {
      return { columns: "full", rows: "auto" };
    }

    static getConfigForm(): object {
      return {
        schema: fields.map(({ name, required }) => ({ name, required, selector: { [name]: {} } })),
      };
    }

    static getStubConfig(hass: Hass): Config {
      const first = { area: Object.keys(hass.areas)[0], floor: Object.keys(hass.floors)[0] };
      return Object.fromEntries(fields.filter(({ required }) => required).map(({ name }) => [name, first[name]]));
    }
  };
}

/** Makes dashboards of the compound as it is: all incidents, and each building. */
class Strategy extends HTMLElement {
  static generate(_config: object, hass: Hass): Promise<object> {
    return Promise.resolve(dashboard(hass));
  }
}

function offer(): void {
  const titles = titlesIn(document.querySelector<HTMLElement & { hass?: Hass }>("home-assistant")?.hass?.language ?? "en");
  for (const kind of Object.keys(CARDS) as Kind[]) {
    const type = `community-safety-${kind}-card`;
    if (!customElements.get(type)) {
      customElements.define(type, card(kind));
      (window.customCards ??= []).push({ type, name: titles[kind], preview: false });
    }
  }
  const strategy = "ll-strategy-dashboard-community-safety";
  if (!customElements.get(strategy)) {
    customElements.define(strategy, Strategy);
    (window.customStrategies ??= []).push({ type: "community-safety", strategyType: "dashboard", name: titles.dashboard });
  }
}

// What is defined before Home Assistant's frontend has its registry is lost to it.
void customElements.whenDefined("home-assistant").then(offer);
