import { describe, expect, it, vi } from 'vitest';
import { AnswerCredit } from '../../../device/provider/answer-credit.ts';
import { SIGN_OF_LIFE } from '../../../device/provider/completion-chunk.ts';
import { Endpoint } from '../../../device/provider/endpoint.ts';
import {
  ComputeCancel,
  ComputeFault,
  encodePayload,
  RatatoskrType,
  uuidToBytes,
} from '../../../proto/index.ts';
import { FakeClock, turn } from '../../support/clock.ts';
import { uuid } from '../../support/frames.ts';
import {
  DONE,
  delta,
  deltas,
  faults,
  offering,
  registrations,
  request,
  results,
  ScriptedEndpoint,
  setUp,
  usage,
} from '../../support/provider-world.ts';

describe('an endpoint that is asked for its models', () => {
  it('is not waited for after the signal', async () => {
    const controller = new AbortController();
    const silent: typeof fetch = (_url, init) =>
      new Promise((_, reject) => init?.signal?.addEventListener('abort', () => reject(init.signal?.reason)));
    const endpoint = new Endpoint(
      { baseUrl: 'http://endpoint/v1', apiKey: null },
      { fetch: silent, clock: new FakeClock() },
    );
    const models = endpoint.check(controller.signal);
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
    const answer = endpoint.complete(
      { path: '/chat/completions', choices: 1 },
      {},
      { firstTokenTimeoutMs: 1_000, stallTimeoutMs: 1_000, signal },
    );
    const first = answer.next();
    await turn();
    scripted.write(delta('one'));
    expect((await first).value).toEqual(SIGN_OF_LIFE);
    expect((await answer.next()).value).toMatchObject({ fields: { content: 'one' } });
    clock.advance(10_000);
    scripted.write(delta('two', 'stop') + DONE);
    expect((await answer.next()).value).toEqual(SIGN_OF_LIFE);
    expect((await answer.next()).value).toMatchObject({ fields: { content: 'two' } });
    expect((await answer.next()).done).toBe(true);
    expect(clock.pending).toBe(0);
  });
});

describe('an offer', () => {
  it('names model, price, context and slots, and is made again in every session', async () => {
    const world = await offering();
    const { server, clock } = world;
    const [offer] = registrations(world);
    expect(offer).toMatchObject({
      slots: 2,
      models: [
        {
          name: 'public',
          contextTokens: 8_192,
          promptPriceCents: '25',
          cachedPromptPriceCents: '2.5',
          completionPriceCents: '50.000001',
        },
      ],
    });
    server.connection.acknowledge(server.connection.last(RatatoskrType.PROVIDER_REGISTRATION));
    await turn();
    expect(world.reports).toEqual([{ kind: 'offered' }]);
    server.connection.end();
    clock.advance(0);
    server.connection.open();
    await turn();
    expect(server.connection.all(RatatoskrType.PROVIDER_REGISTRATION)).toHaveLength(1);
  });

  it('that is refused for good ends the provider', async () => {
    const { server, run } = await offering();
    server.connection.refuse(server.connection.last(RatatoskrType.PROVIDER_REGISTRATION), 'invalid_input');
    await expect(run).rejects.toMatchObject({ code: 'invalid_input' });
    expect(server.connection.closedByClient).toBe(true);
  });

  it('that the server cannot take now is made again later', async () => {
    const { server, clock } = await offering();
    server.connection.refuse(server.connection.last(RatatoskrType.PROVIDER_REGISTRATION), 'unavailable');
    await turn();
    clock.advance(2_000);
    await turn();
    expect(server.connection.all(RatatoskrType.PROVIDER_REGISTRATION)).toHaveLength(2);
  });
});

describe('a request', () => {
  it('to go on with an answer says so to endpoints that want to be told', async () => {
    const world = await offering();
    expect(registrations(world)[0]?.models?.[0]?.continuesAnswers).toBe(true);
    await request(world, 1, { isContinuation: true });
    expect(world.scripted.bodies[0]).toMatchObject({
      add_generation_prompt: false,
      continue_final_message: true,
    });
  });

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
    expect(deltas(world)).toEqual([[0, { content: 'Hel' }]]);
    world.scripted.write(delta('lo', 'length') + usage + DONE);
    await turn();
    expect(deltas(world)).toEqual([
      [0, { content: 'Hel' }],
      [1, { content: 'lo' }],
    ]);
    expect(results(world)).toMatchObject([
      { finishReason: 'length', usage: { promptTokens: 9, completionTokens: 2 } },
    ]);
    expect(world.reports.at(-1)).toEqual({
      kind: 'served',
      requestId: uuid(1),
      outcome: { kind: 'answered', finishReason: 'length' },
    });
  });

  it('is told without a count when the endpoint does not count', async () => {
    const world = await offering();
    await request(world, 1);
    world.scripted.write(delta('one two three', 'stop') + DONE);
    await turn();
    expect(results(world)[0]?.finishReason).toBe('stop');
    expect(results(world)[0]?.usage ?? null).toBeNull();
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
    expect(deltas(world)).toEqual([[0, { content: 'whole' }]]);
    expect(results(world)).toMatchObject([{ finishReason: 'stop', usage: { promptTokens: 1 } }]);
  });

  it.each<[string, (scripted: ScriptedEndpoint) => void, string]>([
    [
      'sends something that is not JSON',
      (scripted) => scripted.write('data: <html>\n\n'),
      'ANSWER_MALFORMED',
    ],
    ['sends something else', (scripted) => scripted.write('data: {"choices": 5}\n\n'), 'ANSWER_MALFORMED'],
    [
      'reports an error',
      (scripted) => scripted.write('data: {"error": {"message": "x"}}\n\n'),
      'FAULT_OF_PROVIDER',
    ],
    ['breaks off', (scripted) => scripted.breakOff(), 'FAULT_OF_PROVIDER'],
    ['ends too early', (scripted) => scripted.end(), 'FAULT_OF_PROVIDER'],
  ])('fails when the endpoint %s', async (_what, misbehave, fault) => {
    const world = await offering();
    await request(world, 1);
    world.scripted.write(delta('begin'));
    await turn();
    misbehave(world.scripted);
    await turn();
    expect(faults(world)).toEqual([fault]);
  });

  it.each<[number, string, Record<string, unknown>]>([
    [
      400,
      '{"error":{"message":"bad\\n effort","param":"reasoning_effort"}}',
      { fault: 'FAULT_OF_REQUESTER', reason: 'bad effort', param: 'reasoning_effort' },
    ],
    [413, 'Payload Too Large', { fault: 'FAULT_OF_REQUESTER', reason: 'Payload Too Large' }],
    [
      422,
      '{"detail":[{"loc":["body","seed"]}]}',
      { fault: 'FAULT_OF_REQUESTER', reason: '[{"loc":["body","seed"]}]' },
    ],
    [400, '{"error":{"message":"API key not valid."}}', { fault: 'FAULT_OF_PROVIDER' }],
    [
      404,
      '{"error":{"message":"no model x"}}',
      { fault: 'MODEL_UNKNOWN', reason: 'the endpoint answered status 404: no model x' },
    ],
    [400, '{"error":{"message":"gone","code":"model_not_found"}}', { fault: 'MODEL_UNKNOWN' }],
    [
      429,
      '{"error":"slow down"}',
      { fault: 'ENDPOINT_BUSY', reason: 'the endpoint answered status 429: slow down' },
    ],
    [503, '', { fault: 'ENDPOINT_BUSY' }],
    [429, '{"error":{"code":"insufficient_quota","message":"pay"}}', { fault: 'FAULT_OF_PROVIDER' }],
    [500, '<html>oops</html>', { fault: 'FAULT_OF_PROVIDER', reason: 'the endpoint answered status 500' }],
    [
      402,
      '{"message":"no credit"}',
      { fault: 'FAULT_OF_PROVIDER', reason: 'the endpoint answered status 402: no credit' },
    ],
  ])('that the endpoint refuses with %i %s is told with whose fault it is', async (status, body, told) => {
    const world = await offering();
    world.scripted.status = status;
    await request(world, 1);
    world.scripted.write(body);
    world.scripted.end();
    await turn();
    const failure = results(world)[0]?.failure;
    expect({ ...failure, fault: ComputeFault[failure?.fault ?? 0] }).toMatchObject({ status, ...told });
  });

  it('fails when the endpoint is silent for too long', async () => {
    const world = await offering();
    await request(world, 1);
    world.clock.advance(2_900);
    world.scripted.write(delta('begin'));
    await turn();
    world.clock.advance(999);
    expect(faults(world)).toEqual([]);
    world.clock.advance(1);
    await turn();
    expect(faults(world)).toEqual(['ENDPOINT_STALLED']);
  });

  it('that meets a fault of the provider fails without telling it, and the next one is served', async () => {
    const world = await offering();
    const fault = new TypeError('something private');
    vi.spyOn(AnswerCredit.prototype, 'take').mockRejectedValueOnce(fault);
    await request(world, 1);
    world.scripted.write(delta('begin'));
    await turn();
    expect(faults(world)).toEqual(['FAULT_OF_PROVIDER']);
    expect(results(world)[0]?.failure?.reason).toBe('the provider failed');
    expect(world.reports.slice(-2)).toEqual([
      { kind: 'failed', requestId: uuid(1), error: fault },
      {
        kind: 'served',
        requestId: uuid(1),
        outcome: { kind: 'failed', error: expect.objectContaining({ fault: 'provider' }) },
      },
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
    world.server.connection.push(RatatoskrType.COMPUTE_CANCEL, payload);
    await turn();
    expect(world.scripted.signals[0]?.aborted).toBe(true);
    expect(results(world)).toEqual([]);
    expect(world.reports.at(-1)).toMatchObject({ outcome: { kind: 'cancelled' } });
  });

  it('over the slots, or for another model, is refused', async () => {
    const world = await offering(1);
    await request(world, 1);
    await request(world, 2);
    await request(world, 3, { model: 'unknown' });
    expect(faults(world)).toEqual(['ENDPOINT_BUSY', 'MODEL_UNKNOWN']);
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

  it('that can not be read is ignored', async () => {
    const world = await offering();
    world.server.connection.push(RatatoskrType.COMPUTE_REQUEST, Uint8Array.of(0xff));
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
    expect(registrations(world).at(-1)).toBeNull();
    await request(world, 2);
    expect(faults(world)).toEqual(['ENDPOINT_BUSY']);
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

  it('before the provider runs keeps it from offering anything', async () => {
    const { server, provider } = setUp();
    await provider.stop();
    await provider.run();
    server.connection.open();
    expect(server.connection.closedByClient).toBe(true);
    expect(server.connection.received).toEqual([]);
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
