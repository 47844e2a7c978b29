import { LitElement, css, html, nothing } from "lit";
import { property, query, state } from "lit/decorators.js";
import { nextPage, outside, type Span } from "./pages";
import { common } from "./styles";

/** So long a page stays, in seconds. */
const PAGE_SECONDS = 10;
/** What is new is on the first page; so long it is not gone back to again, in milliseconds: the others have their turn too. */
const BACK_MILLISECONDS = 60_000;
/** What of the pages inside is not to be cut in two, and what stays above all of it. */
const ROWS = "[data-row]";
const HEAD = "[data-head]";

/** On a wall, where nobody scrolls: what is longer than its place is shown page by page. Elsewhere it does nothing. */
export class Turn extends LitElement {
  @property({ type: Boolean, reflect: true }) turning = false;
  /** Somebody is there who scrolls. */
  @property({ type: Boolean, reflect: true }) held = false;
  /** Becomes larger with what is new: that is looked at first. */
  @property({ type: Number }) news = 0;
  /** What is said of so many rows that are not on the page. */
  @property({ attribute: false }) rest: (count: number) => string = String;
  @state() private left = 0;
  @query(".page") private page!: HTMLElement;
  private timer: number | undefined;
  private seconds = 0;
  private backAt = -Infinity;

  override connectedCallback(): void {
    super.connectedCallback();
    this.timer = window.setInterval(this.tick, 1000);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.clearInterval(this.timer);
  }

  protected override updated(changed: Map<PropertyKey, unknown>): void {
    const before = changed.get("news");
    if (typeof before === "number" && before < this.news && performance.now() - this.backAt > BACK_MILLISECONDS) {
      this.backAt = performance.now();
      this.seconds = 0;
      this.page.scrollTop = 0;
    }
    if (changed.has("turning") && !this.turning) {
      this.left = 0;
    }
  }

  private readonly tick = (): void => {
    if (!this.turning) {
      return;
    }
    const { page } = this;
    const whole = page.getBoundingClientRect();
    // A wall is zoomed.
    const scale = whole.height / page.clientHeight || 1;
    const span = (element: Element): Span => {
      const { top, bottom } = element.getBoundingClientRect();
      return { top: (top - whole.top) / scale + page.scrollTop, bottom: (bottom - whole.top) / scale + page.scrollTop };
    };
    const inside = (what: string): Element[] =>
      [...this.children].flatMap((child) => [...(child.shadowRoot ?? child).querySelectorAll(what)]);
    const head = Math.max(0, ...inside(HEAD).map((element) => element.getBoundingClientRect().height / scale));
    const rows = inside(ROWS).map(span);
    const shown = { top: page.scrollTop + head, bottom: page.scrollTop + page.clientHeight };
    this.seconds = this.held ? 0 : this.seconds + 1;
    if (this.seconds < PAGE_SECONDS) {
      this.left = outside(rows, shown);
      return;
    }
    this.seconds = 0;
    page.scrollTop = Math.max(0, nextPage(rows, shown) - head);
    this.left = outside(rows, { top: page.scrollTop + head, bottom: page.scrollTop + page.clientHeight });
  };

  override render() {
    return html`<div class="page"><slot></slot></div>
      ${this.left ? html`<p class="quiet">${this.rest(this.left)}</p>` : nothing}`;
  }

  static override readonly styles = [
    common,
    css`
      :host {
        display: block;
        min-width: 0;
      }
      :host([turning]) {
        display: flex;
        flex-direction: column;
        min-height: 0;
      }
      :host([turning]) .page {
        flex: 1;
        min-height: 0;
        overflow-y: hidden;
      }
      :host([turning][held]) .page {
        overflow-y: auto;
      }
      p {
        padding: 4px 16px;
      }
    `,
  ];
}
