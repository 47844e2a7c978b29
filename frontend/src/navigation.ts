/** The way from one page to another: a rail on a desk, a bar below on a phone. */

import { mdiDotsHorizontal } from "@mdi/js";
import { LitElement, css, html, nothing, svg } from "lit";
import { property, state } from "lit/decorators.js";
import type { Page } from "./extension";
import { common, tokens } from "./styles";

/** Pages in the bar of a phone; the others are behind the last place. */
const MOST_IN_BAR = 5;

/** Links to the pages of the control room. It fires `go` with a page's path. */
export class Navigation extends LitElement {
  @property({ attribute: false }) pages: Page[] = [];
  @property() current = "";
  @property() label = "";
  @property() more = "";
  @property({ attribute: false }) href!: (path: string) => string;
  @property({ type: Boolean, reflect: true }) dark = false;
  @property({ type: Boolean, reflect: true }) narrow = false;
  @state() private isOpen = false;

  override render() {
    const all = this.pages;
    const fits = !this.narrow || all.length <= MOST_IN_BAR;
    const first = fits ? all : all.slice(0, MOST_IN_BAR - 1);
    const rest = fits ? [] : all.slice(MOST_IN_BAR - 1);
    return html`<nav aria-label=${this.label}>
      ${this.isOpen && rest.length ? html`<div class="rest">${rest.map((page) => this.link(page))}</div>` : nothing}
      <div class="bar">
        ${first.map((page) => this.link(page))}
        ${rest.length
          ? html`<button
              aria-expanded=${this.isOpen}
              class=${rest.some((page) => page.path === this.current) ? "current" : ""}
              @click=${() => {
                this.isOpen = !this.isOpen;
              }}
            >
              ${icon(mdiDotsHorizontal)} <span>${this.more}</span>
            </button>`
          : nothing}
      </div>
    </nav>`;
  }

  private link(page: Page) {
    const isCurrent = page.path === this.current;
    return html`<a
      href=${this.href(`/${page.path}`)}
      data-page=${page.path}
      class=${isCurrent ? "current" : ""}
      aria-current=${isCurrent ? "page" : "false"}
      @click=${(event: MouseEvent) => {
        if (!event.ctrlKey && !event.metaKey && !event.shiftKey) {
          event.preventDefault();
          this.isOpen = false;
          this.dispatchEvent(new CustomEvent("go", { detail: `/${page.path}` }));
        }
      }}
    >
      ${icon(page.icon)} <span>${page.title}</span>
    </a>`;
  }

  static override readonly styles = [
    tokens,
    common,
    css`
      :host {
        display: block;
        background: var(--card-background-color, #fff);
        border-inline-end: 1px solid var(--divider-color);
      }
      .bar {
        position: sticky;
        top: 0;
        display: grid;
        gap: 4px;
        padding: 8px;
      }
      a,
      button {
        display: grid;
        justify-items: center;
        align-content: center;
        gap: 2px;
        min-height: 56px;
        padding: 4px;
        border: 0;
        border-radius: 8px;
        background: none;
        color: var(--primary-text-color);
        font-size: 13px;
        font-weight: 500;
        line-height: 1.2;
        text-align: center;
        text-decoration: none;
      }
      .current {
        background: var(--secondary-background-color, #eee);
        box-shadow: inset 0 0 0 2px var(--focus);
      }
      :host([narrow]) {
        border: 0;
        border-block-start: 1px solid var(--divider-color);
      }
      :host([narrow]) .bar {
        grid-auto-flow: column;
        grid-auto-columns: 1fr;
        padding: 4px;
      }
      :host([narrow]) .rest {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(72px, 1fr));
        gap: 4px;
        padding: 4px;
        border-block-end: 1px solid var(--divider-color);
      }
      @media print {
        :host {
          display: none;
        }
      }
    `,
  ];
}

const icon = (path: string) =>
  svg`<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d=${path} fill="currentColor"/></svg>`;
