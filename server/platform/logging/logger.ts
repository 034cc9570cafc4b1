import { Writable } from 'node:stream';
import { type DestinationStream, destination, pino } from 'pino';
import type { LogFields, Logger } from '../../kernel/logger.ts';
import { createPipeDestination } from './pipe-destination.ts';
import { redactFields, redactText } from './redact.ts';

/** From the most to the least talkative; `silent` writes nothing. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** 1: standard output, 2: standard error, both waited for; or what takes the lines. */
  readonly destination: 1 | 2 | DestinationStream | Writable;
  /** Makes a line of JSON one that people read; left out: JSON. */
  readonly format?: (line: string) => string;
}

/** A logger of a process. */
export interface ProcessLogger extends Logger {
  /** Resolves when all lines are with their reader, at the latest after `timeoutMs`. */
  flush(timeoutMs: number): Promise<void>;
}

/**
 * A logger that writes one JSON object a line, or what `format` makes of it: `level`, `time` (ISO 8601), the fields, `message`. Written at once, so
 * that a crash loses no line; where the reader of a pipe has stopped, lines are lost and counted instead of waited for.
 * No secret passes, as far as its name or form tells.
 */
export function createLogger(options: LoggerOptions): ProcessLogger {
  const pipe =
    options.destination instanceof Writable ? createPipeDestination(options.destination, lostLine) : null;
  const target = formatted(pipe ?? openDestination(options.destination), options.format);
  const log = pino(
    {
      level: options.level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    target,
  );
  const at = (level: keyof Logger) => (fields: LogFields, message: string) => {
    if (log.isLevelEnabled(level)) log[level](redactFields(fields), redactText(message));
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    flush: async (timeoutMs) => pipe?.flush(timeoutMs),
  };
}

const openDestination = (to: LoggerOptions['destination']): DestinationStream =>
  typeof to === 'number' ? destination({ dest: to, sync: true }) : to;

/** Lines go through `format` on their way. */
const formatted = (
  target: Pick<DestinationStream, 'write'>,
  format: LoggerOptions['format'],
): Pick<DestinationStream, 'write'> =>
  format === undefined ? target : { write: (line) => target.write(format(line)) };

const lostLine = (linesCount: number): string =>
  `${JSON.stringify({
    level: 'warn',
    time: new Date().toISOString(),
    operation: 'logging.write',
    lines: linesCount,
    message: 'nobody read the log: lines were lost',
  })}\n`;
