import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import {
  BusinessRequest,
  BusinessResponse,
  decodePayload,
  encodePayload,
  RatatoskrType,
  StreamData,
} from '../../../proto/index.ts';
import { AppError } from '../../../server/kernel/errors.ts';
import { BodyBudget } from '../../../server/platform/http/body-budget.ts';
import { toAppError } from '../../../server/transports/error-table.ts';
import { StreamCredit } from '../../../server/transports/ratatoskr/answer-stream.ts';
import { ArrivingInput } from '../../../server/transports/ratatoskr/arriving-input.ts';
import { CREDIT_TIMEOUT_MS, STREAM_WINDOW_BYTES } from '../../../server/transports/ratatoskr/limits.ts';
import { SessionRequests } from '../../../server/transports/ratatoskr/requests.ts';
import { FakeClock } from '../../support/clock.ts';

it('input in small pieces takes twice its length at most, whatever else their messages held', () => {
  const input = new ArrivingInput();
  for (let byte = 0; byte < 1_000; byte++) input.add(new Uint8Array(65_536).fill(byte).subarray(0, 1));
  expect(input.length).toBe(1_000);
  const bytes = input.take();
  expect(bytes).toEqual(Uint8Array.from({ length: 1_000 }, (_, index) => index));
  expect(bytes.buffer.byteLength).toBeLessThanOrEqual(2_000);
});

it('credit byte by byte leaves nothing behind while an answer waits for it', async () => {
  const credit = new StreamCredit();
  const { signal } = new AbortController();
  const isTaken = credit.take(STREAM_WINDOW_BYTES + 100, signal);
  for (let byte = 1; byte < 100; byte++) {
    credit.add(1);
    // What waits for it goes on in turns of its own.
    await new Promise(setImmediate);
  }
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  credit.add(1);
  await isTaken;
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

const LONG = 'x'.repeat(2 * STREAM_WINDOW_BYTES);

/** Sessions of tenants that share so many bytes each way, and what they were answered, in order. */
function sessionsWith(bytesMax: number) {
  const [inputs, answers] = [new BodyBudget(bytesMax), new BodyBudget(bytesMax)];
  const clock = new FakeClock();
  const statuses: number[] = [];
  const ends: { readonly broken: boolean }[] = [];
  const sessionOf = (tenant: string) =>
    new SessionRequests(
      {
        token: 't',
        tenantId: '',
        remoteAddress: '192.0.2.1',
        features: 0,
        inputs: { room: inputs.roomFor(tenant), turn: async () => {} },
        answers: answers.roomFor(tenant),
      },
      (type, payload) => {
        if (type === RatatoskrType.BUSINESS_RESPONSE)
          statuses.push(decodePayload(BusinessResponse, payload).status);
        else if (decodePayload(StreamData, payload).last) ends.push(decodePayload(StreamData, payload));
      },
      {
        operations: new Map([
          ['long', { operation: readOperation, path: '/', serve: async () => ({ status: 200, body: LONG }) }],
          ['a', { operation: readOperation, path: '/', serve: async () => ({ status: 404, body: '' }) }],
        ]) as never,
        identify: async () => null,
        respondToError: (error) => ({
          status: toAppError(error).kind === 'unavailable' ? 503 : 404,
          body: '',
        }),
        newRequestId: () => 'r',
        clock,
      },
    );
  return { inputs, answers, clock, statuses, ends, sessionOf };
}

const readOperation = { operation: 'long', method: 'GET', path: '/', params: null, query: null, body: null };

/** A request comes that a session takes up. */
function begin(session: SessionRequests | undefined, id: number, asked: ReturnType<typeof askFor>): void {
  const found = session?.find(RatatoskrType.BUSINESS_REQUEST, asked);
  if (found !== undefined && !(found instanceof AppError)) session?.begin(id, asked, found);
}

const askFor = (operation: string, more = false) =>
  decodePayload(
    BusinessRequest,
    encodePayload(BusinessRequest, {
      operation,
      more,
      input: new Uint8Array(operation === 'long' ? 0 : 400),
    }),
  );

it('input of one tenant leaves room for others, however many sessions it has, and takes none once it is read', async () => {
  const { inputs, statuses, sessionOf } = sessionsWith(1_000);
  const [first, second, neighbour] = ['a', 'a', 'b'].map(sessionOf);
  begin(first, 1, askFor('a', true));
  begin(second, 1, askFor('a', true));
  expect(statuses).toEqual([503]);
  begin(neighbour, 1, askFor('a'));
  await expect.poll(() => statuses).toEqual([503, 404]);
  first?.end();
  begin(second, 2, askFor('a', true));
  second?.addInput(2, new Uint8Array(100), true);
  await expect.poll(() => statuses).toEqual([503, 404, 404]);
  expect(inputs.roomFor('c').take(500)).toBe(true);
});

it('answers that nobody takes leave room for those of others, and are broken off in the end', async () => {
  const { answers, clock, statuses, ends, sessionOf } = sessionsWith(3 * LONG.length - 1);
  const [first, second, neighbour] = ['a', 'a', 'b'].map(sessionOf);
  begin(first, 1, askFor('long'));
  await expect.poll(() => statuses).toEqual([200]);
  begin(second, 1, askFor('long'));
  await expect.poll(() => statuses).toEqual([200, 503]);
  begin(neighbour, 1, askFor('long'));
  await expect.poll(() => statuses).toEqual([200, 503, 200]);
  await expect.poll(() => clock.pending).toBe(2);
  clock.advance(CREDIT_TIMEOUT_MS);
  await expect.poll(() => ends).toMatchObject([{ broken: true }, { broken: true }]);
  expect(answers.roomFor('c').take(3 * LONG.length - 1)).toBe(true);
});
