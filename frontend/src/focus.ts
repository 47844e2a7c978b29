/**
 * Draws a list anew. Who works by keys stays where they were: a row that moves loses the focus, and so does a button that goes.
 * Nobody gets the focus who had it elsewhere, or nowhere.
 */
export function keepFocus(root: HTMLElement | DocumentFragment, draw: () => void): void {
  const shadow = root as ShadowRoot;
  const focus = shadow.activeElement as HTMLElement | null;
  const row = focus?.closest("li, section") ?? null;
  draw();
  if (focus && !shadow.activeElement) {
    (focus.isConnected ? focus : row?.querySelector<HTMLElement>("a, button"))?.focus({ preventScroll: true });
  }
}
