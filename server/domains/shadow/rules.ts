import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import {
  LEVELS_MAX,
  NAME_CHARACTERS_MAX,
  STATE_BYTES_MAX,
  TEXT_CHARACTERS_MAX,
  VALUES_MAX,
} from './limits.ts';
import type { Shadow, State, StateChange, StateValue } from './types.ts';

/** The change that a merge patch (RFC 7396) of nested objects makes, or what is wrong with it, in words. */
export function changeOf(patch: JsonObject): StateChange | string {
  const change: [string, StateValue | null][] = [];
  const walk = (object: JsonObject, before: string, level: number): string | null => {
    if (level > LEVELS_MAX) return `There are more than ${LEVELS_MAX} objects inside each other.`;
    for (const [key, value] of Object.entries(object)) {
      const name = before + key;
      const problem = isObject(value) ? walk(value, `${name}.`, level + 1) : problemOf(name, value);
      if (problem !== null) return problem;
      if (!isObject(value)) change.push([name, value as StateValue | null]);
      if (change.length > VALUES_MAX) return `There are more than ${VALUES_MAX} values.`;
    }
    return null;
  };
  return walk(patch, '', 1) ?? Object.fromEntries(change);
}

const isObject = (value: JsonValue): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What is wrong with a value; null: nothing. */
export function problemOf(name: string, value: JsonValue): string | null {
  if (!isStateName(name)) return 'A name is no level of a topic, or too long.';
  if (value === null || typeof value === 'boolean') return null;
  if (typeof value === 'number')
    return Number.isFinite(value) ? null : 'A number is beyond what a double holds.';
  if (typeof value !== 'string') return 'A value is a number, true, false, a text or null: no list.';
  if (value.length > TEXT_CHARACTERS_MAX) return `A text has more than ${TEXT_CHARACTERS_MAX} characters.`;
  return /[\p{Cs}\0]/u.test(value) ? 'A text has half of a character, or a NUL.' : null;
}

/** True for a name that is one level of a topic. */
export function isStateName(name: string): boolean {
  return name.length <= NAME_CHARACTERS_MAX && /^[^\p{Cc}\p{Cs}#+/]+$/u.test(name);
}

/**
 * The state after a change, with its names in order. A value takes the place of what was inside its name, and what is inside a
 * name that of its value, as in the objects that they stand for.
 */
export function changed(state: State, change: StateChange): State {
  const after = new Map(Object.entries(state));
  for (const [name, value] of Object.entries(change)) {
    for (const known of [...after.keys()]) {
      const isInside = known === name || known.startsWith(`${name}.`);
      const isAround = value !== null && name.startsWith(`${known}.`);
      if (isInside || isAround) after.delete(known);
    }
    if (value !== null) after.set(name, value);
  }
  return Object.fromEntries([...after].sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** True where both say the same. */
export function isSame(one: State, other: State): boolean {
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && one[name] === other[name])
  );
}

/** What is wanted and not so. */
export function differenceOf({ desired, reported }: Shadow): State {
  return Object.fromEntries(
    Object.entries(desired.state).filter(
      ([name, value]) => !Object.hasOwn(reported.state, name) || reported.state[name] !== value,
    ),
  );
}

/** The bytes that a state is counted with. */
export const sizeOf = (state: State): number => Buffer.byteLength(JSON.stringify(state));

/** False: the state has more values, or bytes, than are kept. */
export function fits(state: State): boolean {
  return Object.keys(state).length <= VALUES_MAX && sizeOf(state) <= STATE_BYTES_MAX;
}
