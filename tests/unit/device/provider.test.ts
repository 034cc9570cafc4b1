import { describe, expect, it, vi } from 'vitest';
import { createBifrostClient } from '../../../device/client/index.ts';
import { Endpoint } from '../../../device/provider/endpoint.ts';
import { Provider, type ProviderReport } from '../../../device/provider/provider.ts';
import {
  ComputeCancel,
  ComputeChunk,
  ComputeRequest,
  ComputeResult,
  decodePayload,
  encodePayload,
  errorCodeName,
  FrameType,
  ProviderOffer,
  uuidToBytes,
} from '../../../proto/index.ts';
import { madeUpCredentials, StandInServer } from '../../support/bifrost-server.ts';
import { FakeClock, turn } from '../../support/clock.ts';
import { createDeviceCore } from '../../support/core.ts';
import { uuid } from '../../support/frames.ts';
import { createSeededRandom } from '../../support/random.ts';

const credentials = madeUpCredentials();
const core = createDeviceCore();

/** An endpoint whose answer a test writes while it is being read. */
class ScriptedEndpoint {
  readonly bodies: Record<string, unknown>[] = [];
  readonly signals: (AbortSignal | null | undefined)[] = [];
  contentType = 'text/event-stream';
  status = 200;
  #streams: ReadableStreamDefaultController<Uint8Array>[] = [];

  readonly fetch: typeof fetch = async (_url, init) => {
    this.bodies.push(JSON.parse(String(init?.body)));
    this.signals.push(init?.signal);
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#streams.push(controller);
        init?.signal?.addEventListener('abort', () => controller.error(new Error('aborted')));
      },
    });
    return new Response(stream, { status: this.status, headers: { 'content-type': this.contentType } });
  };

  write(text: string, index = 0): void {
    this.#streams[index]?.enqueue(new TextEncoder().encode(text));
  }

  end(index = 0): void {
    this.#streams[index]?.close();
  }

  breakOff(index = 0): void {
    this.#streams[index]?.error(new Error('connection reset'));
  }
}

const delta = (content: string, finish: string | null = null) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] })}\n\n`;
const usage = 'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}\n\n';
const DONE = 'data: [DONE]\n\n';

function setUp(slots = 2, listen: (report: ProviderReport) => void = () => {}) {
  const server = new StandInServer(credentials);
  const clock = new FakeClock();
  const scripted = new ScriptedEndpoint();
  const reports: ProviderReport[] = [];
  const client = createBifrostClient(
    { url: 'ws://server/bifrost', credentials },
    { core, openSocket: server.openSocket, clock, random: createSeededRandom(1) },
  );
  const endpoint = new Endpoint(
    { baseUrl: 'http://endpoint/v1/', apiKey: null },
    { fetch: scripted.fetch, clock },
  );
  const model = {
    name: 'public',
    endpointName: 'internal',
    priceCentsPer1000Tokens: 25,
    contextTokens: 8_192,
  };
  const provider = new Provider(
    { models: [model], slots },
    {
      client,
      endpoint,
      clock,
      report: (report) => {
        reports.push(report);
        listen(report);
      },
    },
  );
  return { server, clock, scripted, reports, provider };
}

async function offering(...options: Parameters<typeof setUp>) {
  const world = setUp(...options);
  const run = world.provider.run();
  world.server.connection.welcome();
  await turn();
  return { ...world, run };
}

type World = Awaited<ReturnType<typeof offering>>;

async function request(
  { server }: World,
  number: number,
  changes: Partial<ConstructorParameters<typeof ComputeRequest>[0]> = {},
): Promise<void> {
  const body = new TextEncoder().encode(
    JSON.stringify({
      model: 'public',
      messages: [{ role: 'user', content: 'hi' }],
      max_completion_tokens: 7,
      seed: 3,
    }),
  );
  const payload = encodePayload(ComputeRequest, {
    requestId: uuidToBytes(uuid(number)),
    model: 'public',
    body,
    maxTokens: 50,
    stallTimeoutMs: 1_000,
    ...changes,
  });
  server.connection.push({ type: FrameType.COMPUTE_REQUEST }, payload);
  await turn();
}

const chunks = ({ server }: World) =>
  server.connection.all(FrameType.COMPUTE_CHUNK).map(({ payload }) => decodePayload(ComputeChunk, payload));
const results = ({ server }: World) =>
  server.connection.all(FrameType.COMPUTE_RESULT).map(({ payload }) => decodePayload(ComputeResult, payload));
const errorNames = (world: World) => results(world).map(({ error }) => errorCodeName(error?.code ?? 0));

describe('an endpoint that is asked for its models', () => {
  it('is not waited for after the signal', async () => {
    const controller = new AbortController();
    const silent: typeof fetch = (_url, init) =>
      new Promise((_, reject) => init?.signal?.addEventListener('abort', () => reject(init.signal?.reason)));
    const endpoint = new Endpoint(
      { baseUrl: 'http://endpoint/v1', apiKey: null },
      { fetch: silent, clock: new FakeClock() },
    );
    const models = endpoint.listModels(controller.signal);
    controller.abort(new Error('stopped'));
    await expect(models).rejects.toThrow('stopped');
  });
});

describe('an answer of an endpoint', () => {
  it('does not stall while its receiver takes time', async () => {
    const clock = new FakeClock();
    const scripted = new ScriptedEndpoint();
    const endpoint = new Endpoint(
      { baseUrl: 'http://endpoint/v1', apiKey: null },
      { fetch: scripted.fetch, clock },
    );
    const { signal } = new AbortController();
    const answer = endpoint.complete({}, { stallTimeoutMs: 1_000, signal });
    const first = answer.next();
    await turn();
    scripted.write(delta('one'));
    expect((await first).value).toMatchObject({ text: 'one' });
    clock.advance(10_000);
    scripted.write(delta('two', 'stop') + DONE);
    expect((await answer.next()).value).toMatchObject({ text: 'two' });
    expect((await answer.next()).done).toBe(true);
    expect(clock.pending).toBe(0);
  });
});

describe('an offer', () => {
  it('names model, price, context and slots, and is made again in every session', async () => {
    const world = await offering();
    const { server, clock } = world;
    const offer = decodePayload(ProviderOffer, server.connection.last(FrameType.PROVIDER_OFFER).payload);
    expect(offer).toMatchObject({
      slots: 2,
      models: [{ name: 'public', priceCentsPer_1000Tokens: 25, contextTokens: 8_192 }],
    });
    server.connection.acknowledge(server.connection.last(FrameType.PROVIDER_OFFER), 0);
    await turn();
    expect(world.reports).toEqual([{ kind: 'offered' }]);
    server.connection.end();
    clock.advance(0);
    server.connection.welcome();
    await turn();
    expect(server.connection.all(FrameType.PROVIDER_OFFER)).toHaveLength(1);
  });

  it('that is refused for good ends the provider', async () => {
    const { server, run } = await offering();
    server.connection.refuse(server.connection.last(FrameType.PROVIDER_OFFER), 'invalid_input');
    await expect(run).rejects.toMatchObject({ code: 'invalid_input' });
    expect(server.connection.closedByClient).toBe(true);
  });

  it('that the server cannot take now is made again later', async () => {
    const { server, clock } = await offering();
    server.connection.refuse(server.connection.last(FrameType.PROVIDER_OFFER), 'unavailable');
    await turn();
    clock.advance(2_000);
    await turn();
    expect(server.connection.all(FrameType.PROVIDER_OFFER)).toHaveLength(2);
  });
});

describe('a request', () => {
  it('goes to the endpoint under its own name for the model, streaming, within the bound', async () => {
    const world = await offering();
    await request(world, 1);
    expect(world.scripted.bodies).toEqual([
      {
        model: 'internal',
        messages: [{ role: 'user', content: 'hi' }],
        seed: 3,
        stream: true,
        stream_options: { include_usage: true },
        max_tokens: 50,
      },
    ]);
  });

  it('is answered in order, with the finish reason and the count of the endpoint', async () => {
    const world = await offering();
    await request(world, 1);
    world.scripted.write(`: warming up\n\n${delta('Hel')}`);
    await turn();
    expect(chunks(world).map(({ text }) => text)).toEqual(['Hel']);
    world.scripted.write(delta('lo', 'length') + usage + DONE);
    await turn();
    expect(chunks(world).map(({ index, text }) => [index, text])).toEqual([
      [0, 'Hel'],
      [1, 'lo'],
    ]);
    expect(results(world)).toMatchObject([{ finishReason: 'length', promptTokens: 9, completionTokens: 2 }]);
    expect(world.reports.at(-1)).toEqual({ kind: 'served', requestId: uuid(1), outcome: 'length' });
  });

  it('is counted here when the endpoint does not count', async () => {
    const world = await offering();
    await request(world, 1);
    world.scripted.write(delta('one two three', 'stop') + DONE);
    // The tokenizer is loaded with its first use.
    await vi.waitFor(() => {
      expect(results(world)).toMatchObject([{ finishReason: 'stop', completionTokens: 3, promptTokens: 7 }]);
    }, 10_000);
  });

  it('with control tokens in prompt and answer has them counted as text', async () => {
    const world = await offering();
    const messages = [{ role: 'user', content: '<|endoftext|>' }];
    await request(world, 1, { body: new TextEncoder().encode(JSON.stringify({ messages })) });
    world.scripted.write(delta('<|endofprompt|>', 'stop') + DONE);
    await vi.waitFor(() => {
      expect(results(world)).toMatchObject([{ finishReason: 'stop', promptTokens: 13, completionTokens: 7 }]);
    }, 10_000);
  });

  it('is answered from an endpoint that does not stream', async () => {
    const world = await offering();
    world.scripted.contentType = 'application/json';
    await request(world, 1);
    const message = { role: 'assistant', content: 'whole' };
    world.scripted.write(
      JSON.stringify({
        choices: [{ message, finish_reason: 'stop' }],
        usage: { prompt_tokens: 1, completion_tokens: 1 },
      }),
    );
    world.scripted.end();
    await turn();
    expect(chunks(world).map(({ text }) => text)).toEqual(['whole']);
    expect(results(world)).toMatchObject([{ finishReason: 'stop', promptTokens: 1 }]);
  });

  it.each<[string, (scripted: ScriptedEndpoint) => void, string]>([
    [
      'sends something that is not JSON',
      (scripted) => scripted.write('data: <html>\n\n'),
      'provider_answer_malformed',
    ],
    [
      'sends something else',
      (scripted) => scripted.write('data: {"choices": 5}\n\n'),
      'provider_answer_malformed',
    ],
    [
      'reports an error',
      (scripted) => scripted.write('data: {"error": {"message": "x"}}\n\n'),
      'provider_failed',
    ],
    ['breaks off', (scripted) => scripted.breakOff(), 'provider_failed'],
    ['ends too early', (scripted) => scripted.end(), 'provider_failed'],
  ])('fails when the endpoint %s', async (_what, misbehave, code) => {
    const world = await offering();
    await request(world, 1);
    world.scripted.write(delta('begin'));
    await turn();
    misbehave(world.scripted);
    await turn();
    expect(errorNames(world)).toEqual([code]);
  });

  it('fails when the endpoint refuses, and tells the status only', async () => {
    const world = await offering();
    world.scripted.status = 500;
    await request(world, 1);
    expect(errorNames(world)).toEqual(['provider_failed']);
    expect(results(world)[0]?.error?.message).toBe('the endpoint answered status 500');
  });

  it('fails when the endpoint is silent for too long', async () => {
    const world = await offering();
    await request(world, 1);
    world.clock.advance(900);
    world.scripted.write(delta('begin'));
    await turn();
    world.clock.advance(999);
    expect(errorNames(world)).toEqual([]);
    world.clock.advance(1);
    await turn();
    expect(errorNames(world)).toEqual(['provider_stalled']);
  });

  it('that meets a fault of the provider fails without telling it, and the next one is served', async () => {
    const world = await offering();
    const { connection } = world.server;
    const fault = new TypeError('something private');
    await request(world, 1);
    vi.spyOn(connection, 'send').mockImplementationOnce(() => {
      throw fault;
    });
    world.scripted.write(delta('begin'));
    await turn();
    expect(errorNames(world)).toEqual(['provider_failed']);
    expect(results(world)[0]?.error?.message).toBe('the provider failed');
    expect(world.reports.slice(-2)).toEqual([
      { kind: 'failed', requestId: uuid(1), error: fault },
      { kind: 'served', requestId: uuid(1), outcome: 'provider_failed' },
    ]);
    await request(world, 2);
    world.scripted.write(delta('done', 'stop') + usage + DONE, 1);
    await turn();
    expect(results(world)[1]).toMatchObject({ finishReason: 'stop' });
  });

  it('whose end cannot be told ends the provider, and its connection with it', async () => {
    const world = await offering(2, ({ kind }) => {
      if (kind === 'served') throw new Error('the disk is full');
    });
    const failed = expect(world.run).rejects.toThrow('the disk is full');
    await request(world, 1);
    world.scripted.write(delta('done', 'stop') + usage + DONE);
    await failed;
    expect(world.server.connection.closedByClient).toBe(true);
    expect(world.clock.pending).toBe(0);
  });

  it('that is cancelled ends at the endpoint, and nothing more is said', async () => {
    const world = await offering();
    await request(world, 1);
    const payload = encodePayload(ComputeCancel, { requestId: uuidToBytes(uuid(1)) });
    world.server.connection.push({ type: FrameType.COMPUTE_CANCEL }, payload);
    await turn();
    expect(world.scripted.signals[0]?.aborted).toBe(true);
    expect(results(world)).toEqual([]);
    expect(world.reports.at(-1)).toMatchObject({ outcome: 'cancelled' });
  });

  it('over the slots, or for another model, is refused', async () => {
    const world = await offering(1);
    await request(world, 1);
    await request(world, 2);
    await request(world, 3, { model: 'unknown' });
    expect(errorNames(world)).toEqual(['unavailable', 'model_not_found']);
    world.scripted.write(delta('done', 'stop') + usage + DONE);
    await turn();
    await request(world, 4);
    expect(world.scripted.bodies).toHaveLength(2);
  });

  it('ends at the endpoint when the session ends', async () => {
    const world = await offering();
    await request(world, 1);
    world.server.connection.end();
    await turn();
    expect(world.scripted.signals[0]?.aborted).toBe(true);
  });

  it('from anybody but the server is ignored', async () => {
    const world = await offering();
    const payload = encodePayload(ComputeRequest, { requestId: uuidToBytes(uuid(1)), model: 'public' });
    world.server.connection.push({ type: FrameType.COMPUTE_REQUEST, sourceId: uuid(9) }, payload);
    world.server.connection.push({ type: FrameType.COMPUTE_REQUEST }, Uint8Array.of(0xff));
    await turn();
    expect(world.scripted.bodies).toEqual([]);
    expect(world.reports.at(-1)).toMatchObject({ kind: 'dropped' });
  });
});

describe('stopping', () => {
  it('takes the offer back, lets the running request finish, and disconnects', async () => {
    const world = await offering();
    await request(world, 1);
    const stopped = world.provider.stop();
    expect(world.server.connection.all(FrameType.PROVIDER_WITHDRAW)).toHaveLength(1);
    await request(world, 2);
    expect(errorNames(world)).toEqual(['unavailable']);
    world.scripted.write(delta('done', 'stop') + usage + DONE);
    await stopped;
    await world.run;
    expect(results(world)).toHaveLength(2);
    expect(world.server.connection.closedByClient).toBe(true);
    expect(world.clock.pending).toBe(0);
  });

  it('before there is a session ends the provider without an error', async () => {
    const { server, provider } = setUp();
    const run = provider.run();
    await provider.stop();
    await run;
    expect(server.connection.closedByClient).toBe(true);
  });

  it('before the provider runs keeps it from connecting', async () => {
    const { server, provider } = setUp();
    await provider.stop();
    await provider.run();
    expect(server.connections).toEqual([]);
  });

  it('does not wait for ever', async () => {
    const world = await offering();
    await request(world, 1, { stallTimeoutMs: 60_000 });
    const stopped = world.provider.stop();
    world.clock.advance(5_000);
    await stopped;
    await world.run;
    expect(world.scripted.signals[0]?.aborted).toBe(true);
  });
});
