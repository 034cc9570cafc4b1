import { type DestinationStream, destination, pino } from 'pino';
import type { LogFields, Logger } from '../../kernel/logger.ts';
import { redactFields, redactText } from './redact.ts';

/** From the most to the least talkative; `silent` writes nothing. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** 1: standard output, 2: standard error; or a stream that takes the lines. */
  readonly destination: 1 | 2 | DestinationStream;
}

/**
 * A logger that writes one JSON object a line: `level`, `time` (ISO 8601), the fields, `message`. Written at once, so
 * that a crash loses no line. No secret passes, as far as its name or form tells.
 */
export function createLogger(options: LoggerOptions): Logger {
  const target =
    typeof options.destination === 'number'
      ? destination({ dest: options.destination, sync: true })
      : options.destination;
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
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
