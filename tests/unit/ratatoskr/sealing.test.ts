import { describe, expect, it } from 'vitest';
import { Delivery, decodePayload, encodePayload, FrameType, Sealed } from '../../../proto/index.ts';
import {
  fingerprintOf,
  SealError,
  type SealedPlace,
  Sealer,
  SealOpener,
} from '../../../proto/ratatoskr/index.ts';
import { nobleCrypto } from '../../../proto/ratatoskr/noble.ts';
import { nodeNoiseCrypto } from '../../../proto/ratatoskr/node.ts';

const uuid = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
const [sender, receiver, stranger] = [1, 2, 3].map(() => nodeNoiseCrypto.generateKeyPair());
if (sender === undefined || receiver === undefined || stranger === undefined) throw new Error('no keys');

const place: SealedPlace = {
  networkId: uuid(9),
  sourceId: uuid(1),
  destinationId: uuid(2),
  frameId: uuid(100),
  delivery: Delivery.STORED,
  correlationId: uuid(101),
};
const content = { type: FrameType.COMMAND, name: 'led.set', payload: new TextEncoder().encode('a secret') };
const sealerTo = ({ publicKey }: { publicKey: Uint8Array }) =>
  new Sealer({ own: sender, receiverKey: publicKey, place }, nodeNoiseCrypto);
const openerOf = (...keys: (typeof receiver)[]) => new SealOpener(keys, nobleCrypto);
const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'opened';
  } catch (error) {
    if (error instanceof SealError) return error.code;
    throw error;
  }
};

describe('what one device seals for another', () => {
  it('is opened in any order, once, by who has the key, also by one that starts in the midst of a session', () => {
    const sealer = sealerTo(receiver);
    const sealed = [1, 2, 3, 4].map((number) =>
      sealer.seal({ ...content, payload: Uint8Array.of(number) }, place),
    );
    const read = (opener: SealOpener, index: number) =>
      opener.open(sealed[index] ?? new Uint8Array(0), place).payload[0];
    const opener = openerOf(receiver);
    expect([2, 0, 3, 1].map((index) => read(opener, index))).toEqual([3, 1, 4, 2]);
    for (const index of [0, 1, 2, 3]) expect(codeOf(() => read(opener, index))).toBe('sealed_unreadable');
    expect(read(openerOf(receiver), 3)).toBe(4);
  });

  it('is known again, however many sessions others begin in the name of its sender or in their own', () => {
    const opener = new SealOpener([receiver], nodeNoiseCrypto);
    const open = (sealed: Uint8Array, at = place) =>
      codeOf(() =>
        opener.open(sealed, at, (key) => at !== place || Buffer.from(key).equals(sender.publicKey)),
      );
    const genuine = sealerTo(receiver).seal(content, place);
    expect(open(genuine)).toBe('opened');
    const inTheirOwn = { ...place, sourceId: uuid(3) };
    const codes = Array.from({ length: 1_030 }, (_, session) => {
      const at = session % 2 === 0 ? place : inTheirOwn;
      const options = { own: stranger, receiverKey: receiver.publicKey, place: at };
      return open(new Sealer(options, nodeNoiseCrypto).seal(content, at), at);
    });
    expect(codes.slice(0, 2)).toEqual(['peer_key_changed', 'opened']);
    expect(open(genuine)).toBe('sealed_unreadable');
  });

  it('says whose key sealed it, and shows nobody else more than type, name and size', () => {
    const sealed = sealerTo(receiver).seal(content, place);
    const opened = openerOf(receiver).open(sealed, place);
    expect(Buffer.from(opened.senderKey)).toEqual(Buffer.from(sender.publicKey));
    expect(Buffer.from(opened.payload).toString()).toBe('a secret');
    expect(Buffer.from(sealed).includes('a secret')).toBe(false);
    expect(Buffer.from(sealed).includes(Buffer.from(sender.publicKey))).toBe(false);
    expect(decodePayload(Sealed, sealed)).toMatchObject({ type: FrameType.COMMAND, name: 'led.set' });
  });

  it('is refused by who has another key, and read with one that the device had before', () => {
    const sealed = sealerTo(receiver).seal(content, place);
    expect(codeOf(() => openerOf(stranger).open(sealed, place))).toBe('seal_key_unknown');
    expect(codeOf(() => openerOf(stranger, receiver).open(sealed, place))).toBe('opened');
    const { keyHint } = decodePayload(Sealed, sealerTo(stranger).seal(content, place));
    const misled = encodePayload(Sealed, { ...decodePayload(Sealed, sealed), keyHint });
    expect(codeOf(() => openerOf(stranger).open(misled, place))).toBe('sealed_unreadable');
  });

  it('is refused in another place than its own', () => {
    const sealed = sealerTo(receiver).seal(content, place);
    const changes: readonly Partial<SealedPlace>[] = [
      { networkId: uuid(8) },
      { sourceId: uuid(3) },
      { destinationId: uuid(3) },
      { frameId: uuid(102) },
      { delivery: Delivery.TRANSIENT },
      { correlationId: null },
      { correlationId: uuid(103) },
    ];
    for (const change of changes) {
      const refused = codeOf(() => openerOf(receiver).open(sealed, { ...place, ...change }));
      expect(refused, JSON.stringify(change)).toBe('sealed_unreadable');
    }
  });

  it('is refused with any byte of it changed, and with one taken away', () => {
    const sealed = sealerTo(receiver).seal(content, place);
    const opener = openerOf(receiver);
    for (let position = 0; position < sealed.length; position++) {
      const changed = Uint8Array.from(sealed);
      changed[position] = (changed[position] ?? 0) ^ 1;
      expect(
        codeOf(() => opener.open(changed, place)),
        `byte ${position}`,
      ).not.toBe('opened');
      expect(codeOf(() => opener.open(sealed.subarray(0, position), place))).not.toBe('opened');
    }
    expect(codeOf(() => opener.open(sealed, place))).toBe('opened');
  });
});

describe('a fingerprint', () => {
  const one = { deviceId: uuid(1), publicKey: sender.publicKey };
  const other = { deviceId: uuid(2), publicKey: receiver.publicKey };

  it('is the same 60 digits at both ends, by both libraries', () => {
    const fingerprint = fingerprintOf(one, other, nodeNoiseCrypto);
    expect(fingerprint).toMatch(/^\d{5}( \d{5}){11}$/);
    expect(fingerprintOf(other, one, nobleCrypto)).toBe(fingerprint);
  });

  it('is another one where a key or a device is', () => {
    const fingerprint = fingerprintOf(one, other, nodeNoiseCrypto);
    const changes = [
      { ...other, publicKey: stranger.publicKey },
      { ...other, deviceId: uuid(3) },
    ];
    for (const changed of changes) {
      const halves = fingerprintOf(one, changed, nodeNoiseCrypto).split(' ');
      expect(halves.slice(0, 6)).toEqual(fingerprint.split(' ').slice(0, 6));
      expect(halves.slice(6)).not.toEqual(fingerprint.split(' ').slice(6));
    }
  });
});
