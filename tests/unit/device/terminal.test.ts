import { Writable } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  createProgress,
  painted,
  printable,
  printableLines,
  renderTable,
  type Terminal,
  timeAgo,
} from '../../../device/node/terminal.ts';

/** What a terminal of this width was told. */
function terminal(columns = 40) {
  const told: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      told.push(String(chunk));
      done();
    },
  });
  return { told, stream: Object.assign(stream, { isTTY: true, columns }) as Terminal };
}

afterEach(() => vi.unstubAllEnvs());

describe('text of others', () => {
  it('commands no terminal, breaks no line and turns no direction around', () => {
    expect(printable('a\u001b[2Jb\u0007\n\u202ec\u2066d\u009b')).toBe('a�[2Jb���c�d�');
    expect(printable('<b>مصباح</b> 灯')).toBe('<b>مصباح</b> 灯');
    expect(printableLines('a\tb\n\u001b]0;x')).toBe('a\tb\n�]0;x');
  });
});

describe('colour', () => {
  it('is for terminals alone, and not with NO_COLOR', () => {
    vi.stubEnv('NO_COLOR', '');
    vi.stubEnv('TERM', 'xterm');
    const { stream } = terminal();
    expect(painted('text', 'bad', stream)).toBe('\u001b[31mtext\u001b[39m');
    expect(painted('text', 'bad', new Writable())).toBe('text');
    vi.stubEnv('NO_COLOR', '1');
    expect(painted('text', 'bad', stream)).toBe('text');
    vi.stubEnv('NO_COLOR', '');
    vi.stubEnv('TERM', 'dumb');
    expect(painted('text', 'bad', stream)).toBe('text');
  });
});

describe('a table', () => {
  const rows = [
    ['灯', 'on'],
    ['a name that is much longer than the others', 'off'],
  ];

  it('aligns by what is seen, and cuts nothing where no terminal is', () => {
    const [titles, first, second] = renderTable(['NAME', 'IS'], rows, new Writable()).split('\n');
    expect(titles).toBe(`NAME${' '.repeat(40)}IS`);
    expect(first).toBe(`灯${' '.repeat(42)}on`);
    expect(second).toBe('a name that is much longer than the others  off');
  });

  it('cuts the widest column to the width of a terminal', () => {
    vi.stubEnv('NO_COLOR', '1');
    const lines = renderTable(['NAME', 'IS'], rows, terminal(20).stream).split('\n');
    expect(lines[2]).toBe('a name that is…  off');
  });
});

describe('progress', () => {
  it('is one line that is written anew, and gone at the end', () => {
    vi.stubEnv('NO_COLOR', '1');
    const { told, stream } = terminal(12);
    const progress = createProgress(stream);
    progress.say('1 of 2\n parts, long');
    progress.end();
    expect(told).toEqual(['\r\u001b[2K1 of 2� pa…', '\r\u001b[2K']);
  });
});

describe('a time', () => {
  it('is told as how long ago, and after a week as its day', () => {
    const nowMs = Date.parse('2026-01-31T12:00:00Z');
    const told = [
      null,
      '2026-01-31T11:59:50Z',
      '2026-01-31T11:01:00Z',
      '2026-01-30T13:00:00Z',
      '2026-01-25T12:00:00Z',
      '2026-01-01T00:00:00Z',
    ];
    expect(told.map((at) => timeAgo(at, nowMs))).toEqual([
      'never',
      '10 s ago',
      '59 min ago',
      '23 h ago',
      '6 d ago',
      '2026-01-01',
    ]);
  });
});
