import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ProviderOrder } from '../../../server/domains/providers/index.ts';
import { AppError } from '../../../server/kernel/errors.ts';
import { RETRIED_KEPT_MS } from '../../../server/transports/chat/limits.ts';
import { turn } from '../../support/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { until } from '../../support/market.ts';
import { startOpenAiMarket } from '../../support/openai-market.ts';

type World = Awaited<ReturnType<typeof startOpenAiMarket>>;

let db: TestDatabase;
let world: World;
let market: World['market'];

beforeAll(async () => {
  db = await createTestDatabase();
});
beforeEach(async () => {
  await world?.server.close();
  world = await startOpenAiMarket(db);
  ({ market } = world);
});
afterAll(async () => {
  await world?.server.close();
  await db.close();
});

const asked = { model: 'm', messages: [{ role: 'user' as const, content: 'Say hello.' }] };

/** A provider that answers a request when the test says so. */
async function patientProvider() {
  const provider = await market.provider();
  const waiting: ProviderOrder[] = [];
  provider.onRequest = (request) => waiting.push(request);
  const answer = (pieces: readonly string[]) => {
    for (const request of waiting.splice(0)) market.answer(provider, request, pieces, [100, 100]);
  };
  return { provider, answer };
}

/** Sends a request as the official clients do, the n-th time. */
const send = (retries: number | null, changes: object = {}, signal?: AbortSignal, token = 'ygu_alice') =>
  fetch(`${world.origin}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ ...asked, ...changes }),
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
      ...(retries === null ? {} : { 'x-stainless-retry-count': String(retries) }),
    },
    ...(signal === undefined ? {} : { signal }),
  });

/** Sends one and goes away when the provider has it. */
async function sendAndLeave(asks: (signal: AbortSignal) => Promise<unknown>, hasIt: () => boolean) {
  const leaving = new AbortController();
  const sent = asks(leaving.signal).catch(() => null);
  await until(async () => hasIt());
  leaving.abort();
  await sent;
}

const spent = async () => 1_000 - (await market.balance(world.alice)).available;
const settled = () => until(async () => (await market.balance(world.alice)).held === 0);

describe('a request that an official client sends again', () => {
  it.each([
    [
      'OpenAI',
      () =>
        new OpenAI({
          apiKey: 'ygu_alice',
          baseURL: `${world.origin}/v1`,
          timeout: 400,
          maxRetries: 5,
        }).chat.completions.create(asked),
    ],
    [
      'Anthropic',
      () =>
        new Anthropic({
          apiKey: 'ygu_alice',
          baseURL: world.origin,
          timeout: 400,
          maxRetries: 5,
        }).messages.create({ ...asked, max_tokens: 50 }),
    ],
  ])('of %s, for it lost its patience, gets the one answer, paid once', async (_, ask) => {
    const { provider, answer } = await patientProvider();
    const answered = ask();
    await until(() => provider.requests[0]);
    // Past the client's own limit, so that it has asked again by then, or is about to.
    await new Promise((resolve) => setTimeout(resolve, 900));
    answer(['Hello', ' world']);
    expect(JSON.stringify(await answered)).toContain('Hello world');
    expect(provider.requests).toHaveLength(1);
    await settled();
    expect(await spent()).toBe(12);
  });

  it('gets an answer that came when nobody was there, and no other request of the same words', async () => {
    const { provider, answer } = await patientProvider();
    await sendAndLeave(
      (signal) => send(0, {}, signal),
      () => provider.requests.length === 1,
    );
    answer(['Hello', ' world']);
    await settled();
    const anew = send(0);
    await until(() => provider.requests[1]);
    answer(['Something', ' else']);
    expect(await (await anew).text()).toContain('Something else');
    const again = await send(1);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(await again.text()).toContain('Hello world');
    expect(provider.requests).toHaveLength(2);
    expect(await spent()).toBe(24);
  });

  it('is another one where words, credential or cost differ, and for a client that is not official', async () => {
    const { provider, answer } = await patientProvider();
    await sendAndLeave(
      (signal) => send(0, {}, signal),
      () => provider.requests.length === 1,
    );
    answer(['Hello']);
    await settled();
    world.actors.set('ygu_bob', await market.customer(1_000));
    for (const other of [
      () => send(1, { temperature: 1 }),
      () => send(1, {}, undefined, 'ygu_bob'),
      () => send(null),
    ]) {
      const count = provider.requests.length;
      const asking = other();
      await until(async () => provider.requests.length === count + 1);
      answer(['Other']);
      expect(await (await asking).text()).toContain('Other');
    }
  });

  it('is made anew after a failure, and when its answer was kept long enough', async () => {
    const { provider, answer } = await patientProvider();
    const failing = send(0);
    await until(() => provider.requests[0]);
    market.fail(provider, provider.requests[0]?.requestId ?? '');
    expect((await failing).status).toBe(503);
    const again = send(1);
    await until(() => provider.requests[1]);
    answer(['Hello']);
    expect((await again).status).toBe(200);
    market.clock.advance(RETRIED_KEPT_MS);
    const later = send(2);
    await until(() => provider.requests[2]);
    answer(['Late']);
    expect(await (await later).text()).toContain('Late');
  });

  it('ends with its credential, though whoever asked is gone', async () => {
    const { provider } = await patientProvider();
    await sendAndLeave(
      (signal) => send(0, {}, signal),
      () => provider.requests.length === 1,
    );
    // Time to notice that it left: a signal that tells of both would tell nothing any more.
    await turn(200);
    const revoked = new AppError('unauthenticated', 'unauthenticated', 'The token was revoked.');
    expect(world.connections.end({ accountId: world.alice.accountId }, revoked)).toBe(1);
    await until(() => provider.cancelled.length === 1);
    await expectPrompts(1);
  });

  it('that streams ends with its reader, as does one of a client that is not official', async () => {
    for (const ask of [
      (signal: AbortSignal) => send(0, { stream: true }, signal),
      (signal: AbortSignal) => send(null, {}, signal),
    ]) {
      const { provider } = await patientProvider();
      await sendAndLeave(ask, () => provider.requests.length === 1);
      await until(async () => provider.cancelled.length === 1);
      market.providers.disconnected(provider.actor.deviceId, provider.link);
    }
    await expectPrompts(2);
  });

  /** Alice has paid for so many prompts, and for no answer. */
  async function expectPrompts(count: number) {
    await until(async () => (await market.balance(world.alice)).held === 0);
    expect((await market.balance(world.alice)).available).toBe(1_000 - 10 * count);
  }
});
