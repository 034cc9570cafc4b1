import { describe, expect, it } from 'vitest';
import {
  createLogMemory,
  FOLLOWER_LINES_MAX,
  FOLLOWERS_MAX,
  type FollowedLine,
  KEPT_LINES_MAX,
  type LineFilter,
} from '../../../server/platform/logging/log-memory.ts';
import { FakeClock } from '../../support/clock.ts';
import { createMemoryLogger, silentLogger } from '../../support/logger.ts';

const ALL: LineFilter = { level: 'info', operation: null, sinceMs: null, untilMs: null };
const PAGE = { offset: 0, limit: 100_000 };

const build = () => createLogMemory(silentLogger, new FakeClock());

/** The next lines of a reader, as texts. */
async function read(lines: AsyncIterator<FollowedLine>, count: number): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) {
    const { value, done } = await lines.next();
    if (done) break;
    texts.push('missed' in value ? `missed ${value.missed}` : value.message);
  }
  return texts;
}

describe('the memory of the log', () => {
  it('keeps the newest lines of each level, whatever floods another', () => {
    const memory = build();
    memory.logger.error({}, 'first');
    for (let line = 0; line < 5 * KEPT_LINES_MAX; line++) memory.logger.info({}, String(line));
    const { lines, total } = memory.list(ALL, PAGE);
    expect([lines.length, total]).toEqual([KEPT_LINES_MAX + 1, KEPT_LINES_MAX + 1]);
    expect([lines[0]?.message, lines.at(-1)?.message]).toEqual([String(5 * KEPT_LINES_MAX - 1), 'first']);
  });

  it('gives lines on, and keeps of their facts only what is known by name and of our own form', () => {
    const { logger, lines } = createMemoryLogger();
    const memory = createLogMemory(logger, new FakeClock());
    const secret = 'the code is 12345678';
    memory.logger.warn(
      {
        operation: 'a.b',
        code: secret,
        status: 403,
        reason: secret,
        topic: secret,
        token: 'x',
        error: new TypeError(secret),
      },
      'refused',
    );
    expect(lines).toHaveLength(1);
    const [line] = memory.list(ALL, PAGE).lines;
    expect(line).toMatchObject({
      operation: 'a.b',
      message: 'refused',
      facts: { status: 403, error: 'TypeError' },
    });
    expect(Object.keys(line?.facts ?? {})).toEqual(['status', 'error']);
  });

  it('is filtered by level, operation and time, and has pages', () => {
    const clock = new FakeClock();
    const memory = createLogMemory(silentLogger, clock);
    const beganMs = clock.nowMs();
    memory.logger.info({ operation: 'a.b' }, '1');
    clock.advance(1_000);
    memory.logger.warn({ operation: 'a.c' }, '2');
    clock.advance(1_000);
    memory.logger.error({ operation: 'a.b' }, '3');
    const found = (filter: Partial<LineFilter>, page = PAGE) =>
      memory.list({ ...ALL, ...filter }, page).lines.map(({ message }) => message);
    expect(found({ level: 'warn' })).toEqual(['3', '2']);
    expect(found({ operation: 'a.b' })).toEqual(['3', '1']);
    expect(found({ sinceMs: beganMs + 1_000 })).toEqual(['3', '2']);
    expect(found({ untilMs: beganMs + 1_000 })).toEqual(['1']);
    expect(found({}, { offset: 1, limit: 1 })).toEqual(['2']);
  });
});

describe('who follows the log', () => {
  it('hears what was kept behind its place, then what comes, until it leaves', async () => {
    const memory = build();
    const leaving = new AbortController();
    for (const message of ['1', '2', '3']) memory.logger.info({}, message);
    const lines = memory.follow(ALL, 1, leaving.signal)?.[Symbol.asyncIterator]();
    if (lines === undefined) throw new Error('not followed');
    expect(await read(lines, 2)).toEqual(['2', '3']);
    const next = read(lines, 1);
    memory.logger.info({}, '4');
    expect(await next).toEqual(['4']);
    const last = read(lines, 1);
    leaving.abort();
    expect(await last).toEqual([]);
  });

  it('is told how many lines it missed where it reads too slowly', async () => {
    const memory = build();
    const lines = memory.follow(ALL, null, new AbortController().signal)?.[Symbol.asyncIterator]();
    if (lines === undefined) throw new Error('not followed');
    const first = read(lines, 1);
    for (let line = 0; line < FOLLOWER_LINES_MAX + 5; line++) memory.logger.info({}, String(line));
    const rest = await read(lines, FOLLOWER_LINES_MAX);
    expect([await first, rest.at(-1)]).toEqual([['0'], 'missed 5']);
    memory.close();
    expect(await read(lines, 1)).toEqual([]);
  });

  it('is refused where as many follow as may; one that leaves makes room', async () => {
    const memory = build();
    const leaving = Array.from({ length: FOLLOWERS_MAX }, () => new AbortController());
    const followed = leaving.map(({ signal }) => memory.follow(ALL, null, signal)?.[Symbol.asyncIterator]());
    const reading = followed.map((lines) => lines?.next());
    const { signal } = new AbortController();
    expect(memory.follow(ALL, null, signal)).toBeNull();
    leaving[0]?.abort();
    await reading[0];
    expect(memory.follow(ALL, null, signal)).not.toBeNull();
    memory.close();
    await Promise.all(reading);
  });
});
