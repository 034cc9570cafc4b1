import OpenAI from 'openai';
import type { LedgerService } from '../../server/domains/ledger/index.ts';
import type { Actor } from '../../server/kernel/actor.ts';
import { createHttpServer } from '../../server/platform/http/server.ts';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { openAiErrorResponse } from '../../server/transports/openai/errors.ts';
import { createOpenAiOperations, createOpenAiTransport } from '../../server/transports/openai/transport.ts';
import { roomyBudget } from './connection-budget.ts';
import { createTestConnections } from './connections.ts';
import type { TestDatabase } from './database.ts';
import { silentLogger } from './logger.ts';
import { createMarket } from './market.ts';
import { createTestPipeline } from './pipeline.ts';

/** A market behind the OpenAI endpoint. `ygu_alice` is the token of `alice`, who has 1,000 cents; `ygu_poor` has one. */
export async function startOpenAiMarket(
  db: TestDatabase,
  wrapLedger?: (ledger: LedgerService) => LedgerService,
) {
  const market = createMarket(db, wrapLedger === undefined ? {} : { wrapLedger });
  const alice = await market.customer(1_000);
  const actors = new Map<string, Actor>([
    ['ygu_alice', alice],
    ['ygu_poor', await market.customer(1)],
  ]);
  const { providers, requests, tokens } = market;
  const routes = createOpenAiTransport(createOpenAiOperations({ providers, requests, tokens }), {
    pipeline: createTestPipeline(market.clock),
    connections: createTestConnections().connections,
    identify: async (token) => actors.get(token) ?? null,
    logger: silentLogger,
    observe: () => {},
  });
  const server = createHttpServer(
    { host: '127.0.0.1', port: 0 },
    {
      routes,
      websockets: [],
      respondToError: openAiErrorResponse,
      newRequestId: () => 'r',
      budget: roomyBudget(),
      clock: createSystemClock(),
      logger: silentLogger,
    },
  );
  const origin = `http://127.0.0.1:${(await server.listen()).port}`;
  const client = new OpenAI({ apiKey: 'ygu_alice', baseURL: `${origin}/v1`, maxRetries: 0 });
  const post = (body: string, headers: Record<string, string> = {}) =>
    fetch(`${origin}/v1/chat/completions`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', authorization: 'Bearer ygu_alice', ...headers },
    });
  return { market, alice, actors, server, origin, client, post };
}
