import { describe, expect, it } from 'vitest';
import {
  Ack,
  Capabilities,
  Command,
  decodePayload,
  ErrorCode,
  Event,
  encodePayload,
  errorCodeName,
  errorCodeNumber,
  PayloadError,
  ProviderOffer,
  toWholeCharacters,
  yggdrasil,
} from '../../../proto/index.ts';

describe('the schema', () => {
  it('names every value of an enum once in its package, as other compilers want it', () => {
    const names = Object.values(yggdrasil.v1)
      .filter((part) => typeof part === 'object')
      .flatMap((values) => Object.keys(values).filter((name) => Number.isNaN(Number(name))));
    expect(names).toContain('COMPUTE_REQUEST');
    expect(names).toEqual([...new Set(names)]);
  });
});

describe('decodePayload', () => {
  it('gives back what was encoded', () => {
    const command = { name: 'led.set', arguments: { on: { boolean: true }, level: { integer: -7 } } };
    const decoded = decodePayload(Command, encodePayload(Command, command));
    expect(decoded.name).toBe('led.set');
    expect(decoded.arguments.on?.boolean).toBe(true);
    expect(decoded.arguments.level?.integer).toBe(-7);
  });

  it('refuses truncated bytes', () => {
    const bytes = encodePayload(Event, { name: 'sensor.temperature' });
    expect(() => decodePayload(Event, bytes.subarray(0, 5))).toThrow(PayloadError);
  });

  it('refuses a 64-bit number that a JavaScript number can not hold', () => {
    const twoTo53 = new Uint8Array([0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]);
    expect(() => decodePayload(Ack, twoTo53)).toThrow(PayloadError);
    expect(decodePayload(Ack, encodePayload(Ack, { offset: 2 ** 53 - 1 })).offset).toBe(2 ** 53 - 1);
  });

  it('keeps a large double', () => {
    const decoded = decodePayload(Event, encodePayload(Event, { name: 'x', value: { number: 1e300 } }));
    expect(decoded.value?.number).toBe(1e300);
  });
});

describe('a field that another encoder leaves out because it is 0', () => {
  it('is the number 0 in every message', () => {
    const wide = Object.entries(yggdrasil.v1).flatMap(([name, type]) => {
      if (typeof type !== 'function') return [];
      const defaults = (type as unknown as { decode(bytes: Uint8Array): object }).decode(new Uint8Array(0));
      return ['streamOffset', 'nonce', 'offset', 'lastNonce', 'measuredAtMs', 'integer']
        .filter((field) => field in defaults)
        .map((field) => [`${name}.${field}`, (defaults as Record<string, unknown>)[field] ?? 0]);
    });
    expect(wide.length).toBeGreaterThan(6);
    expect(wide.filter(([, value]) => value !== 0)).toEqual([]);
    expect(decodePayload(Event, encodePayload(Event, { name: 'x' })).measuredAtMs).toBe(0);
  });
});

describe('encodePayload', () => {
  it.each([-5, 2 ** 60, 2 ** 53, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
    'refuses the time %d, which no receiver could read',
    (measuredAtMs) => {
      expect(() => encodePayload(Event, { name: 'x', measuredAtMs })).toThrow(PayloadError);
    },
  );

  it('refuses numbers that their field does not hold, and takes those that it does', () => {
    for (const integer of [2 ** 53, -(2 ** 53), 0.5]) {
      expect(() => encodePayload(Command, { name: 'x', arguments: { a: { integer } } })).toThrow(
        PayloadError,
      );
    }
    for (const slots of [-1, 2 ** 32, 0.5]) {
      expect(() => encodePayload(ProviderOffer, { slots })).toThrow(PayloadError);
    }
    expect(decodePayload(ProviderOffer, encodePayload(ProviderOffer, { slots: 2 ** 32 - 1 })).slots).toBe(
      2 ** 32 - 1,
    );
    const least = { name: 'x', arguments: { a: { integer: -(2 ** 53) + 1 } } };
    expect(decodePayload(Command, encodePayload(Command, least)).arguments.a?.integer).toBe(-(2 ** 53) + 1);
  });

  const half = 'half \ud83d';
  it.each([
    ['a name', () => encodePayload(Event, { name: half })],
    ['a unit', () => encodePayload(Event, { name: 'x', unit: half })],
    ['a value', () => encodePayload(Event, { name: 'x', value: { text: half } })],
    ['an argument', () => encodePayload(Command, { name: 'x', arguments: { a: { text: half } } })],
    [
      "an argument's name",
      () => encodePayload(Command, { name: 'x', arguments: { [half]: { boolean: true } } }),
    ],
    ['a capability', () => encodePayload(Capabilities, { sensors: ['whole', half] })],
  ])('refuses half of a character in %s', (_, encode) => {
    expect(encode).toThrow(PayloadError);
  });

  it('takes whole characters of any kind', () => {
    const name = 'é \u{1f600} \u200d \ufffd';
    expect(decodePayload(Event, encodePayload(Event, { name })).name).toBe(name);
    expect(toWholeCharacters(`${name}\udc00`)).toBe(`${name}\ufffd`);
  });
});

describe('error codes', () => {
  it('have one name and one number each', () => {
    const names = Object.keys(ErrorCode).filter((name) => Number.isNaN(Number(name)));
    for (const name of names) {
      const lower = name.toLowerCase() as Parameters<typeof errorCodeNumber>[0];
      expect(errorCodeName(errorCodeNumber(lower))).toBe(lower);
    }
    expect(names.length).toBeGreaterThan(40);
  });

  it('are internal when a newer sender knows more of them than we do', () => {
    expect(errorCodeName(9_999)).toBe('internal');
  });
});
