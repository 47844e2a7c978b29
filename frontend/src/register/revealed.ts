import type { ReactiveController, ReactiveControllerHost } from "lit";

/** So long a name or a number stays in full, in seconds. */
const SHOWN_SECONDS = 60;

/** What somebody has asked to see in full: it is there for a minute, and never after its page. */
export class Revealed<T> implements ReactiveController {
  shown: T | null = null;
  /** Seconds until it is hidden. */
  left = 0;
  private ticker: number | undefined;
  private hidesAt = 0;

  constructor(private readonly host: ReactiveControllerHost) {
    host.addController(this);
  }

  hostDisconnected(): void {
    this.hide();
  }

  show(found: T): void {
    this.hide();
    this.shown = found;
    this.hidesAt = Date.now() + SHOWN_SECONDS * 1000;
    this.tick();
    this.ticker = window.setInterval(this.tick, 1000);
  }

  readonly hide = (): void => {
    window.clearInterval(this.ticker);
    this.shown = null;
    this.host.requestUpdate();
  };

  private readonly tick = (): void => {
    this.left = Math.ceil((this.hidesAt - Date.now()) / 1000);
    if (this.left <= 0) {
      this.hide();
    }
    this.host.requestUpdate();
  };
}
