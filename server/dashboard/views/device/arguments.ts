/** What a command may be given. */
export type Argument = string | number | boolean;

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
