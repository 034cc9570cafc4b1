import { InvalidArgumentError } from 'commander';
import type { PlainValue } from '../client/index.ts';

/**
 * A command's argument as written on a command line: `on=true`, `level=40`, `name=kitchen`. What reads as true, false or
 * a number is one; `name="40"` in quotes is text.
 */
export function parseArgument(text: string): [string, PlainValue] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError('It must look like name=value.');
  return [text.slice(0, equals), parseValue(text.slice(equals + 1))];
}

/** True, false and numbers as such, everything else as text, without the quotes around it. */
export function parseValue(text: string): PlainValue {
  if (text === 'true' || text === 'false') return text === 'true';
  if (/^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text))) return Number(text);
  return /^".*"$/s.test(text) ? text.slice(1, -1) : text;
}

/** `true` or `false`. */
export function parseBoolean(text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new InvalidArgumentError('It must be true or false.');
}

/** A finite number. */
export function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}
