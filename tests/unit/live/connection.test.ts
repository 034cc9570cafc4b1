import { expect, it } from 'vitest';
import type { HttpResponse } from '../../../server/platform/http/types.ts';
import { LiveConnection } from '../../../server/transports/live/connection.ts';
import { IDLE_TIMEOUT_MS } from '../../../server/transports/live/limits.ts';
import type { OperationRoute } from '../../../server/transports/pipeline/http.ts';
import { FakeClock, turn } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';

/** A client that reads when it is told to, of a stream that says a, b, c. */
function setUp({ cut }: { readonly cut?: AbortSignal } = {}) {
  const clock = new FakeClock();
  const said: unknown[] = [];
  const closed: string[] = [];
  const asked: string[] = [];
  const client = { unsentBytes: 0, isGone: false };
  async function* letters() {
    for (const letter of 'abc') {
      asked.push(letter);
      yield letter;
    }
  }
  const route = {
    operation: { method: 'GET', path: '/letters', response: 'text/event-stream' },
    path: '/letters',
    serve: async (): Promise<HttpResponse> => ({
      status: 200,
      body: letters(),
      ...(cut === undefined ? {} : { cut }),
    }),
  } as unknown as OperationRoute;
  const connection = new LiveConnection(
    {
      remoteAddress: '192.0.2.1',
      get unsentBytes() {
        return client.unsentBytes;
      },
      send(message) {
        if (client.isGone) return 'dropped';
        said.push(JSON.parse(Buffer.from(message).toString()));
        return 'sent';
      },
      close: (code, reason) => closed.push(`${code} ${reason}`),
      belongsTo: () => undefined,
    },
    () => null,
    {
      operations: new Map([['letters.follow', route]]),
      identify: async () => null,
      respondToError: () => ({ status: 500, body: '{}' }),
      newRequestId: () => 'r',
      clock,
      logger: silentLogger,
    },
  );
  const send = (message: unknown) => connection.received(Buffer.from(JSON.stringify(message)));
  const follow = (id = 1) => send({ follow: id, operation: 'letters.follow' });
  return { clock, connection, client, said, closed, asked, send, follow };
}

const ALL = [
  { id: 1, status: 200 },
  { id: 1, data: 'a' },
  { id: 1, data: 'b' },
  { id: 1, data: 'c' },
  { id: 1, end: 'complete' },
];

it('asks a stream for more when its client has read', async () => {
  const { connection, client, said, asked, follow } = setUp();
  client.unsentBytes = 1;
  follow();
  await turn(3);
  expect([said, asked]).toEqual([ALL.slice(0, 1), []]);
  connection.drained();
  await turn(3);
  expect([said, asked]).toEqual([ALL.slice(0, 2), ['a']]);
  client.unsentBytes = 0;
  connection.drained();
  await turn(3);
  expect(said).toEqual(ALL);
});

it('ends a stream that is cut, though its client reads nothing', async () => {
  const cut = new AbortController();
  const { client, said, follow } = setUp({ cut: cut.signal });
  follow();
  client.unsentBytes = 1;
  await turn(3);
  expect(said).toEqual(ALL.slice(0, 1));
  cut.abort();
  await turn(3);
  expect(said).toEqual(ALL);
});

it('closes the connection of a client whose buffer is full', async () => {
  const { client, closed, follow } = setUp();
  client.isGone = true;
  follow();
  await turn(3);
  expect(closed).toEqual(['4503 consumer_too_slow']);
});

it('closes what follows nothing for too long, and nothing sooner', async () => {
  const { clock, closed, follow } = setUp();
  clock.advance(IDLE_TIMEOUT_MS - 1);
  follow();
  clock.advance(1);
  await turn(9);
  expect(closed).toEqual([]);
  clock.advance(IDLE_TIMEOUT_MS);
  expect(closed).toEqual(['1000 nothing is followed']);
});

it('does nothing more once it is over', async () => {
  const { connection, said, closed, follow } = setUp();
  connection.closed();
  follow();
  await turn(3);
  expect([said, closed]).toEqual([[], []]);
});
