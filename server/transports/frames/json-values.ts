import type { yggdrasil } from '../../../proto/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';

type WireValue = yggdrasil.v1.Value.$Properties;

/** A value for the wire: a number that is measured is a double, of others whole ones are integers. */
export function wireValue(value: boolean | number | string | null, isMeasured = false): WireValue {
  if (value === null) return {};
  if (typeof value === 'boolean') return { kind: 'boolean', boolean: value };
  if (typeof value === 'string') return { kind: 'text', text: value };
  return Number.isSafeInteger(value) && !isMeasured
    ? { kind: 'integer', integer: value }
    : { kind: 'number', number: value };
}

/** A value of the wire as JSON; bytes as `{"base64": "..."}`, null for what is no number. */
export function jsonValue(value: WireValue | null | undefined): JsonValue {
  const plain = value?.boolean ?? value?.integer ?? value?.number ?? value?.text ?? value?.data ?? null;
  if (plain instanceof Uint8Array) return { base64: Buffer.from(plain).toString('base64') };
  return typeof plain === 'number' && !Number.isFinite(plain) ? null : plain;
}

/** Values of the wire as JSON. */
export function jsonOf(values: Readonly<Record<string, WireValue>> | null | undefined): JsonObject {
  return Object.fromEntries(Object.entries(values ?? {}).map(([name, value]) => [name, jsonValue(value)]));
}
