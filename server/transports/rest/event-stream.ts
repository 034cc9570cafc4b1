import type { Clock } from '../../kernel/clock.ts';
import type { HttpResponse } from '../../platform/http/types.ts';

/** After so much silence a comment is sent: proxies end what is silent for longer. */
const COMMENT_INTERVAL_MS = 15_000;

/** What is sent of each thing that comes. */
export interface EventStreamOptions<Item> {
  /** A comment that is sent at once, so that the reader knows that it is heard. */
  readonly greeting: string;
  /** A whole event, with the empty line at its end. */
  readonly toEvent: (item: Item) => string;
  readonly clock: Clock;
}

/** An answer of server-sent events (WHATWG HTML section 9.2). */
export function eventStream<Item>(
  items: AsyncIterable<Item>,
  options: EventStreamOptions<Item>,
): HttpResponse {
  return {
    status: 200,
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' },
    body: eventsOf(items, options),
  };
}

async function* eventsOf<Item>(
  items: AsyncIterable<Item>,
  { greeting, toEvent, clock }: EventStreamOptions<Item>,
): AsyncGenerator<string> {
  yield `: ${greeting}\n\n`;
  const iterator = items[Symbol.asyncIterator]();
  try {
    for (let next = iterator.next(); ; ) {
      const result = await withinSilence(next, clock);
      if (result === 'silent') {
        yield ':\n\n';
        continue;
      }
      if (result.done) return;
      yield toEvent(result.value);
      next = iterator.next();
    }
  } finally {
    await iterator.return?.();
  }
}

function withinSilence<Result>(next: Promise<Result>, clock: Clock): Promise<Result | 'silent'> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(COMMENT_INTERVAL_MS, () => resolve('silent'));
    next.then(resolve, reject).finally(cancel);
  });
}
