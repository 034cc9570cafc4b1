import type { Clock } from '../../kernel/clock.ts';
import type { LogFields, Logger } from '../../kernel/logger.ts';

/** Levels that are kept, from the most to the least talkative. */
export const KEPT_LEVELS = ['info', 'warn', 'error'] as const;
export type KeptLevel = (typeof KEPT_LEVELS)[number];

/** Lines kept of each level: a flood of one doesn't push out the others. */
export const KEPT_LINES_MAX = 2_000;
/** Lines that wait for one follower; who reads more slowly is told how many it missed. */
export const FOLLOWER_LINES_MAX = 1_000;
/** How many may follow at the same time. */
export const FOLLOWERS_MAX = 20;

/** A line of the log, with the facts that say nothing of what a tenant keeps. */
export interface KeptLine {
  /** Counts up over all levels, from 1 at the start of the server. */
  readonly sequence: number;
  readonly atMs: number;
  readonly level: KeptLevel;
  readonly operation: string | null;
  readonly message: string;
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

/** Which lines; null: all. */
export interface LineFilter {
  /** The least level. */
  readonly level: KeptLevel;
  readonly operation: string | null;
  readonly sinceMs: number | null;
  readonly untilMs: number | null;
}

/** A line, or how many the follower missed because it read too slowly. */
export type FollowedLine = KeptLine | { readonly missed: number };

/** The newest lines of the log, in memory. */
export interface LogMemory {
  /** Writes lines where the given logger writes them, and keeps them. */
  readonly logger: Logger;
  /** The newest first. */
  list(
    filter: LineFilter,
    page: { readonly offset: number; readonly limit: number },
  ): { lines: readonly KeptLine[]; total: number };
  /**
   * Lines as they come, after those that are kept and newer than `afterSequence`. Ends with `signal` and `close`. Null: too
   * many follow already.
   */
  follow(
    filter: LineFilter,
    afterSequence: number | null,
    signal: AbortSignal,
  ): AsyncIterable<FollowedLine> | null;
  /** Ends what follows. */
  close(): void;
}

/** Facts that may be kept, by name: a name that is not here may hold a secret, an address or what somebody wrote. */
const KEPT_FACTS: ReadonlySet<string> = new Set([
  'code',
  'status',
  'durationMs',
  'requestId',
  'accountId',
  'deviceId',
  'tenantId',
  'transport',
  'protocol',
  'check',
  'frameType',
  'lines',
  'count',
  'freeBytes',
  'reserveBytes',
  'timeoutMs',
]);

/** Texts of our own: words of a code, ids. Anything else is left out, whatever its name. */
const OUR_TEXT = /^[a-z0-9][a-z0-9_.-]{0,63}$/i;

/** The log's memory before `target`, which gets every line. */
export function createLogMemory(target: Logger, clock: Pick<Clock, 'nowMs'>): LogMemory {
  const kept: Record<KeptLevel, KeptLine[]> = { info: [], warn: [], error: [] };
  const followers = new Set<Follower>();
  let sequence = 0;

  const keep = (level: KeptLevel, fields: LogFields, message: string) => {
    const line = lineOf({ sequence: ++sequence, atMs: clock.nowMs(), level }, fields, message);
    const lines = kept[level];
    lines.push(line);
    // Twice as many, so that they are moved seldom.
    if (lines.length >= 2 * KEPT_LINES_MAX) lines.splice(0, lines.length - KEPT_LINES_MAX);
    for (const follower of followers) follower.offer(line);
  };
  const at = (level: KeptLevel) => (fields: LogFields, message: string) => {
    target[level](fields, message);
    keep(level, fields, message);
  };
  const matching = (filter: LineFilter): KeptLine[] =>
    KEPT_LEVELS.flatMap((level) => kept[level].slice(-KEPT_LINES_MAX))
      .filter((line) => isMeant(line, filter))
      .sort((a, b) => b.sequence - a.sequence);

  return {
    logger: {
      debug: (fields, message) => target.debug(fields, message),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
    },
    list(filter, { offset, limit }) {
      const lines = matching(filter);
      return { lines: lines.slice(offset, offset + limit), total: lines.length };
    },
    follow(filter, afterSequence, signal) {
      if (followers.size >= FOLLOWERS_MAX) return null;
      // Nobody is known before it reads: an answer may never be read.
      const begin = () => {
        const newer =
          afterSequence === null ? [] : matching(filter).filter(({ sequence: at }) => at > afterSequence);
        const follower = new Follower(filter, newer.slice(0, FOLLOWER_LINES_MAX).reverse());
        followers.add(follower);
        follower.ended.then(() => followers.delete(follower));
        if (signal.aborted) follower.end();
        else signal.addEventListener('abort', () => follower.end(), { once: true });
        return follower.read();
      };
      return { [Symbol.asyncIterator]: begin };
    },
    close() {
      for (const follower of followers) follower.end();
    },
  };
}

function lineOf(
  line: Pick<KeptLine, 'sequence' | 'atMs' | 'level'>,
  fields: LogFields,
  message: string,
): KeptLine {
  const facts: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(fields)) {
    const isOurs = typeof value === 'number' || typeof value === 'boolean' || isOurText(value);
    if (KEPT_FACTS.has(name) && isOurs) facts[name] = value as string | number | boolean;
  }
  const { error, operation } = fields;
  if (error instanceof Error && isOurText(error.name)) facts.error = error.name;
  return { ...line, operation: isOurText(operation) ? operation : null, message, facts };
}

function isOurText(value: unknown): value is string {
  return typeof value === 'string' && OUR_TEXT.test(value);
}

function isMeant(line: KeptLine, { level, operation, sinceMs, untilMs }: LineFilter): boolean {
  return (
    KEPT_LEVELS.indexOf(line.level) >= KEPT_LEVELS.indexOf(level) &&
    (operation === null || line.operation === operation) &&
    (sinceMs === null || line.atMs >= sinceMs) &&
    (untilMs === null || line.atMs < untilMs)
  );
}

/** One reader of what comes, with what waits for it. */
class Follower {
  readonly #filter: LineFilter;
  #waiting: KeptLine[];
  #missed = 0;
  #isOver = false;
  #wake: () => void = () => {};
  #tellEnd: () => void = () => {};
  readonly ended = new Promise<void>((resolve) => {
    this.#tellEnd = resolve;
  });

  constructor(filter: LineFilter, waiting: KeptLine[]) {
    this.#filter = filter;
    this.#waiting = waiting;
  }

  offer(line: KeptLine): void {
    if (!isMeant(line, this.#filter)) return;
    if (this.#waiting.length >= FOLLOWER_LINES_MAX) this.#missed++;
    else this.#waiting.push(line);
    this.#wake();
  }

  end(): void {
    this.#isOver = true;
    this.#tellEnd();
    this.#wake();
  }

  async *read(): AsyncGenerator<FollowedLine> {
    try {
      while (!this.#isOver) {
        const [lines, missed] = [this.#waiting, this.#missed];
        [this.#waiting, this.#missed] = [[], 0];
        yield* lines;
        if (missed > 0) yield { missed };
        if (this.#waiting.length > 0 || this.#isOver) continue;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      this.end();
    }
  }
}
