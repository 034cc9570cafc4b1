import type { Clock } from '../../kernel/clock.ts';
import type { AppError } from '../../kernel/errors.ts';
import { REFUSAL_INTERVAL_MS, TOPIC_CHARACTERS_MAX } from './limits.ts';

/** What a plain device is told of a publication that was not taken. */
export interface PlainRefusal {
  readonly at: string;
  readonly topic: string;
  readonly code: string;
  readonly reason: string;
  /** How many publications were refused since the message before; this is the last of them. */
  readonly count: number;
}

/**
 * Tells a device of its refusals: of the first at once, of those that follow within a second by the last and their number. So a
 * device whose every word is refused costs one message a second.
 */
export class Refusals {
  readonly #clock: Clock;
  readonly #tell: (refusal: PlainRefusal) => Promise<void>;
  #waiting: PlainRefusal | null = null;
  #cancelPause: (() => void) | null = null;

  constructor(clock: Clock, tell: (refusal: PlainRefusal) => Promise<void>) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Resolves when the device was told, where it is told at once. */
  async add(topic: string, { code, publicMessage }: AppError): Promise<void> {
    this.#waiting = {
      at: new Date(this.#clock.nowMs()).toISOString(),
      topic: topic.slice(0, TOPIC_CHARACTERS_MAX),
      code,
      reason: publicMessage,
      count: (this.#waiting?.count ?? 0) + 1,
    };
    if (this.#cancelPause === null) await this.#write();
  }

  /** The connection is over: tells of what waits. */
  close(): void {
    this.#cancelPause?.();
    void this.#write();
  }

  async #write(): Promise<void> {
    const refusal = this.#waiting;
    if (refusal === null) return;
    this.#waiting = null;
    this.#cancelPause = this.#clock.after(REFUSAL_INTERVAL_MS, () => {
      this.#cancelPause = null;
      void this.#write();
    });
    await this.#tell(refusal);
  }
}
