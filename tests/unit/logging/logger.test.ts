import { describe, expect, test } from 'vitest';
import { AppError } from '../../../server/kernel/errors.ts';
import { createLogger, type LogLevel } from '../../../server/platform/logging/index.ts';

/** What a logger at `level` writes while `work` runs, one object a line. */
function written(work: (logger: ReturnType<typeof createLogger>) => void, level: LogLevel = 'debug') {
  let text = '';
  const destination = {
    write: (line: string) => {
      text += line;
    },
  };
  work(createLogger({ level, destination }));
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

const logged = (fields: Record<string, unknown>) => written((logger) => logger.info(fields, 'm'))[0];

describe('a log line', () => {
  test('is one JSON object with level, time, fields and message', () => {
    const [line] = written((logger) => logger.warn({ operation: 'devices.create', count: 3 }, 'refused'));
    expect(line).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      operation: 'devices.create',
      count: 3,
      message: 'refused',
    });
  });

  test('below the level is not written', () => {
    const lines = written((logger) => {
      logger.debug({}, 'a');
      logger.info({}, 'b');
      logger.warn({}, 'c');
      logger.error({}, 'd');
    }, 'warn');
    expect(lines.map(({ message }) => message)).toEqual(['c', 'd']);
    expect(written((logger) => logger.error({}, 'x'), 'silent')).toEqual([]);
  });

  test.each([
    'token',
    'accessToken',
    'access_token',
    'tokens',
    'password',
    'signingKey',
    'signing_key',
    'authorization',
    'Authorization',
    'secret',
    'clientSecret',
    'setupCode',
    'Set-Cookie',
    'apiKey',
    'masterKey',
    'credentials',
    'tokenHash',
  ])('hides what is called %s, at any depth', (name) => {
    const line = JSON.stringify(
      logged({ [name]: 'hunter2', deep: { list: [{ [name]: { part: 'hunter2' } }] } }),
    );
    expect(line).not.toContain('hunter2');
    expect(line).toContain('***');
  });

  test('shows numbers whatever they are called', () => {
    expect(logged({ completionTokens: 12, token: 3, tokens: 5n })).toMatchObject({
      completionTokens: 12,
      token: 3,
      tokens: '5',
    });
  });

  test.each([
    'user ygu_abcDEF-123_x came',
    'device ygd_abcDEF-123_x came',
    'header Bearer abcDEF-123_x came',
    'protocol bearer.abcDEF-123_x came',
    'url postgres://me:abcDEF-123_x@db/ygg came',
  ])('hides a secret in the text %j, in fields, errors and message', (text) => {
    const lines = written((logger) =>
      logger.error({ detail: text, error: new Error(text, { cause: new Error(text) }) }, text),
    );
    expect(JSON.stringify(lines)).not.toContain('abcDEF-123_x');
    expect(lines[0]?.message).toMatch(/\*\*\*.* came$/);
  });

  test('of an error has name, message, code, stack and causes, and nothing else that hangs on it', () => {
    const cause = Object.assign(new Error('duplicate key'), { code: '23505', parameters: ['hunter2'] });
    const error = new AppError('conflict', 'conflict', 'Taken.', { cause, details: { field: 'x' } });
    const line = logged({ error });
    expect(line?.error).toEqual({
      name: 'AppError',
      message: 'Taken.',
      code: 'conflict',
      stack: expect.stringContaining('logger.test.ts'),
      cause: { name: 'Error', message: 'duplicate key', code: '23505', stack: expect.any(String) },
    });
  });

  test('shows bytes as their number and bigint as text', () => {
    expect(logged({ frame: new Uint8Array(100), cents: 2n ** 60n })).toMatchObject({
      frame: '<100 bytes>',
      cents: '1152921504606846976',
    });
  });

  test('of fields that contain themselves ends', () => {
    const loop: Record<string, unknown> = { name: 'a' };
    loop.self = loop;
    expect(JSON.stringify(logged({ loop })).length).toBeLessThan(500);
  });

  test('keeps a message with line breaks in one line', () => {
    expect(written((logger) => logger.info({ text: 'a\nb' }, 'c\n{"level":"error"}'))).toHaveLength(1);
  });
});
