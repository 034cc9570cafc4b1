import { createHash } from 'node:crypto';
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
  findReceiptProblem,
  ProviderRegistration,
  RatatoskrType,
  readReceipt,
} from '../../proto/index.ts';
import { findSignatureProblem, PIECE_BYTES_MAX, readDeviceSignedBytes } from '../../proto/ratatoskr/index.ts';
import { ed25519 } from '../../server/platform/secrets/index.ts';
import { BODY_WINDOW_BYTES } from '../../server/transports/ratatoskr/limits.ts';
import { deltaPayload, deltaPayloads } from '../support/compute.ts';
import { ProviderSocket } from '../support/provider-socket.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createDevice, createWorld, topUp, type World } from '../support/world.ts';

let server: TestServer;
let world: World;
let provider: ProviderSocket;
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
  provider = await ProviderSocket.open(
    server,
    await createDevice(server, token, network.id, crypto.randomUUID()),
  );
});
afterEach(() => provider.close());

/** Offers one model; gives the name of that in the audit. */
async function offer(model: string, priceCents = '100', contextTokens = 4_096): Promise<string> {
  return provider.offer([{ name: model, priceCents, contextTokens }], 4);
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
  decodePayload(ComputeRequest, (await provider.next(RatatoskrType.COMPUTE_REQUEST)).payload).requestId;
const chunk = (requestId: Uint8Array, index: number, text: string) =>
  provider.send(RatatoskrType.COMPUTE_DELTA, deltaPayload(requestId, index, { content: text }));
const result = (requestId: Uint8Array, finishReason: string) =>
  provider.send(RatatoskrType.COMPUTE_RESULT, encodePayload(ComputeResult, { requestId, finishReason }));

const isBusy = (requestId: Uint8Array) =>
  provider.send(
    RatatoskrType.COMPUTE_RESULT,
    encodePayload(ComputeResult, { requestId, failure: { fault: ComputeFault.ENDPOINT_BUSY } }),
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

describe('a provider that signs what moves money', () => {
  it('is refused where the signature is wrong, which moves nothing and is in the audit, and taken where it is right', async () => {
    const { token, network } = world.bob;
    const device = await createDevice(server, token, network.id, 'Signer');
    provider.close();
    provider = await ProviderSocket.open(server, device, true);
    const isWrong = (signature: Uint8Array) => signature.with(3, (signature[3] ?? 0) ^ 1);
    provider.signs = isWrong;
    await expect(offer('signed', '0')).rejects.toThrow('refused: device_signature_wrong');
    provider.signs = (signature) => signature;
    const registration = await offer('signed', '0');
    const answer = ask('signed');
    const requestId = await nextRequest();
    chunk(requestId, 0, 'Hello');
    provider.signs = isWrong;
    result(requestId, 'stop');
    expect(await provider.answer()).toBe('device_signature_wrong');
    provider.signs = (signature) => signature;
    result(requestId, 'stop');
    expect((await answer).choices[0]?.message.content).toBe('Hello');
    const kept = await server.get<{ items: Record<string, unknown>[] }>(
      `/api/v1/audit/messages/${registration}`,
      token,
    );
    const receipt = readReceipt(kept.items[0]);
    expect(receipt.record).toMatchObject({ class: 'change', operation: 'providers.offer', outcome: 'done' });
    const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
    expect(await findReceiptProblem(receipt, { sha256, ...ed25519 })).toBeNull();
    expect(findSignatureProblem(receipt.content, ed25519.isSignedBy)).toBeNull();
    const said = readDeviceSignedBytes(Buffer.from(JSON.parse(receipt.content).signed.bytes, 'hex'));
    const prices = decodePayload(ProviderRegistration, said?.message ?? new Uint8Array(0));
    expect([said?.type, prices.offer]).toMatchObject([
      RatatoskrType.PROVIDER_REGISTRATION,
      { models: [{ name: 'signed', priceCents: '0' }], slots: 4 },
    ]);
    const { items } = await server.get<{ items: Record<string, unknown>[] }>('/api/v1/audit?limit=20', token);
    const outcomes = items.flatMap(({ principal, operation, outcome }) =>
      principal === `device:${device.deviceId}` ? [`${operation} ${outcome}`] : [],
    );
    // What is refused is noted together with others, what is done in its transaction: either may come first.
    expect(outcomes.toSorted()).toEqual([
      'marketplace.requests.end done',
      'providers.offer device_signature_wrong',
      'providers.offer done',
      'providers.results.send device_signature_wrong',
      'ratatoskr.sessions.open done',
    ]);
  });

  it('is put out for its ninth wrong signature, whatever it says right in between', async () => {
    const { token, network } = world.bob;
    const device = await createDevice(server, token, network.id, 'Forger');
    const forger = await ProviderSocket.open(server, device, true);
    forger.signs = () => new Uint8Array(64);
    const model = { name: 'forged', priceCents: '0', contextTokens: 100 };
    for (let number = 1; number <= 9; number++) {
      forger.send(RatatoskrType.COMPUTE_CREDIT, encodePayload(ComputeCredit, { bytes: 0 }));
      await expect(forger.offer([model], 1)).rejects.toThrow('refused: device_signature_wrong');
    }
    expect(await forger.closed()).toBe('4400 too_many_errors');
  });

  it('is let in with the key that it has said first, and with no other or none', async () => {
    const { token, network } = world.bob;
    const device = await createDevice(server, token, network.id, 'Key keeper');
    const first = await ProviderSocket.open(server, device);
    first.close();
    (await ProviderSocket.open(server, device, true)).close();
    for (const other of [false, Buffer.alloc(32, 1)]) {
      await expect(ProviderSocket.open(server, device, other)).rejects.toThrow(
        'closed with 4403 device_key_wrong',
      );
    }
    (await ProviderSocket.open(server, device, true)).close();
  });
});

describe('a provider', () => {
  it('that answers nonsense fails the request with provider_answer_malformed, and is told', async () => {
    await offer('nonsense');
    const answer = failureOf(ask('nonsense'));
    chunk(await nextRequest(), 7, 'not the first piece');
    expect(await answer).toEqual({ status: 503, code: 'provider_answer_malformed' });
    expect(await provider.answer()).toBe('provider_answer_malformed');
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
    provider.send(RatatoskrType.COMPUTE_DELTA, deltaPayload(requestId, 0, fields));
    expect(await provider.answer()).toBe('provider_answer_malformed');
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
      for (const payload of deltaPayloads(requestId, 0, fields))
        provider.send(RatatoskrType.COMPUTE_DELTA, payload);
      expect(await provider.answer()).toBe('provider_answer_malformed');
      result(requestId, '');
      expect((await answer).code).toBe('provider_answer_malformed');
      await expectNothingBilled('provider_answer_malformed');
    },
  );

  it('that puts a piece of another request inside one that is cut is told, and keeps its own', async () => {
    await offer('braided', '0');
    const answer = ask('braided');
    const requestId = await nextRequest();
    const [first = new Uint8Array(0), second = new Uint8Array(0)] = deltaPayloads(requestId, 0, {
      content: 'Hello',
      padding: 'x'.repeat(60_000),
    });
    provider.send(RatatoskrType.COMPUTE_DELTA, first);
    chunk(new Uint8Array(16), 0, 'of nobody');
    expect(await provider.answer()).toBe('provider_answer_malformed');
    provider.send(RatatoskrType.COMPUTE_DELTA, first);
    provider.send(RatatoskrType.COMPUTE_DELTA, second);
    result(requestId, 'stop');
    const { choices } = await answer;
    expect(choices[0]?.message.content).toBe('Hello');
  });

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
      decodePayload(ComputeBody, (await provider.next(RatatoskrType.COMPUTE_BODY)).payload).requestId;
    const window = Math.ceil(BODY_WINDOW_BYTES / PIECE_BYTES_MAX);
    for (let piece = 0; piece < window; piece++) expect(await bodyOf()).toEqual(firstId);
    provider.send(
      RatatoskrType.COMPUTE_CREDIT,
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
    const cancel = await provider.next(RatatoskrType.COMPUTE_CANCEL);
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
    const frame = await provider.next(RatatoskrType.COMPUTE_REQUEST);
    const { requestId, body } = decodePayload(ComputeRequest, frame.payload);
    const told = Buffer.from(body).toString();
    for (const secret of [world.alice.userId, world.alice.token, world.alice.network.id]) {
      expect(told).not.toContain(secret);
    }
    result(requestId, '');
    expect((await answer).code).toBe('provider_answer_malformed');
  });
});
