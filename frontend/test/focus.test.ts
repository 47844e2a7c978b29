import { describe, expect, test } from "vitest";
import { keepFocus } from "../src/focus";

/** As much of a list as the focus needs: one element has it, or none. */
class List {
  activeElement: Item | null = null;

  get root(): DocumentFragment {
    return this as unknown as DocumentFragment;
  }
}

class Item {
  isConnected = true;
  /** The first of its row. */
  first: Item | null = null;

  constructor(private readonly list: List) {}

  closest(): { querySelector: () => Item | null } {
    return { querySelector: () => this.first };
  }

  focus(): void {
    if (this.isConnected) {
      this.list.activeElement = this;
    }
  }

  /** What a browser does with the focus when an element moves or goes. */
  move(isConnected = true): void {
    this.isConnected = isConnected;
    this.list.activeElement = null;
  }
}

describe("who works by keys", () => {
  const list = new List();

  test("keeps the focus when the row moves", () => {
    const item = new Item(list);
    item.focus();
    keepFocus(list.root, () => {
      item.move();
    });
    expect(list.activeElement).toBe(item);
  });

  test("finds it in the same row when the button goes", () => {
    const [link, button] = [new Item(list), new Item(list)];
    button.first = link;
    button.focus();
    keepFocus(list.root, () => {
      button.move(false);
    });
    expect(list.activeElement).toBe(link);
  });

  test("loses it to nobody who took it meanwhile, and gets none that was not here", () => {
    const [item, other] = [new Item(list), new Item(list)];
    item.focus();
    keepFocus(list.root, () => {
      item.move();
      other.focus();
    });
    expect(list.activeElement).toBe(other);
    list.activeElement = null;
    keepFocus(list.root, () => undefined);
    expect(list.activeElement).toBeNull();
  });

  test("has none where the whole row has gone", () => {
    const item = new Item(list);
    item.focus();
    keepFocus(list.root, () => {
      item.move(false);
    });
    expect(list.activeElement).toBeNull();
  });
});
