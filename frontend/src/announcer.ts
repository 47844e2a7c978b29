/** What a screen reader says: at most one sentence in five seconds, the most urgent first. */

export const PAUSE_MILLISECONDS = 5000;

export interface News {
  /** What makes sentences one: those of one class and building. */
  key: string;
  rank: number;
  one: string;
  many: (count: number) => string;
}

export class Announcer {
  private waiting: News[] = [];
  private last = -Infinity;

  add(...news: News[]): void {
    this.waiting.push(...news);
  }

  /** The next sentence, null while one is still being heard or there is none. */
  next(now: number): { text: string; urgent: boolean } | null {
    const [first] = [...this.waiting].sort((a, b) => a.rank - b.rank);
    if (!first || now - this.last < PAUSE_MILLISECONDS) {
      return null;
    }
    const same = this.waiting.filter((item) => item.key === first.key);
    this.waiting = this.waiting.filter((item) => item.key !== first.key);
    this.last = now;
    return {
      text: same.length > 1 ? first.many(same.length) : first.one,
      urgent: first.rank <= 2,
    };
  }
}
