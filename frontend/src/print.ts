/** Prints what is shown, with the numbers of its pages. A page is the document's: no element can number it. */
export function print(): void {
  const style = document.createElement("style");
  style.textContent = `@page { margin: 15mm; @bottom-right { content: counter(page) " / " counter(pages); } }`;
  document.head.append(style);
  window.addEventListener(
    "afterprint",
    () => {
      style.remove();
    },
    { once: true },
  );
  window.print();
}
