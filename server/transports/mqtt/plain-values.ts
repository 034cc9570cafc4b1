import type { yggdrasil } from '../../../proto/index.ts';
import { invalidInput } from '../../kernel/errors.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { wireValue } from '../frames/json-values.ts';
import { PLAIN_TEXT_CHARACTERS_MAX, PLAIN_UNIT_CHARACTERS_MAX, PLAIN_VALUES_MAX } from './limits.ts';
import { isName } from './plain-topics.ts';

type WireValue = yggdrasil.v1.Value.$Properties;

/** A reading or a state, as a plain device said it. */
export interface PlainReading {
  readonly name: string;
  readonly value: boolean | number | string | null;
  readonly unit: string;
  /** By the device's clock; 0 where it has none. */
  readonly measuredAtMs: number;
}

const READING_MEMBERS = ['value', 'unit', 'measuredAt'];

/**
 * The readings in what a device published: one value; one with `unit` and `measuredAt`; or an object whose members are any of
 * the three, named after the way to them. Refuses with `invalid_input`.
 */
export function readingsOf(json: JsonValue, name: string | null): PlainReading[] {
  const readings: PlainReading[] = [];
  const walk = (value: JsonValue, path: string | null): void => {
    if (Array.isArray(value)) throw invalidInput(`${shown(path)} is a list: a reading is one value.`);
    if (typeof value === 'object' && value !== null) {
      const object = value as JsonObject;
      if (isReading(object)) add(readingOf(object, path ?? 'value'));
      else
        for (const [key, member] of Object.entries(object))
          walk(member, path === null ? key : `${path}.${key}`);
    } else
      add({
        name: path ?? 'value',
        value: checked(value as PlainReading['value'], path),
        unit: '',
        measuredAtMs: 0,
      });
  };
  const add = (reading: PlainReading): void => {
    if (!isName(reading.name)) throw invalidInput(`${shown(reading.name)} is no name of a reading.`);
    readings.push(reading);
    if (readings.length > PLAIN_VALUES_MAX)
      throw invalidInput(`There are more than ${PLAIN_VALUES_MAX} values.`);
  };
  walk(json, name);
  return readings;
}

/** A map of values for the wire, of an object's members; objects in it are named after the way to them. Refuses with `invalid_input`. */
export function wireValuesOf(object: JsonObject): Record<string, WireValue> {
  const values: [string, WireValue][] = [];
  const walk = (members: JsonObject, before: string): void => {
    for (const [key, value] of Object.entries(members)) {
      const name = before + key;
      if (Array.isArray(value)) throw invalidInput(`${shown(name)} is a list: a value is one.`);
      if (typeof value === 'object' && value !== null) walk(value as JsonObject, `${name}.`);
      else if (value !== null) values.push([name, wireValue(checked(value as PlainReading['value'], name))]);
      if (!isName(name)) throw invalidInput(`${shown(name)} is no name of a value.`);
      if (values.length > PLAIN_VALUES_MAX)
        throw invalidInput(`There are more than ${PLAIN_VALUES_MAX} values.`);
    }
  };
  walk(object, '');
  return Object.fromEntries(values);
}

function isReading(object: JsonObject): boolean {
  const { value } = object;
  return (
    value !== undefined &&
    (typeof value !== 'object' || value === null) &&
    Object.keys(object).every((name) => READING_MEMBERS.includes(name))
  );
}

function readingOf({ value, unit = '', measuredAt }: JsonObject, name: string): PlainReading {
  if (typeof unit !== 'string' || unit.length > PLAIN_UNIT_CHARACTERS_MAX || /[\p{Cc}\p{Cs}]/u.test(unit)) {
    throw invalidInput(
      `The unit of ${shown(name)} is no text of ${PLAIN_UNIT_CHARACTERS_MAX} characters at most.`,
    );
  }
  const reading = { name, value: checked(value as PlainReading['value'], name), unit };
  return { ...reading, measuredAtMs: measuredAtMsOf(measuredAt, name) };
}

/** Milliseconds since 1970, or a time of ISO 8601 with its zone. */
function measuredAtMsOf(measuredAt: JsonValue | undefined, name: string): number {
  if (measuredAt === undefined) return 0;
  const isTime =
    typeof measuredAt === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]{5,12}(Z|[+-]\d\d:\d\d)$/.test(measuredAt);
  const atMs = isTime ? Date.parse(measuredAt) : measuredAt;
  if (typeof atMs === 'number' && Number.isSafeInteger(atMs) && atMs >= 0) return atMs;
  throw invalidInput(
    `measuredAt of ${shown(name)} is neither milliseconds nor a time like 2026-01-31T12:00:00Z.`,
  );
}

function checked(value: PlainReading['value'], name: string | null): PlainReading['value'] {
  if (typeof value === 'string' && value.length > PLAIN_TEXT_CHARACTERS_MAX) {
    throw invalidInput(`${shown(name)} has more than ${PLAIN_TEXT_CHARACTERS_MAX} characters.`);
  }
  if (typeof value === 'string' && /[\p{Cs}\0]/u.test(value))
    throw invalidInput(`${shown(name)} has half of a character, or a NUL.`);
  return value;
}

const shown = (name: string | null): string =>
  name === null ? 'The payload' : JSON.stringify(name.slice(0, 64));
