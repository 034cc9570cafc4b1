/** Structured log. `info`: an operator reads it daily; `warn`: something was refused or lost; `error`: our fault. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

/** Facts of a log line, keyed by name; `operation` and `code` wherever there is one. Never a secret. */
export type LogFields = Readonly<Record<string, unknown>>;
