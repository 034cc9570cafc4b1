import OpenAI, { APIError } from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  ComputeBody,
  ComputeCredit,
  ComputeFault,
  ComputeRequest,
  ComputeResult,
  decodePayload,
  encodePayload,
  FrameType,
  ProviderOffer,
} from '../../proto/index.ts';
import { BODY_PIECE_BYTES, BODY_WINDOW_BYTES } from '../../server/transports/frames/limits.ts';
import { BifrostSocket, codeOf } from '../support/bifrost-socket.ts';
import { deltaPayload } from '../support/compute.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createDevice, createWorld, topUp, type World } from '../support/world.ts';

let server: TestServer;
let world: World;
let provider: BifrostSocket;
let client: OpenAI;

beforeAll(async () => {
  server = await startTestServer({
    YGGDRASIL_PROVIDER_FIRST_TOKEN_TIMEOUT_MS: '400',
    YGGDRASIL_PROVIDER_STALL_TIMEOUT_MS: '400',
    YGGDRASIL_SLOT_WAIT_MS: '0',
  });
  world = await createWorld(server);
  await topUp(world, world.alice.userId, 1_000);
  client = new OpenAI({ baseURL: `${server.httpUrl}/v1`, apiKey: world.alice.token, maxRetries: 0 });
});
afterAll(() => server.stop());

// A device of its own for each test: one that failed several times is kept aside for a while.
beforeEach(async () => {
  const { token, network } = world.bob;
  provider = await BifrostSocket.open(
    server,
    await createDevice(server, token, network.id, crypto.randomUUID()),
  );
});
afterEach(() => provider.close());

/** Offers one model. */
async function offer(model: string, priceCents = '100', contextTokens = 4_096): Promise<void> {
  const models = [{ name: model, priceCents, contextTokens }];
  provider.send({ type: FrameType.PROVIDER_OFFER }, encodePayload(ProviderOffer, { models, slots: 4 }));
  await provider.next(FrameType.ACK);
}

const ask = (model: string) =>
  client.chat.completions.create({ model, max_tokens: 20, messages: [{ role: 'user', content: 'Hello?' }] });

/** The error that the client gets. */
async function failureOf(
  answer: Promise<unknown>,
): Promise<{ status: number | undefined; code: string | null | undefined }> {
  const error = await answer.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof APIError)) throw new Error(`no error of the endpoint: ${String(error)}`);
  return { status: error.status as number | undefined, code: error.code };
}

const nextRequest = async () =>
  decodePayload(ComputeRequest, (await provider.next(FrameType.COMPUTE_REQUEST)).payload).requestId;
const chunk = (requestId: Uint8Array, index: number, text: string) =>
  provider.send({ type: FrameType.COMPUTE_DELTA }, deltaPayload(requestId, index, { content: text }));
const result = (requestId: Uint8Array, finishReason: string) =>
  provider.send(
    { type: FrameType.COMPUTE_RESULT },
    encodePayload(ComputeResult, { requestId, finishReason }),
  );

const isBusy = (requestId: Uint8Array) =>
  provider.send(
    { type: FrameType.COMPUTE_RESULT },
    encodePayload(ComputeResult, { requestId, failure: { fault: ComputeFault.PROVIDER_BUSY } }),
  );

/** Nothing was paid, nothing is held, and the transaction says why. */
async function expectNothingBilled(code: string): Promise<void> {
  const { token } = world.alice;
  expect(await server.get('/api/v1/ledger/balance', token)).toMatchObject({
    available: { value: '10', currency: 'EUR' },
    held: { value: '0', currency: 'EUR' },
  });
  const { items } = await server.get<{ items: unknown[] }>('/api/v1/marketplace/transactions?limit=1', token);
  expect(items[0]).toMatchObject({
    state: 'FAILED',
    failureCode: code,
    cost: { value: '0', currency: 'EUR' },
  });
}

describe('a provider', () => {
  it('that answers nonsense fails the request with provider_answer_malformed, and is told', async () => {
    await offer('nonsense');
    const answer = failureOf(ask('nonsense'));
    chunk(await nextRequest(), 7, 'not the first piece');
    expect(await answer).toEqual({ status: 503, code: 'provider_answer_malformed' });
    await provider
      .next(FrameType.ERROR)
      .catch((error: Error) => expect(error.message).toContain('malformed'));
    await expectNothingBilled('provider_answer_malformed');
  });

  it('that ends without a reason fails the request with provider_answer_malformed', async () => {
    await offer('reasonless');
    const answer = failureOf(ask('reasonless'));
    const requestId = await nextRequest();
    chunk(requestId, 0, 'Hello');
    result(requestId, '');
    expect((await answer).code).toBe('provider_answer_malformed');
    await expectNothingBilled('provider_answer_malformed');
  });

  it.each([
    ['no object', 'x', ['not', 'an object']],
    ['an object without end', 'y', JSON.parse(`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`)],
  ])('that sends %s is told, and fails when it goes on with the next piece', async (_, model, fields) => {
    await offer(model);
    const answer = failureOf(ask(model));
    const requestId = await nextRequest();
    provider.send({ type: FrameType.COMPUTE_DELTA }, deltaPayload(requestId, 0, fields));
    expect(codeOf(await provider.next(FrameType.ERROR))).toBe('frame_payload_malformed');
    chunk(requestId, 1, 'next');
    expect((await answer).code).toBe('provider_answer_malformed');
  });

  it.each([
    ['of objects', { x: Array(30_000).fill({}) }],
    ['of names', Object.fromEntries(Array.from({ length: 1_200 }, (_, at) => [(at + 36).toString(36), 0]))],
  ])(
    'that sends a piece of nothing but many parts is told, and nobody keeps them: %s',
    async (name, fields) => {
      await offer(name.replace(' ', '-'));
      const answer = failureOf(ask(name.replace(' ', '-')));
      const requestId = await nextRequest();
      provider.send({ type: FrameType.COMPUTE_DELTA }, deltaPayload(requestId, 0, fields));
      expect(codeOf(await provider.next(FrameType.ERROR))).toBe('frame_payload_malformed');
      result(requestId, '');
      expect((await answer).code).toBe('provider_answer_malformed');
      await expectNothingBilled('provider_answer_malformed');
    },
  );

  it.each([
    ['a NUL', 'st\u0000op'],
    ['a character that turns text around', '\u202epots'],
  ])('that ends for a reason with %s in it fails the request at once', async (name, reason) => {
    await offer(name.replaceAll(' ', '-'));
    const answer = failureOf(ask(name.replaceAll(' ', '-')));
    const requestId = await nextRequest();
    chunk(requestId, 0, 'Hello');
    result(requestId, reason);
    expect((await answer).code).toBe('provider_answer_malformed');
    await expectNothingBilled('provider_answer_malformed');
  });

  it('that ends a request before it took the body in is sent no more of that body', async () => {
    await offer('impatient', '0', 1_000_000);
    const askLong = (letter: string) =>
      failureOf(
        client.chat.completions.create({
          model: 'impatient',
          max_tokens: 20,
          messages: [{ role: 'user', content: letter.repeat(4_000) + ' '.repeat(2_000_000) }],
        }),
      );
    const first = askLong('a');
    const firstId = await nextRequest();
    isBusy(firstId);
    await first;
    const second = askLong('b');
    const secondId = await nextRequest();
    const bodyOf = async () =>
      decodePayload(ComputeBody, (await provider.next(FrameType.COMPUTE_BODY)).payload).requestId;
    const window = BODY_WINDOW_BYTES / BODY_PIECE_BYTES;
    for (let piece = 0; piece < window; piece++) expect(await bodyOf()).toEqual(firstId);
    provider.send(
      { type: FrameType.COMPUTE_CREDIT },
      encodePayload(ComputeCredit, { requestId: firstId, bytes: BODY_WINDOW_BYTES }),
    );
    for (let piece = 0; piece < window; piece++) expect(await bodyOf()).toEqual(secondId);
    isBusy(secondId);
    await second;
  });

  it('that never begins fails the request with provider_stalled, and is told to stop', async () => {
    await offer('silent');
    const answer = failureOf(ask('silent'));
    const requestId = await nextRequest();
    expect(await answer).toEqual({ status: 503, code: 'provider_stalled' });
    const cancel = await provider.next(FrameType.COMPUTE_CANCEL);
    expect(Buffer.from(cancel.payload).includes(Buffer.from(requestId))).toBe(true);
    await expectNothingBilled('provider_stalled');
  });

  it('that vanishes in the middle of a stream ends it with an error in the stream', async () => {
    await offer('fickle');
    const stream = await (async () => {
      const opening = client.chat.completions.create({
        model: 'fickle',
        max_tokens: 20,
        stream: true,
        messages: [{ role: 'user', content: 'Hello?' }],
      });
      chunk(await nextRequest(), 0, 'Hel');
      return opening;
    })();
    const texts: string[] = [];
    const failure = failureOf(
      (async () => {
        for await (const part of stream) {
          texts.push(part.choices[0]?.delta.content ?? '');
          if (texts.join('') === 'Hel') provider.close();
        }
      })(),
    );
    expect((await failure).code).toBe('provider_vanished');
    expect(texts.join('')).toBe('Hel');
    await expectNothingBilled('provider_vanished');
  });

  it('learns nothing about who asks', async () => {
    await offer('curious');
    const answer = failureOf(ask('curious'));
    const frame = await provider.next(FrameType.COMPUTE_REQUEST);
    const { requestId, body } = decodePayload(ComputeRequest, frame.payload);
    const told = Buffer.from(body).toString();
    for (const secret of [world.alice.userId, world.alice.token, world.alice.network.id]) {
      expect(told).not.toContain(secret);
    }
    result(requestId, '');
    expect((await answer).code).toBe('provider_answer_malformed');
  });
});
