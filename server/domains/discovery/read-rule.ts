import type { JsonValue } from '../../kernel/json.ts';
import { type AdapterValue, type FoundValue, filled, membersOf, type ReadRule } from './adapters/adapter.ts';
import { FOREIGN_VALUES_MAX } from './limits.ts';

/** What a rule finds in a payload: nothing in one that it can't read. */
export function readRule(
  rule: ReadRule,
  payload: Uint8Array,
  captures: Readonly<Record<string, string>>,
): FoundValue[] {
  const text = textOf(payload);
  if (text === null) return [];
  if (rule.payload === 'text') return found(rule, captures, '', scalarOf(text, rule));
  const json = jsonOf(text);
  if (json === undefined) return [];
  const values: FoundValue[] = [];
  for (const [way, value] of membersOf(within(json, rule.within))) {
    if (rule.only?.test(way) === false || rule.skip?.test(way) === true) continue;
    values.push(...found(rule, captures, way, typeof value === 'string' ? worded(value, rule) : value));
    if (values.length >= FOREIGN_VALUES_MAX) break;
  }
  return values;
}

function found(
  rule: ReadRule,
  captures: Readonly<Record<string, string>>,
  way: string,
  value: AdapterValue | undefined,
): FoundValue[] {
  if (value === undefined || (typeof value === 'number' && !Number.isFinite(value))) return [];
  const said = rule.silent?.test(way) === true ? '' : way;
  const name = [filled(rule.name, captures), said].filter((part) => part !== '').join('.');
  const last = name.split('.').at(-1) ?? '';
  const unit =
    typeof value === 'number' && rule.units && Object.hasOwn(rule.units, last) ? rule.units[last] : '';
  const isSet = rule.set !== undefined && (rule.sets === undefined || rule.sets.test(way));
  const set = isSet ? { ...rule.set, topic: filled(rule.set.topic, { ...captures, way }) } : null;
  return [{ as: rule.as, name, value, unit: unit ?? '', set }];
}

const worded = (text: string, { words }: ReadRule): AdapterValue =>
  words !== undefined && Object.hasOwn(words, text) ? (words[text] as AdapterValue) : text;

/** A word, a number, or a text. Undefined where words are known and this is none of them. */
function scalarOf(text: string, rule: ReadRule): AdapterValue | undefined {
  const trimmed = text.trim();
  if (rule.words !== undefined && Object.hasOwn(rule.words, trimmed))
    return rule.words[trimmed] as AdapterValue;
  if (/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(trimmed)) return Number(trimmed);
  return rule.set === undefined ? trimmed : undefined;
}

function within(json: JsonValue, way: string | undefined): JsonValue {
  if (way === undefined) return json;
  const member =
    typeof json === 'object' && json !== null ? (json as Record<string, JsonValue>)[way] : undefined;
  return member ?? {};
}

function textOf(payload: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(payload);
  } catch {
    return null;
  }
}

function jsonOf(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
