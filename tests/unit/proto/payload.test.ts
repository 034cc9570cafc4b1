import { describe, expect, it } from 'vitest';
import {
  Ack,
  Command,
  decodePayload,
  ErrorCode,
  Event,
  encodePayload,
  errorCodeName,
  errorCodeNumber,
  PayloadError,
} from '../../../proto/index.ts';

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
