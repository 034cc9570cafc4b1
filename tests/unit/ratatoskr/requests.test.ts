import { describe, expect, it } from 'vitest';
import {
  BusinessRequest,
  BusinessResponse,
  decodePayload,
  encodePayload,
  RatatoskrType,
} from '../../../proto/index.ts';
import {
  type RequestType,
  requestTypeOf,
  TIMES_FEATURE,
  TYPES_FEATURE,
} from '../../../proto/ratatoskr/index.ts';
import { AppError } from '../../../server/kernel/errors.ts';
import { BodyBudget } from '../../../server/platform/http/body-budget.ts';
import { toAppError } from '../../../server/transports/error-table.ts';
import { CLOCK_WINDOW_MS } from '../../../server/transports/ratatoskr/limits.ts';
import { SessionRequests } from '../../../server/transports/ratatoskr/requests.ts';
import { TYPE_LIMITS } from '../../../server/transports/ratatoskr/type-limits.ts';
import { FakeClock } from '../../support/clock.ts';

const { BUSINESS_REQUEST, MARKETPLACE_REQUEST, PAYMENT_REQUEST } = RatatoskrType;
const OPERATIONS = [
  'networks.list',
  'marketplace.providers.list',
  'openai.models.list',
  'ledger.balance.get',
];

/** A session with these extensions, whose operations say `served`: what a request is answered. */
function sessionWith(features: number) {
  const clock = new FakeClock();
  let answer = { body: '', serverTimeMs: 0 };
  let next = () => {};
  const room = new BodyBudget(1_000).roomFor('a');
  const operation = { method: 'GET', path: '/', params: null, query: null, body: null };
  const serve = async () => ({ status: 200, body: 'served' });
  const routes = OPERATIONS.map((name) => [name, { operation, path: '/', serve }] as const);
  const requests = new SessionRequests(
    {
      token: 't',
      tenantId: '',
      remoteAddress: '192.0.2.1',
      features,
      inputs: { room, turn: async () => {} },
      answers: room,
    },
    (_, payload) => {
      const { body, serverTimeMs } = decodePayload(BusinessResponse, payload);
      answer = { body: Buffer.from(body).toString(), serverTimeMs };
      next();
    },
    {
      operations: new Map(routes) as never,
      identify: async () => null,
      respondToError: (error) => ({ status: 400, body: toAppError(error).code }),
      newRequestId: () => 'r',
      clock,
    },
  );
  let number = 0;
  const begin = (type: RequestType, asked: ConstructorParameters<typeof BusinessRequest>[0]) => {
    const request = decodePayload(BusinessRequest, encodePayload(BusinessRequest, asked ?? {}));
    const found = requests.find(type, request);
    if (found instanceof AppError) requests.refuse(++number, request, found);
    else requests.begin(++number, request, found);
  };
  return {
    requests,
    clock,
    toldTimeMs: () => answer.serverTimeMs,
    beginOnly: begin,
    async ask(type: RequestType, asked: ConstructorParameters<typeof BusinessRequest>[0]) {
      const isAnswered = new Promise<void>((resolve) => {
        next = resolve;
      });
      begin(type, asked);
      await isAnswered;
      return answer.body;
    },
  };
}

describe('a request', () => {
  it.each(OPERATIONS)('for %s is taken under the type of its area alone', async (operation) => {
    const session = sessionWith(TYPES_FEATURE);
    for (const type of [BUSINESS_REQUEST, MARKETPLACE_REQUEST, PAYMENT_REQUEST] as const) {
      const isRight = type === requestTypeOf(operation);
      expect(await session.ask(type, { operation })).toBe(
        isRight ? 'served' : 'ratatoskr_request_type_wrong',
      );
    }
  });

  it('of a client of before is taken as BUSINESS_REQUEST, whatever it is for, but under no wrong type', async () => {
    const session = sessionWith(0);
    for (const operation of OPERATIONS)
      expect(await session.ask(BUSINESS_REQUEST, { operation })).toBe('served');
    expect(await session.ask(MARKETPLACE_REQUEST, { operation: 'ledger.balance.get' })).toBe(
      'ratatoskr_request_type_wrong',
    );
  });

  it('is refused while as many of its type run as may, and those of others go on', async () => {
    const session = sessionWith(TYPES_FEATURE);
    const { runningMax = 0 } = TYPE_LIMITS.get(PAYMENT_REQUEST) ?? {};
    for (let count = 0; count < runningMax; count++)
      session.beginOnly(PAYMENT_REQUEST, { operation: 'ledger.balance.get', more: true });
    expect(await session.ask(PAYMENT_REQUEST, { operation: 'ledger.balance.get' })).toBe('rate_limited');
    expect(await session.ask(BUSINESS_REQUEST, { operation: 'networks.list' })).toBe('served');
  });

  it('under a wrong type is refused before its input, of which the rest is forgotten', async () => {
    const session = sessionWith(TYPES_FEATURE);
    const asked = { operation: 'ledger.balance.get', more: true };
    expect(await session.ask(BUSINESS_REQUEST, asked)).toBe('ratatoskr_request_type_wrong');
    session.requests.addInput(1, new Uint8Array(10), true);
    expect(await session.ask(BUSINESS_REQUEST, { operation: 'networks.list' })).toBe('served');
  });

  it('is taken within five minutes of the server’s time; else it is refused, and told that time', async () => {
    const session = sessionWith(TIMES_FEATURE);
    const nowMs = session.clock.nowMs();
    const ask = (sentAtMs: number) => session.ask(BUSINESS_REQUEST, { operation: 'networks.list', sentAtMs });
    for (const offMs of [0, CLOCK_WINDOW_MS, -CLOCK_WINDOW_MS]) {
      expect([await ask(nowMs + offMs), session.toldTimeMs()]).toEqual(['served', 0]);
    }
    for (const sentAtMs of [0, nowMs + CLOCK_WINDOW_MS + 1, nowMs - CLOCK_WINDOW_MS - 1]) {
      expect([await ask(sentAtMs), session.toldTimeMs()]).toEqual(['ratatoskr_clock_wrong', nowMs]);
    }
  });

  it('of a client that says no times is taken at any', async () => {
    expect(await sessionWith(0).ask(BUSINESS_REQUEST, { operation: 'networks.list' })).toBe('served');
  });
});
