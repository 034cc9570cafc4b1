import type { yggdrasil } from '../../proto/index.ts';

/** A value of an event, a command's argument or a result, as JavaScript has it. */
export type PlainValue = boolean | number | string | Uint8Array;

/** The wire's form of a value: whole numbers as integer, all others as double. */
export function toValue(plain: PlainValue): yggdrasil.v1.Value.$Properties {
  switch (typeof plain) {
    case 'boolean':
      return { kind: 'boolean', boolean: plain };
    case 'number':
      return Number.isSafeInteger(plain)
        ? { kind: 'integer', integer: plain }
        : { kind: 'number', number: plain };
    case 'string':
      return { kind: 'text', text: plain };
    default:
      return { kind: 'data', data: plain };
  }
}

/** The value as JavaScript has it; null where the sender set none. */
export function fromValue(value: yggdrasil.v1.Value.$Properties | null | undefined): PlainValue | null {
  return value?.boolean ?? value?.integer ?? value?.number ?? value?.text ?? value?.data ?? null;
}

/** A map of values for the wire. */
export function toValues(
  plain: Readonly<Record<string, PlainValue>>,
): Record<string, yggdrasil.v1.Value.$Properties> {
  return Object.fromEntries(Object.entries(plain).map(([name, value]) => [name, toValue(value)]));
}

/** A map of values from the wire, without those that have none. The result has no prototype: names are a stranger's. */
export function fromValues(
  values: Readonly<Record<string, yggdrasil.v1.Value.$Properties>> | null | undefined,
): Record<string, PlainValue> {
  const plain: Record<string, PlainValue> = Object.create(null);
  for (const [name, value] of Object.entries(values ?? {})) {
    const read = fromValue(value);
    if (read !== null) plain[name] = read;
  }
  return plain;
}
