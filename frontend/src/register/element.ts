import { html, nothing, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { decoded } from "../address";
import { define } from "../define";
import { TwiceButton } from "../twice";
import { GuestElement } from "./guest";
import { apis } from "./room";

type Elements = Record<string, CustomElementConstructor>;
/** Each page is a file of its own. */
const LOAD: Record<string, () => Promise<Elements>> = {
  units: async () => (await import("./units")).elements,
  unit: async () => (await import("./unit")).elements,
  person: async () => (await import("./person")).elements,
  places: async () => (await import("./places")).elements,
  place: async () => (await import("./place")).elements,
  reports: async () => ({ "cs-reports": (await import("./reports")).ReportsPage }),
  report: async () => (await import("./report")).elements,
  searches: async () => ({ "cs-searches": (await import("./searches")).SearchesPage }),
  case: async () => (await import("./case")).elements,
  care: async () => (await import("./care")).elements,
  watch: async () => (await import("./watch")).elements,
  rounds: async () => (await import("./rounds")).elements,
  desk: async () => (await import("./desk")).elements,
  duty: async () => ({ "cs-duty": (await import("./duty")).DutyPage }),
  audit: async () => ({ "cs-audit": (await import("./audit")).AuditPage }),
  import: async () => ({ "cs-import": (await import("./import")).ImportPage }),
  roles: async () => (await import("./roles")).elements,
  mine: async () => (await import("./mine")).elements,
};

/** Shows the page of an address. */
export class Router extends GuestElement {
  @state() private failed = "";
  private readonly loaded = new Set<string>();

  constructor() {
    super();
    define({ "cs-twice": TwiceButton });
    this.addEventListener("search", () => {
      // The page may still have to be loaded.
      void this.updateComplete.then(() => {
        this.renderRoot.querySelector("cs-units")?.dispatchEvent(new CustomEvent("search"));
      });
    });
  }

  override render() {
    const [, page = "", id = "", entryId] = this.path.split("/").map(decoded);
    const load = LOAD[page];
    if (!load) {
      return nothing;
    }
    if (!this.loaded.has(page)) {
      load().then(
        (elements) => {
          define(elements);
          this.loaded.add(page);
          this.failed = "";
          this.requestUpdate();
        },
        (error: unknown) => {
          // After an update the files of before are gone.
          this.failed = error instanceof Error ? error.message : String(error);
        },
      );
      return this.failed
        ? html`<p role="alert">${this.room.t("page_failed", { reason: this.failed })}</p>`
        : html`<p>${this.room.t("waiting")}</p>`;
    }
    return this.page(page, id, entryId ?? null);
  }

  private page(page: string, id: string, entryId: string | null): TemplateResult | typeof nothing {
    const { room, narrow } = this;
    switch (page) {
      case "units":
        return html`<cs-units .room=${room} .narrow=${narrow}></cs-units>`;
      case "unit":
        return html`<cs-unit .room=${room} .narrow=${narrow} .unitId=${id} .entryId=${entryId}></cs-unit>`;
      case "person":
        return html`<cs-person .room=${room} .narrow=${narrow} .personId=${id} .entryId=${entryId}></cs-person>`;
      case "places":
        return html`<cs-places .room=${room} .narrow=${narrow}></cs-places>`;
      case "place":
        if (!apis(room, "get_place").length && apis(room, "get_rounds").length) {
          // Who only visits people is shown whom, and not what else there is at a door.
          return html`<cs-rounds-here .room=${room} .narrow=${narrow} .code=${id} .alone=${true}></cs-rounds-here>`;
        }
        return html`<cs-place .room=${room} .narrow=${narrow} .placeId=${id} .entryId=${entryId}></cs-place>`;
      case "reports":
        return html`<cs-reports .room=${room} .narrow=${narrow}></cs-reports>`;
      case "report":
        return html`<cs-report .room=${room} .narrow=${narrow} .reportId=${id} .entryId=${entryId}></cs-report>`;
      case "searches":
        return html`<cs-searches .room=${room} .narrow=${narrow}></cs-searches>`;
      case "case":
        return html`<cs-case .room=${room} .narrow=${narrow} .caseId=${id} .entryId=${entryId}></cs-case>`;
      case "care":
        return html`<cs-care .room=${room} .narrow=${narrow} .personId=${id}></cs-care>`;
      case "watch":
        return html`<cs-watch .room=${room} .narrow=${narrow} .watchId=${id} .entryId=${entryId}></cs-watch>`;
      case "rounds":
        return html`<cs-rounds .room=${room} .narrow=${narrow}></cs-rounds>`;
      case "desk":
        return html`<cs-desk .room=${room} .narrow=${narrow}></cs-desk>`;
      case "duty":
        return html`<cs-duty .room=${room} .narrow=${narrow}></cs-duty>`;
      case "audit":
        return html`<cs-audit .room=${room} .narrow=${narrow} .about=${id} .aboutId=${entryId}></cs-audit>`;
      case "import":
        return html`<cs-import .room=${room} .narrow=${narrow}></cs-import>`;
      case "roles":
        return html`<cs-roles .room=${room} .narrow=${narrow}></cs-roles>`;
      case "mine":
        return html`<cs-mine .room=${room} .narrow=${narrow}></cs-mine>`;
      default:
        return nothing;
    }
  }
}
