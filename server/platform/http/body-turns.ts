import type { Clock } from '../../kernel/clock.ts';
import { FairQueue } from '../../kernel/fair-queue.ts';
import { LARGE_BODIES_PAUSE } from './limits.ts';

/** When large bodies are handed over to be read. */
export interface BodyTurns {
  /** Resolves when it is this sender's turn. */
  next(sender: string): Promise<void>;
}

/**
 * Hands large bodies over one at a time, in turn by sender. Reading one (JSON, checks, the provider's text) holds the event
 * loop for milliseconds, so each is followed by a pause of `LARGE_BODIES_PAUSE` times as long, in which small requests and
 * frames are served. A sender with one large body at a time doesn't wait.
 */
export function createBodyTurns({ clock }: { readonly clock: Clock }): BodyTurns {
  // Bounded by the memory for arriving bodies, which those that wait keep.
  const waiting = new FairQueue<string, () => void>({
    itemsMax: Number.MAX_SAFE_INTEGER,
    bytesMax: Number.MAX_SAFE_INTEGER,
  });
  let isBusy = false;
  const begin = () => {
    const handOver = waiting.take();
    isBusy = handOver !== undefined;
    if (handOver === undefined) return;
    const begunMs = clock.monotonicMs();
    handOver();
    // A chunked body is read a turn of the loop later than others.
    setImmediate(() =>
      setImmediate(() => clock.after((clock.monotonicMs() - begunMs) * LARGE_BODIES_PAUSE, begin)),
    );
  };
  return {
    next: (sender) =>
      new Promise((resolve) => {
        waiting.push(sender, resolve);
        if (!isBusy) begin();
      }),
  };
}
