import { ask } from '../../api/http.ts';
import type { CommandAnswer } from '../../api/types.ts';

/** What a command may be given. */
export type Argument = string | number | boolean;

/** Seconds that the page waits for what becomes of a command. */
const WAIT_SECONDS = 5;

/** Asks a device to do something. */
export const sendCommand = (
  deviceId: string,
  name: string,
  given: Readonly<Record<string, Argument>>,
): Promise<CommandAnswer> =>
  ask('POST', `/devices/${encodeURIComponent(deviceId)}/commands`, {
    name,
    arguments: given,
    waitSeconds: WAIT_SECONDS,
  });

/** Arguments as people write them, `name=value`, one in a line. A line without `=` is true: `fast`. */
export function readArguments(text: string): Readonly<Record<string, Argument>> {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return Object.fromEntries(
    lines.map((line) => {
      const [name = '', ...rest] = line.split('=');
      return [name.trim(), rest.length === 0 ? true : readValue(rest.join('=').trim())];
    }),
  );
}

/** A value as people write it: a number, `true`, `false`, else a text; in quotes always a text. */
export function readValue(text: string): Argument {
  if (text === 'true' || text === 'false') return text === 'true';
  if (/^".*"$/s.test(text)) return text.slice(1, -1);
  return text !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** A value as `readValue` reads it. */
export function writeValue(value: Argument): string {
  if (typeof value !== 'string') return String(value);
  return readValue(value) === value ? value : `"${value}"`;
}
