/** What would command the terminal, as it stands in a line of JSON: escaped, or (above U+007F) as it is. Line breaks and tabs stay. */
const COMMANDS = /\\u00[01][0-9a-f]|[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/**
 * How a line of the log is written for people: time, level, message, and the fields behind it. What does it (`pino-pretty`) is loaded
 * here alone, so that a server without a terminal doesn't.
 */
export async function createLineFormat(options: {
  readonly colours: boolean;
}): Promise<(line: string) => string> {
  const { prettyFactory } = await import('pino-pretty');
  const format = prettyFactory({
    colorize: options.colours,
    messageKey: 'message',
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
    errorLikeObjectKeys: [],
  });
  return (line) => format(line.replace(COMMANDS, '\ufffd')) ?? line;
}
