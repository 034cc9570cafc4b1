import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type DeviceCredentials, type RatatoskrClient, systemClock } from '../../device/client/index.ts';
import { Endpoint } from '../../device/provider/endpoint.ts';
import { FEATURES } from '../../device/provider/features.ts';
import { Provider, type ProviderReport } from '../../device/provider/provider.ts';
import {
  ComputeCredit,
  ComputeDelta,
  ComputeRequest,
  decodePayload,
  findReceiptProblem,
  RatatoskrType,
  readReceipt,
} from '../../proto/index.ts';
import { findSignatureProblem } from '../../proto/ratatoskr/index.ts';
import { CREDIT_BYTES } from '../../server/domains/providers/index.ts';
import { ed25519 } from '../../server/platform/secrets/index.ts';
import { EndpointStandIn, says } from '../support/endpoint-stand-in.ts';
import { until } from '../support/market.ts';
import { openClient } from '../support/ratatoskr.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { runCommand } from '../support/server-process.ts';
import {
  createDevice,
  createHousehold,
  createWorld,
  type Household,
  topUp,
  type World,
} from '../support/world.ts';

let server: TestServer;
let world: World;
let endpoint: EndpointStandIn;
let provider: Provider;
let reports: ProviderReport[];
let run: Promise<void>;
/** Of the endpoint. */
let baseUrl: string;
/** Bytes of deltas that the provider sent, and that it may send more. */
let sentBytes: number;
let grantedBytes: number;
/** The body of the last request that the provider was given. */
let given: Uint8Array;

beforeAll(async () => {
  server = await startTestServer({ YGGDRASIL_SLOT_WAIT_MS: '0' });
  world = await createWorld(server);
  await topUp(world, world.alice.userId, 10_000);
});
afterAll(() => server.stop());

/** The provider's client, with what passes through it counted. */
function openCountedClient(credentials: DeviceCredentials): RatatoskrClient {
  const client = openClient(server, { credentials });
  const send = client.send.bind(client);
  client.send = (type, payload) => {
    if (type === RatatoskrType.COMPUTE_DELTA) sentBytes += decodePayload(ComputeDelta, payload).fields.length;
    return send(type, payload);
  };
  client.on('work', ({ type, payload }) => {
    if (type === RatatoskrType.COMPUTE_REQUEST) given = decodePayload(ComputeRequest, payload).body;
    if (type === RatatoskrType.COMPUTE_CREDIT) grantedBytes += decodePayload(ComputeCredit, payload).bytes;
  });
  return client;
}

beforeEach(async () => {
  sentBytes = 0;
  grantedBytes = 0;
  reports = [];
  endpoint = new EndpointStandIn();
  baseUrl = await endpoint.listen();
  const { token, network } = world.bob;
  const credentials = await createDevice(server, token, network.id, crypto.randomUUID());
  provider = new Provider(
    {
      slots: 4,
      firstTokenTimeoutMs: null,
      models: [
        {
          name: 'm',
          endpointName: 'm',
          prices: { prompt: '0.03', cachedPrompt: '0.003', completion: '0.12' },
          contextTokens: 2_000_000,
          continuesAnswers: false,
          features: FEATURES,
        },
      ],
    },
    {
      client: openCountedClient(credentials),
      endpoint: new Endpoint({ baseUrl, apiKey: null }, { fetch, clock: systemClock }),
      clock: systemClock,
      report: (report) => reports.push(report),
    },
  );
  run = provider.run();
  await until(() => reports.some(({ kind }) => kind === 'offered'));
});

afterEach(async () => {
  endpoint.close();
  await provider.stop();
  await run;
});

const clientOf = (token: string) =>
  new OpenAI({ baseURL: `${server.httpUrl}/v1`, apiKey: token, maxRetries: 0 });
const messages = [{ role: 'user' as const, content: 'Hello?' }];

interface Receipt {
  readonly content: string;
}

/** What is wrong with a receipt that is written like this; null: nothing. */
async function problemOf(text: string): Promise<string | null> {
  try {
    return await findReceiptProblem(readReceipt(JSON.parse(text)), {
      sha256: (bytes) => createHash('sha256').update(bytes).digest(),
      isSignedBy: ed25519.isSignedBy,
    });
  } catch (error) {
    return String(error);
  }
}

describe('a provider behind the server', () => {
  it('is held up by a reader that does not read, within its credit, while others go on', async () => {
    endpoint.answering = endpoint.floods;
    const slow = httpRequest(`${server.httpUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.alice.token}`, 'content-type': 'application/json' },
    });
    // Nothing reads the answer: it is paused from its first byte on.
    slow.on('response', (response) => response.pause());
    slow.on('error', () => {});
    slow.end(JSON.stringify({ model: 'm', messages, stream: true, max_tokens: 900_000 }));
    // A piece has up to 40 KB: with less credit than that the provider can't go on.
    const isHeldUp = () => sentBytes > 0 && CREDIT_BYTES + grantedBytes - sentBytes < 50_000;
    await until(() => isHeldUp());
    endpoint.answering = (response) => says(response, ['Hi', ' there']);
    const { choices } = await clientOf(world.alice.token).chat.completions.create({ model: 'm', messages });
    expect(choices[0]?.message.content).toBe('Hi there');
    await until(() => isHeldUp());
    expect(sentBytes).toBeLessThanOrEqual(CREDIT_BYTES + grantedBytes);
    const heldUpAtBytes = endpoint.writtenBytes;
    await clientOf(world.alice.token).chat.completions.create({ model: 'm', messages });
    expect(endpoint.writtenBytes).toBe(heldUpAtBytes);
    slow.destroy();
    await until(() =>
      reports.some((report) => report.kind === 'served' && report.outcome.kind === 'cancelled'),
    );
  });

  it('takes a request of several megabytes and gives all of it to its endpoint', async () => {
    const content = 'every word of it '.repeat(120_000);
    const asked = { model: 'm', messages: [{ role: 'user' as const, content }], max_tokens: 10 };
    const { usage } = await clientOf(world.alice.token).chat.completions.create(asked);
    expect(endpoint.asked[0]?.messages).toEqual(asked.messages);
    expect(usage?.prompt_tokens).toBeGreaterThan(400_000);
  });

  it('gives several answers, completions of text and vectors, each from its own path', async () => {
    const client = clientOf(world.alice.token);
    endpoint.answering = (response, { n, prompt, input }) => {
      const data = [{ index: 0, embedding: [0.5, 1] }];
      const choices = [0, 1].map((index) => {
        const said = prompt === undefined ? { message: { content: `c${index}` } } : { text: `t${index}` };
        return { index, ...said, finish_reason: index === 0 ? 'stop' : 'length' };
      });
      const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
      response.end(JSON.stringify(input ? { data, usage } : { choices: choices.slice(0, Number(n)), usage }));
    };
    const chat = await client.chat.completions.create({ model: 'm', messages, n: 2 });
    expect(chat.choices.map(({ message }) => message.content)).toEqual(['c0', 'c1']);
    const text = await client.completions.create({ model: 'm', prompt: 'Once', n: 2 });
    expect(text.choices.map((choice) => [choice.text, choice.finish_reason])).toEqual([
      ['t0', 'stop'],
      ['t1', 'length'],
    ]);
    const { data, usage } = await client.embeddings.create({ model: 'm', input: 'Once' });
    expect(data.map(({ embedding }) => [...embedding])).toEqual([[0.5, 1]]);
    expect(usage.prompt_tokens).toBe(1);
    expect(endpoint.paths).toEqual(['/v1/chat/completions', '/v1/completions', '/v1/embeddings']);
  });

  it('answers a request of the market itself, by what it needs, to whoever made it alone', async () => {
    const ask = (path: string, token: string, body?: object) =>
      fetch(`${server.httpUrl}/api/v1/marketplace/requests${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    const { token } = world.alice;
    const need = { features: ['tools'], sort: 'price' };
    const made = await ask('', token, {
      need,
      prompt: 'Hello?',
      maximumCostCents: '100',
      completionTokensMax: 50,
    });
    const { id, status } = (await made.json()) as { id: string; status: string };
    expect([made.status, status]).toEqual([201, 'PENDING']);
    const ended = await until(async () => {
      const request = (await (await ask(`/${id}`, token)).json()) as { status: string };
      return request.status === 'COMPLETED' ? request : null;
    });
    expect(ended).toMatchObject({
      model: 'm',
      answer: 'Hello',
      finishReason: 'stop',
      cost: { currency: 'EUR' },
      providersTried: [expect.any(String)],
      transactionId: expect.any(String),
      failureCode: null,
    });
    const unknown = await ask(`/${crypto.randomUUID()}`, token);
    const foreign = await ask(`/${id}`, world.bob.token);
    expect([foreign.status, unknown.status]).toEqual([404, 404]);
    const code = async (answer: Response) =>
      ((await answer.json()) as { error: { code: string } }).error.code;
    expect([await code(foreign), await code(unknown)]).toEqual(['response_not_found', 'response_not_found']);
    const tooDear = await ask('', token, { prompt: 'Hello?', maximumCostCents: '0.000001' });
    const { id: refused } = (await tooDear.json()) as { id: string };
    await until(async () => {
      const request = (await (await ask(`/${refused}`, token)).json()) as { failureCode: string | null };
      return request.failureCode === 'maximum_cost_exceeded';
    });
  });

  it('leaves a receipt with each side, which anybody can check without the server, to the last byte', async () => {
    endpoint.answering = (response) => says(response, ['Hi', ' there']);
    const asked = { model: 'm', messages };
    const { id, usage } = await clientOf(world.alice.token).chat.completions.create(asked);
    const requestId = id.replace('chatcmpl-', '');
    const receiptsOf = async (token: string) => {
      const { items } = await server.get<{ items: Receipt[] }>(`/api/v1/audit/messages/${requestId}`, token);
      return items;
    };
    const [ours] = await receiptsOf(world.alice.token);
    const [theirs] = await receiptsOf(world.bob.token);
    const [ordered, served] = [ours, theirs].map((one) => JSON.parse(one?.content ?? ''));
    const delivery = {
      provider: expect.any(String),
      answerHash: createHash('sha256').update('Hi there').digest('hex'),
      completionTokens: usage?.completion_tokens,
      microcentsPer1000Tokens: { prompt: '30000', cachedPrompt: '3000', completion: '120000' },
    };
    expect(ordered).toMatchObject({
      receipt: 'yggdrasil receipt 1',
      side: 'requester',
      request: requestId,
      state: 'COMPLETED',
      orderHash: createHash('sha256').update(given).digest('hex'),
      promptTokens: usage?.prompt_tokens,
      delivered: [delivery],
    });
    expect(served).toMatchObject({
      side: 'provider',
      request: requestId,
      orderHash: ordered.orderHash,
      delivered: [delivery],
      costMicrocents: ordered.costMicrocents,
    });
    expect(BigInt(served.feeMicrocents) + BigInt(served.earningsMicrocents)).toBe(
      BigInt(ordered.costMicrocents),
    );
    // The provider's has what its device signed of it; the requester's has nothing of that session.
    expect(served.signed).toMatchObject({ publicKey: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(findSignatureProblem(theirs?.content ?? '', ed25519.isSignedBy)).toBeNull();
    expect(ordered.signed).toBeUndefined();
    // Neither says who the other is.
    const [alice, bob] = [world.alice, world.bob].map(({ userId, token }) => [userId, token]);
    for (const secret of bob ?? []) expect(JSON.stringify(ours)).not.toContain(secret);
    for (const secret of alice ?? []) expect(JSON.stringify(theirs)).not.toContain(secret);

    const text = JSON.stringify(ours);
    expect(await problemOf(text)).toBeNull();
    expect(await problemOf(JSON.stringify(theirs))).toBeNull();
    const unseen: number[] = [];
    for (let at = 0; at < text.length; at++) {
      const other = String.fromCharCode(text.charCodeAt(at) ^ 1);
      if ((await problemOf(text.slice(0, at) + other + text.slice(at + 1))) === null) unseen.push(at);
    }
    expect(unseen).toEqual([]);
  });

  it('gives a field that its endpoint refuses back to whoever sent it, and serves the next', async () => {
    endpoint.answering = (response, { reasoning_effort: effort }) => {
      if (effort === undefined) says(response, ['Hello']);
      else {
        const error = { message: `Unknown effort: ${effort}`, param: 'reasoning_effort', code: null };
        response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
      }
    };
    const client = clientOf(world.alice.token);
    for (let i = 0; i < 4; i++) {
      const asked = { model: 'm', messages, reasoning_effort: 'heroic' as 'high' };
      await expect(client.chat.completions.create(asked)).rejects.toMatchObject({
        status: 400,
        code: 'request_rejected',
        param: 'reasoning_effort',
        message: expect.stringContaining('Unknown effort: heroic'),
      });
    }
    expect(endpoint.asked).toHaveLength(4);
    expect((await client.chat.completions.create({ model: 'm', messages })).choices).toHaveLength(1);
  });

  it('tells its owner that its endpoint lets it in no more, and offers nothing', async () => {
    endpoint.denial = { status: 401, body: '{"error":{"message":"the key was withdrawn"}}' };
    const client = clientOf(world.alice.token);
    await expect(client.chat.completions.create({ model: 'm', messages })).rejects.toMatchObject({
      code: 'provider_failed',
    });
    const denied = await until(() => reports.find(({ kind }) => kind === 'denied'));
    expect(denied).toMatchObject({
      error: { status: 401, message: 'the endpoint answered status 401: the key was withdrawn' },
    });
    await until(async () => {
      const { items } = await server.get<{ items: unknown[] }>(
        '/api/v1/marketplace/providers',
        world.alice.token,
      );
      return items.length === 0;
    });
  });
});

describe('the program of a provider', () => {
  let directory: string;
  let options: string[];
  let owner: Household;
  let child: ChildProcess | null = null;
  const environment = () => ({ YGGDRASIL_TOKEN: owner.token });

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'yggdrasil-provider-'));
    owner = await createHousehold(server, world.adminToken);
    const file = join(directory, 'device.json');
    writeFileSync(file, JSON.stringify(owner.device));
    const sessions = `${server.httpUrl.replace('http', 'ws')}/ratatoskr`;
    options = ['--credentials', file, '--server', sessions, '--endpoint', baseUrl];
  });
  afterEach(() => {
    child?.kill('SIGKILL');
    rmSync(directory, { recursive: true });
  });

  const doctor = () =>
    runCommand('provider', { arguments: ['doctor', '--json', ...options], environment: environment() });

  it('finds the models, registers them, shows what it earns; its doctor finds it well, and ill without it', async () => {
    const connect = [...options, '--price-cents', '0.05', '--json'];
    const program = spawn(process.execPath, ['build/yggdrasil.js', 'provider', 'connect', ...connect], {
      env: { ...process.env, ...environment() },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child = program;
    const ended = once(program, 'close');
    let output = '';
    program.stdout.on('data', (data: Buffer) => {
      output += data.toString();
    });
    const told = (event: string) =>
      output
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .find((line) => line.event === event);
    await until(() => told('offered'));
    expect(told('models')).toMatchObject({ models: ['m'] });
    expect(told('registered')).toBeDefined();
    const path = `/api/v1/marketplace/providers/${owner.device.deviceId}`;
    const seen = await server.get<{ id: string; models: object[]; registration: object }>(path, owner.token);
    expect(seen).toMatchObject({
      models: [{ name: 'm', pricesCentsPer1000Tokens: { prompt: '0.05' } }],
      registration: { origin: 'owner', withheld: null },
    });
    const { choices } = await clientOf(world.alice.token).chat.completions.create({
      model: 'm',
      messages,
      ...{ provider: { only: [seen.id] } },
    });
    expect(choices[0]?.message.content).toBe('Hello');
    const earned = await until(() => told('earned'));
    expect(earned).toMatchObject({ requests: 1 });
    expect(Number(earned.earnings)).toBeGreaterThan(0);
    // New ones are tested by themselves.
    const lastTest = await until(async () => {
      const { registration } = await server.get<{ registration: { lastTest: object | null } }>(
        path,
        owner.token,
      );
      return registration.lastTest;
    });
    expect(lastTest).toMatchObject({ model: 'm', failureCode: null, connectionMs: expect.any(Number) });
    const well = await doctor();
    expect(well.code, well.stdout).toBe(0);
    expect(JSON.parse(well.stdout)).toMatchObject({ ok: true });
    program.kill('SIGTERM');
    expect((await ended)[0]).toBe(0);
    const ill = await doctor();
    expect(ill.code).toBe(1);
    const { findings } = JSON.parse(ill.stdout) as { findings: { check: string; ok: boolean | null }[] };
    expect(findings.filter(({ ok }) => ok === false).map(({ check }) => check)).toEqual(['program']);
  });
});
