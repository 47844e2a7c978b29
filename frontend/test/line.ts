/** A connection for tests: what was asked over it, and what it is made to answer. */

import type { Connection } from "../src/model";

interface Asked {
  command: object;
  hear: (message: object) => void;
}

export class Line implements Connection {
  connected = true;
  /** Why a subscription is refused; null if it is not. */
  refuses: Error | null = null;
  readonly asked: Asked[] = [];
  readonly sent: object[] = [];
  /** How many subscriptions were left. */
  left = 0;
  /** What becomes of a command. */
  answers: (command: object) => Promise<unknown> = () => Promise.resolve(null);

  subscribeMessage(callback: (message: never) => void, command: object): Promise<() => Promise<void>> {
    this.asked.push({ command, hear: callback as Asked["hear"] });
    return this.refuses
      ? Promise.reject(this.refuses)
      : Promise.resolve(() => {
          this.left += 1;
          return Promise.resolve();
        });
  }

  sendMessagePromise<T>(command: object): Promise<T> {
    this.sent.push(command);
    return this.answers(command) as Promise<T>;
  }

  /** Sends a message to a subscription, the last one if it is not said which. */
  tell(message: object, index = this.asked.length - 1): void {
    this.asked[index]?.hear(message);
  }
}
