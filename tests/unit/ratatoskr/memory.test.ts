import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { BusinessRequest, BusinessResponse, decodePayload, RatatoskrType } from '../../../proto/index.ts';
import { BodyBudget } from '../../../server/platform/http/body-budget.ts';
import { toAppError } from '../../../server/transports/error-table.ts';
import { StreamCredit } from '../../../server/transports/ratatoskr/answer-stream.ts';
import { ArrivingInput } from '../../../server/transports/ratatoskr/arriving-input.ts';
import { STREAM_WINDOW_BYTES } from '../../../server/transports/ratatoskr/limits.ts';
import { SessionRequests } from '../../../server/transports/ratatoskr/requests.ts';

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

it('input of one tenant leaves room for others, however many sessions it has, and takes none once it is read', async () => {
  const budget = new BodyBudget(1_000);
  const statuses: number[] = [];
  const sessionOf = (tenant: string) =>
    new SessionRequests(
      { token: 't', tenantId: '', remoteAddress: '192.0.2.1', inputs: inputsOf(budget, tenant) },
      (type, payload) => {
        if (type === RatatoskrType.BUSINESS_RESPONSE)
          statuses.push(decodePayload(BusinessResponse, payload).status);
      },
      {
        operations: new Map(),
        identify: async () => null,
        respondToError: (error) => ({
          status: toAppError(error).kind === 'unavailable' ? 503 : 404,
          body: '',
        }),
        newRequestId: () => 'r',
      },
    );
  const asked = (more: boolean) =>
    BusinessRequest.create({ operation: 'a', more, input: new Uint8Array(400) });
  const [first, second, neighbour] = ['a', 'a', 'b'].map(sessionOf);
  first?.begin(1, asked(true));
  second?.begin(1, asked(true));
  expect(statuses).toEqual([503]);
  neighbour?.begin(1, asked(false));
  await expect.poll(() => statuses).toEqual([503, 404]);
  first?.end();
  second?.begin(2, asked(true));
  second?.addInput(2, new Uint8Array(100), true);
  await expect.poll(() => statuses).toEqual([503, 404, 404]);
  expect(budget.roomFor('c').take(500)).toBe(true);
});

const inputsOf = (budget: BodyBudget, tenant: string) => ({
  room: budget.roomFor(tenant),
  turn: async () => {},
});
