/** Keeps the screen on. Browsers let go of it whenever the page is hidden, and give it over HTTPS alone. */

export class Awake {
  private lock: WakeLockSentinel | null = null;
  private isAsking = false;
  private isWanted = false;

  /** Keeps it on, or lets go; to be called again and again. */
  keep(isWanted: boolean): void {
    this.isWanted = isWanted;
    if (!isWanted) {
      void this.lock?.release();
      this.lock = null;
    } else if (!this.isAsking && (this.lock?.released ?? true) && document.visibilityState === "visible") {
      void this.ask();
    }
  }

  private async ask(): Promise<void> {
    this.isAsking = true;
    try {
      // Over HTTP there is none.
      this.lock = (await (navigator as Partial<Navigator>).wakeLock?.request("screen")) ?? null;
    } catch {
      // The battery is low, or the page was hidden meanwhile: it is asked again.
    } finally {
      this.isAsking = false;
    }
    if (!this.isWanted) {
      this.keep(false);
    }
  }
}
