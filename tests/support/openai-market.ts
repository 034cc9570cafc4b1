import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { deltaText } from '../../server/domains/providers/index.ts';
import type { Actor } from '../../server/kernel/actor.ts';
import type { JsonObject } from '../../server/kernel/json.ts';
import { createHttpServer } from '../../server/platform/http/server.ts';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { createSystemRandom } from '../../server/platform/system/random.ts';
import {
  createAnthropicOperations,
  createAnthropicTransport,
} from '../../server/transports/anthropic/transport.ts';
import { LastingAnswers } from '../../server/transports/chat/lasting-answers.ts';
import { RetriedRequests } from '../../server/transports/chat/retried-requests.ts';
import { openAiErrorResponse } from '../../server/transports/openai/errors.ts';
import { createOpenAiOperations, createOpenAiTransport } from '../../server/transports/openai/transport.ts';
import { roomyBudget } from './connection-budget.ts';
import { createTestConnections } from './connections.ts';
import type { TestDatabase } from './database.ts';
import { silentLogger } from './logger.ts';
import { createMarket, type FakeProvider, type MarketOptions } from './market.ts';
import { createTestPipeline } from './pipeline.ts';
import { PLENTY } from './storage-room.ts';

/** A market behind the endpoints of OpenAI and Anthropic. `ygu_alice` is the token of `alice`, who has 1,000 cents; `ygu_poor` has one. */
export async function startOpenAiMarket(
  db: TestDatabase,
  options: Pick<MarketOptions, 'wrapLedger' | 'answerBounds'> = {},
) {
  const market = createMarket(db, options);
  const alice = await market.customer(1_000);
  const actors = new Map<string, Actor>([
    ['ygu_alice', alice],
    ['ygu_poor', await market.customer(1)],
  ]);
  const { providers } = market;
  const front = await startFront(market, actors);
  /** Lets the provider answer every request with these deltas. */
  const answerWith = (provider: FakeProvider, deltas: readonly JsonObject[], finishReason: string) => {
    provider.onRequest = ({ requestId }) => {
      for (const [index, fields] of deltas.entries()) {
        const delta = { fields, text: deltaText(fields), bytes: JSON.stringify(fields).length };
        providers.delta(provider.actor, { requestId, index, delta });
      }
      const claim = { promptTokens: 100, completionTokens: 100, cachedPromptTokens: 4, reasoningTokens: 1 };
      market.result(provider, requestId, { finishReason, claim });
    };
  };
  return {
    market,
    alice,
    actors,
    ...front,
    answerWith,
    /** Another server of the same market: what the first has in memory is not there. */
    restarted: (changed: Partial<Pick<typeof market, 'requests' | 'answers'>> = {}) =>
      startFront({ ...market, ...changed }, actors),
  };
}

/** A server of this market that knows nothing of answers which others have in memory. */
async function startFront(market: ReturnType<typeof createMarket>, actors: ReadonlyMap<string, Actor>) {
  const { providers, requests, tokens, answers, transactions, clock } = market;
  const services = {
    providers,
    requests,
    tokens,
    answers,
    transactions,
    retried: new RetriedRequests({ clock }),
    lasting: new LastingAnswers<unknown>({ clock, random: createSystemRandom(), logger: silentLogger }),
  };
  const { connections } = createTestConnections();
  const dependencies = {
    pipeline: createTestPipeline(market.clock),
    connections,
    identify: async (token: string) => actors.get(token) ?? null,
    room: PLENTY,
    logger: silentLogger,
    observe: () => {},
  };
  const routes = [
    ...createOpenAiTransport(createOpenAiOperations(services), dependencies),
    ...createAnthropicTransport(createAnthropicOperations(services), dependencies),
  ];
  const server = createHttpServer(
    { host: '127.0.0.1', port: 0 },
    {
      routes,
      websockets: [],
      respondToError: openAiErrorResponse,
      newRequestId: () => 'r',
      budget: roomyBudget(),
      tls: null,
      clock: createSystemClock(),
      logger: silentLogger,
    },
  );
  const origin = `http://127.0.0.1:${(await server.listen()).port}`;
  const client = new OpenAI({ apiKey: 'ygu_alice', baseURL: `${origin}/v1`, maxRetries: 0 });
  const anthropic = new Anthropic({ apiKey: 'ygu_alice', baseURL: origin, maxRetries: 0 });
  const post = (body: string, headers: Record<string, string> = {}) =>
    fetch(`${origin}/v1/chat/completions`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', authorization: 'Bearer ygu_alice', ...headers },
    });
  return { connections, server, origin, client, anthropic, post };
}

/** What the provider was asked last. */
export function bodyOf(provider: FakeProvider): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(provider.requests.at(-1)?.body)) as Record<string, unknown>;
}
