import type { Writable } from 'node:stream';
import { styleText } from 'node:util';
import stringWidth from 'string-width';

/** How wide a table is where the terminal doesn't say, in columns. */
const WIDTH = 120;
/** A cell is cut to so many columns at the least. */
const CELL_COLUMNS_MIN = 8;
const GAP = '  ';

/** Where a program writes to; a terminal where `isTTY`. */
export type Terminal = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** What a piece of text means to who reads it. */
export type Tone = 'good' | 'bad' | 'warning' | 'quiet' | 'title';

const STYLES = {
  good: 'green',
  bad: 'red',
  warning: 'yellow',
  quiet: 'dim',
  title: 'bold',
} as const satisfies Record<Tone, Parameters<typeof styleText>[0]>;

/** True where people look at it. */
export const isForPeople = (terminal: Terminal): boolean => terminal.isTTY === true;

/** Text in the colour of its tone: on a terminal alone, and not with NO_COLOR (https://no-color.org). */
export function painted(text: string, tone: Tone | null, terminal: Terminal = process.stdout): string {
  const { NO_COLOR = '', TERM } = process.env;
  const isPlain = !isForPeople(terminal) || NO_COLOR !== '' || TERM === 'dumb';
  return tone === null || isPlain ? text : styleText(STYLES[tone], text, { validateStream: false });
}

/**
 * Text of others as a terminal may show it: what would command the terminal, break the line or turn the direction of reading around
 * (Unicode's UAX 9) becomes U+FFFD.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, '\ufffd');
}

/** As `printable`, with its lines and tabs. */
export function printableLines(text: string): string {
  return text.replace(/[^\n\t]+/g, printable);
}

/** A cell: text of anybody, and what it means. */
export type Cell = string | { readonly text: string; readonly tone: Tone };

const textOf = (cell: Cell): string => printable(typeof cell === 'string' ? cell : cell.text);

/**
 * Rows under their titles, each a line. On a terminal the columns that are too wide are cut, the widest first; elsewhere nothing is cut.
 */
export function renderTable(
  titles: readonly string[],
  rows: readonly (readonly Cell[])[],
  terminal: Terminal = process.stdout,
): string {
  const texts = [titles, ...rows.map((row) => row.map(textOf))];
  const widths = titles.map((_, column) => Math.max(...texts.map((row) => stringWidth(row[column] ?? ''))));
  if (isForPeople(terminal)) fitInto(widths, (terminal.columns ?? WIDTH) - GAP.length * (titles.length - 1));
  const lineOf = (row: readonly Cell[], tone: Tone | null) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        const text = cut(textOf(cell), width);
        const pad = column === row.length - 1 ? '' : ' '.repeat(Math.max(0, width - stringWidth(text)));
        return `${painted(text, tone ?? (typeof cell === 'string' ? null : cell.tone), terminal)}${pad}`;
      })
      .join(GAP)
      .trimEnd();
  return [lineOf(titles, 'title'), ...rows.map((row) => lineOf(row, null))].join('\n');
}

/** Takes columns from the widest until the rest has room. */
function fitInto(widths: number[], columns: number): void {
  for (let excess = widths.reduce((sum, width) => sum + width, 0) - columns; excess > 0; excess--) {
    const widest = Math.max(...widths);
    if (widest <= CELL_COLUMNS_MIN) return;
    widths[widths.indexOf(widest)] = widest - 1;
  }
}

function cut(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text;
  let result = '';
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (stringWidth(result + segment) > columns - 1) break;
    result += segment;
  }
  return `${result}…`;
}

/** How far long work is, for who waits for it. */
export interface Progress {
  say(text: string): void;
  /** Takes it away: what comes now is the result. */
  end(): void;
}

/** Progress on one line of a terminal that is written anew; none elsewhere. */
export function createProgress(terminal: Terminal = process.stderr): Progress {
  if (!isForPeople(terminal)) return { say: () => {}, end: () => {} };
  const line = (text: string) => terminal.write(`\r\u001b[2K${text}`);
  return {
    say: (text) => line(painted(cut(printable(text), (terminal.columns ?? WIDTH) - 1), 'quiet', terminal)),
    end: () => line(''),
  };
}

/** A time as people read it: how long ago, up to a week, then the day. */
export function timeAgo(at: string | null, nowMs: number): string {
  if (at === null) return 'never';
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(at)) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ago`;
  return seconds < 604_800 ? `${Math.floor(seconds / 86_400)} d ago` : at.slice(0, 10);
}
