import { describe, expect, it } from 'vitest';
import { Endpoint } from '../../../device/provider/endpoint.ts';
import { FakeClock, turn } from '../../support/clock.ts';
import {
  DONE,
  delta,
  deltas,
  faults,
  offering,
  request,
  results,
  type ScriptedEndpoint,
  usage,
  type World,
} from '../../support/provider-world.ts';

/** A provider that was given a request whose endpoint answers like this. */
async function answeredBy(
  answer: (scripted: ScriptedEndpoint) => void,
  contentType?: string,
): Promise<World> {
  const world = await offering();
  if (contentType !== undefined) world.scripted.contentType = contentType;
  await request(world, 1);
  answer(world.scripted);
  await turn();
  return world;
}

const textOf = (world: World) =>
  deltas(world)
    .map(([, { content }]) => content ?? '')
    .join('');
const nestedDelta = (levels: number) =>
  `data: {"choices":[{"delta":{"x":${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}}}]}\n\n`;
const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const choice = (index: number, content: string, finish: string | null = null) => ({
  index,
  delta: { content },
  finish_reason: finish,
});

describe('an endpoint that misbehaves', () => {
  it('in every way that an event stream allows is understood: cut anywhere, CRLF, comments, names, no space', async () => {
    const stream = new TextEncoder().encode(
      `\uFEFF: hello\r\n\r\nevent: x\r\nid: 7\r\ndata:${JSON.stringify({ choices: [choice(0, 'é😀')] })}\r\n\r\n` +
        `:\rdata: ${JSON.stringify({ choices: [choice(0, '漢', 'stop')] })}\r\rdata: [DONE]`,
    );
    const world = await answeredBy((scripted) => {
      for (const byte of stream) scripted.writeBytes(Uint8Array.of(byte));
      scripted.end();
    });
    expect(textOf(world)).toBe('é😀漢');
    expect(results(world)).toMatchObject([{ finishReason: 'stop', failure: null }]);
  });

  it('that says why it ended and stays open without [DONE] has answered', async () => {
    const world = await answeredBy((scripted) => scripted.write(delta('Hi', 'stop') + usage));
    expect(results(world)).toEqual([]);
    world.clock.advance(2_000);
    await turn();
    expect(results(world)).toMatchObject([{ finishReason: 'stop', usage: { completionTokens: 2 } }]);
    expect(world.scripted.signals[0]?.aborted).toBe(true);
  });

  it('that says why it ended and breaks off behind it has answered', async () => {
    const world = await answeredBy((scripted) => scripted.write(delta('Hi', 'length')));
    world.scripted.breakOff();
    await turn();
    expect(results(world)).toMatchObject([{ finishReason: 'length', failure: null }]);
  });

  it('that stays open behind [DONE] is left', async () => {
    const world = await answeredBy((scripted) => scripted.write(delta('Hi', 'stop') + DONE));
    expect(results(world)).toMatchObject([{ finishReason: 'stop' }]);
    expect(world.scripted.cancelled).toBe(1);
  });

  it('that gives several choices is taken at the first, wherever it stands', async () => {
    const world = await answeredBy((scripted) =>
      scripted.write(
        event({ choices: [choice(1, 'WRONG'), choice(0, 'a')] }) +
          event({ choices: [choice(1, 'WRONG', 'length')] }) +
          event({ choices: [choice(0, 'b', 'stop'), choice(1, 'WRONG')] }) +
          DONE,
      ),
    );
    expect(textOf(world)).toBe('ab');
    expect(results(world)).toMatchObject([{ finishReason: 'stop' }]);
  });

  it.each([['text/event-stream'], ['text/plain'], ['application/octet-stream']])(
    'that gives its answer whole as %s is understood',
    async (contentType) => {
      const whole = {
        choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
      };
      const world = await answeredBy((scripted) => {
        scripted.write(`\n\n${JSON.stringify(whole, null, 2)}`);
        scripted.end();
      }, contentType);
      expect(textOf(world)).toBe('Hi');
      expect(results(world)).toMatchObject([{ finishReason: 'stop' }]);
    },
  );

  it('that streams as application/json is understood', async () => {
    const world = await answeredBy((scripted) => {
      scripted.write(`: hello\n\n${delta('Hi')}${delta(' you', 'stop')}${usage}${DONE}`);
      scripted.end();
    }, 'application/json; charset=utf-8');
    expect(textOf(world)).toBe('Hi you');
    expect(results(world)).toMatchObject([{ finishReason: 'stop', usage: { completionTokens: 2 } }]);
  });

  it.each<[string, string, string]>([
    ['an error as the answer to a stream', '{"error":{"message":"overloaded"}}', 'FAULT_OF_PROVIDER'],
    ['an error between deltas', `${delta('a')}${event({ error: 'no' })}`, 'FAULT_OF_PROVIDER'],
    ['half a line of JSON', `${delta('a')}data: {"choices":[{"del`, 'ANSWER_MALFORMED'],
    ['a page', '<html><body>login</body></html>', 'FAULT_OF_PROVIDER'],
    ['JSON that is no completion', '{"object":"error","message":"no"}', 'ANSWER_MALFORMED'],
    ['a delta without end', nestedDelta(10_000), 'ANSWER_MALFORMED'],
    ['a field without end', nestedDelta(200), 'ANSWER_MALFORMED'],
    ['one endless line', `data: ${'x'.repeat(2_000_000)}`, 'ANSWER_MALFORMED'],
    ['endless lines of one event', 'data: x\n'.repeat(5_000_000), 'ANSWER_MALFORMED'],
  ])('and sends %s has failed, which is no fault of this program', async (_, answer, fault) => {
    const world = await answeredBy((scripted) => {
      scripted.write(answer);
      scripted.end();
    });
    await turn();
    expect(faults(world)).toEqual([fault]);
    expect(world.reports.filter(({ kind }) => kind === 'failed')).toEqual([]);
  });

  it('and sends 100 MB in one piece has failed before they are read', async () => {
    const world = await answeredBy((scripted) => scripted.writeBytes(new Uint8Array(100_000_000)));
    expect(faults(world)).toEqual(['ANSWER_MALFORMED']);
  });

  it.each([
    ['st\u0000op\r\n', 'st op'],
    ['\u202estop', 'stop'],
    [`${'x'.repeat(63)}😀`, 'x'.repeat(63)],
    ['\ud800', 'stop'],
    ['null', 'stop'],
  ])(
    'and ends for the reason %j is said to have ended for one that the server takes',
    async (given, told) => {
      const world = await answeredBy((scripted) => scripted.write(delta('Hi', given) + DONE));
      expect(results(world)).toMatchObject([{ finishReason: told }]);
    },
  );

  it('and sends us elsewhere is not followed: whoever is there has not been asked for', async () => {
    const world = await answeredBy(() => {});
    expect(world.scripted.redirects).toEqual(['manual']);
    const endpoint = new Endpoint(
      { baseUrl: 'http://endpoint/v1', apiKey: null },
      {
        fetch: async () => new Response(null, { status: 307, headers: { location: '/x' } }),
        clock: new FakeClock(),
      },
    );
    await expect(endpoint.check(new AbortController().signal)).rejects.toMatchObject({
      isDenial: true,
      message: 'the endpoint answered status 307',
    });
  });

  it('and lists models without end is not read to its end', async () => {
    let read = 0;
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        read += 65_536;
        controller.enqueue(new Uint8Array(65_536).fill(0x20));
      },
    });
    const endpoint = new Endpoint(
      { baseUrl: 'http://endpoint/v1', apiKey: null },
      {
        fetch: async (url) => new Response(String(url).endsWith('/models') ? stream : '{}'),
        clock: new FakeClock(),
      },
    );
    expect(await endpoint.check(new AbortController().signal)).toBeNull();
    expect(read).toBeLessThan(8_000_000);
  });
});
