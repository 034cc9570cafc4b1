import OpenAI from 'openai';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../device/client/index.ts';
import { Endpoint } from '../../device/provider/endpoint.ts';
import { FEATURES } from '../../device/provider/features.ts';
import { Provider } from '../../device/provider/provider.ts';
import type { Database } from '../../server/kernel/database.ts';
import { EndpointStandIn } from '../support/endpoint-stand-in.ts';
import { until } from '../support/market.ts';
import { openClient } from '../support/ratatoskr.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createDevice, createWorld, topUp, type World } from '../support/world.ts';

const TIMES = 15;
/** Transactions that anybody began, by the pool they ran in. */
const begun: string[] = [];
let server: TestServer;
let world: World;
let endpoint: EndpointStandIn;
let provider: Provider;
let run: Promise<void>;

const counted = (database: Database): Database => ({
  tenant: (actor, work) => {
    begun.push('tenant');
    return database.tenant(actor, work);
  },
  read: (actor, work) => {
    begun.push('read');
    return database.read(actor, work);
  },
  system: (job, work) => {
    begun.push(job);
    return database.system(job, work);
  },
});

beforeAll(async () => {
  server = await startTestServer({}, { wrapDatabase: counted });
  world = await createWorld(server);
  await topUp(world, world.alice.userId, 10_000);
  endpoint = new EndpointStandIn();
  const baseUrl = await endpoint.listen();
  const credentials = await createDevice(server, world.bob.token, world.bob.network.id, 'GPU');
  let isOffered = false;
  const prices = { prompt: '0.03', cachedPrompt: '0.003', completion: '0.12' };
  const model = { name: 'm', endpointName: 'm', contextTokens: 4_096, continuesAnswers: false };
  provider = new Provider(
    { slots: 4, firstTokenTimeoutMs: null, models: [{ ...model, prices, features: FEATURES }] },
    {
      client: openClient(server, { credentials }),
      endpoint: new Endpoint({ baseUrl, apiKey: null }, { fetch, clock: systemClock }),
      clock: systemClock,
      report: ({ kind }) => {
        isOffered ||= kind === 'offered';
      },
    },
  );
  run = provider.run();
  await until(() => isOffered);
});
afterAll(async () => {
  endpoint.close();
  await provider.stop();
  await run;
  await server.stop();
});

/** What most of the calls began: who asks is known for a second, and jobs of the server begin some of their own. */
async function usedByMost(call: () => Promise<unknown>): Promise<string> {
  const counts = new Map<string, number>();
  await call();
  for (let time = 0; time < TIMES; time++) {
    begun.length = 0;
    await call();
    const used = begun.filter((pool) => pool !== 'relay' && pool !== 'node').join(' ');
    counts.set(used, (counts.get(used) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? '';
}

it('reads in one transaction for a caller who asked a moment ago', async () => {
  const path = `/api/v1/devices/${world.alice.device.deviceId}`;
  expect(await usedByMost(() => server.get(path, world.alice.token))).toBe('read');
});

it('computes in two transactions: one that holds what it could cost, one that settles it', async () => {
  const client = new OpenAI({ baseURL: `${server.httpUrl}/v1`, apiKey: world.alice.token, maxRetries: 0 });
  const chat = () =>
    client.chat.completions.create({
      model: 'm',
      max_tokens: 20,
      messages: [{ role: 'user', content: 'Hello?' }],
    });
  expect(await usedByMost(chat)).toBe('money money');
});
