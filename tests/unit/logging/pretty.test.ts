import { describe, expect, it } from 'vitest';
import { createLineFormat, createLogger } from '../../../server/platform/logging/index.ts';

/** What a logger with this format writes. */
async function written(colours: boolean, write: (logger: ReturnType<typeof createLogger>) => void) {
  const lines: string[] = [];
  const format = await createLineFormat({ colours });
  write(
    createLogger({ level: 'info', destination: { write: (line: string) => void lines.push(line) }, format }),
  );
  return lines.join('');
}

describe('a log for people', () => {
  it('has a line for each, with time, level, message and fields', async () => {
    const text = await written(false, (logger) =>
      logger.warn({ operation: 'devices.list', status: 429 }, 'refused'),
    );
    expect(text).toMatch(
      /^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: refused \{"operation":"devices\.list","status":429\}\n$/,
    );
  });

  it('shows the stack of an error in lines, hides secrets, and lets nobody command the terminal', async () => {
    const text = await written(false, (logger) =>
      logger.error(
        { error: new TypeError('no \u001b[2J\u009b\u202e'), token: 'ygu_abc' },
        'broken \u001b]0;x',
      ),
    );
    expect(text).toContain('broken \ufffd]0;x');
    expect(text).toContain('TypeError');
    for (const hidden of ['ygu_abc', '\u001b', '\u009b', '\u202e']) expect(text).not.toContain(hidden);
  });

  it('has colours where they are wanted', async () => {
    const text = await written(true, (logger) => logger.info({}, 'ready'));
    expect(text).toContain('\u001b[32mINFO\u001b[39m');
  });
});
