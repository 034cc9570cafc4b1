import { LOGGED_ARGUMENTS_MAX, LOGGED_CHARACTERS_MAX } from './limits.ts';
import type { DescribedCommand } from './types.ts';

/** A command as the log keeps it: the first of its arguments, long texts cut, and only characters that PostgreSQL has a place for. */
export function loggable({ name, arguments: given }: DescribedCommand): DescribedCommand {
  const kept = Object.entries(given)
    .slice(0, LOGGED_ARGUMENTS_MAX)
    .map(([key, value]) => [keepable(key), typeof value === 'string' ? keepable(value) : value] as const);
  return { name: keepable(name), arguments: Object.fromEntries(kept) };
}

function keepable(text: string): string {
  const characters = [...text];
  const isCut = characters.length > LOGGED_CHARACTERS_MAX;
  const shown = isCut ? `${characters.slice(0, LOGGED_CHARACTERS_MAX - 1).join('')}…` : text;
  return shown.replaceAll(/[\p{Cs}\0]/gu, '\ufffd');
}
