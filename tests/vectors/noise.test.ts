import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { nobleCrypto } from '../../proto/ratatoskr/noble.ts';
import { nodeNoiseCrypto, withShortCipher } from '../../proto/ratatoskr/node.ts';
import {
  Handshake,
  type HandshakeResult,
  type NoiseCrypto,
  NoiseError,
  type PatternName,
} from '../../proto/ratatoskr/noise.ts';
import { openServerCore } from '../unit/core/cores.ts';

interface Side {
  readonly staticHex: string;
  readonly ephemeralHex: string;
  readonly remoteStaticHex?: string;
}

interface NoiseVector {
  readonly source: string;
  readonly pattern: PatternName;
  readonly prologueHex: string;
  readonly initiator: Side;
  readonly responder: Side;
  readonly handshakeHashHex: string | null;
  readonly messages: readonly { readonly payloadHex: string; readonly ciphertextHex: string }[];
}

const { vectors } = JSON.parse(readFileSync('tests/vectors/noise.json', 'utf8')) as {
  vectors: NoiseVector[];
};

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const hexOf = (value: Uint8Array) => Buffer.from(value).toString('hex');
const pairOf = (hex: string) => ({ privateKey: bytes(hex), publicKey: nobleCrypto.publicKeyOf(bytes(hex)) });
const NONE = new Uint8Array(0);

/** One side of a vector: its ephemeral key is the vector's. */
function sideOf(vector: NoiseVector, role: 'initiator' | 'responder', crypto: NoiseCrypto): Handshake {
  const { pattern, prologueHex } = vector;
  const { staticHex, ephemeralHex, remoteStaticHex } = vector[role];
  return new Handshake(
    {
      pattern,
      role,
      prologue: bytes(prologueHex),
      staticKey: pairOf(staticHex),
      ...(remoteStaticHex === undefined ? {} : { remoteStaticKey: bytes(remoteStaticHex) }),
    },
    { ...crypto, generateKeyPair: () => pairOf(ephemeralHex) },
  );
}

describe.each([
  ['@noble', nobleCrypto],
  ['node:crypto', nodeNoiseCrypto],
  ['node:crypto and the compute core', withShortCipher(openServerCore().cipher)],
] as const)('Noise by %s', (_name, crypto) => {
  it.each(vectors.map((vector) => [vector.pattern, vector.source, vector] as const))(
    'gives the bytes of the published vector %s of %s',
    (_pattern, _source, vector) => {
      const initiator = sideOf(vector, 'initiator', crypto);
      const responder = sideOf(vector, 'responder', crypto);
      let results: [HandshakeResult, HandshakeResult] | null = null;
      for (const [index, { payloadHex, ciphertextHex }] of vector.messages.entries()) {
        const isInitiators = index % 2 === 0 || vector.pattern === 'X';
        const [sender, receiver] = isInitiators ? [0, 1] : [1, 0];
        if (!initiator.isComplete) {
          const sides = [initiator, responder] as const;
          const message = sides[sender as 0 | 1].write(bytes(payloadHex));
          expect(hexOf(message)).toBe(ciphertextHex);
          expect(hexOf(sides[receiver as 0 | 1].read(message))).toBe(payloadHex);
          continue;
        }
        results ??= [initiator.split(), responder.split()];
        const message = results[sender as 0 | 1].send.encrypt(NONE, bytes(payloadHex));
        expect(hexOf(message)).toBe(ciphertextHex);
        expect(hexOf(results[receiver as 0 | 1].receive.decrypt(NONE, message))).toBe(payloadHex);
      }
      expect(results).not.toBeNull();
      if (vector.handshakeHashHex !== null) {
        expect(results?.map(({ handshakeHash }) => hexOf(handshakeHash))).toEqual([
          vector.handshakeHashHex,
          vector.handshakeHashHex,
        ]);
      }
    },
  );

  it('refuses a handshake of which one bit was changed, wherever it is', () => {
    const [vector] = vectors;
    if (vector === undefined) throw new Error('no vector');
    const original = sideOf(vector, 'initiator', crypto).write(NONE);
    for (let position = 0; position < original.length; position++) {
      const changed = original.slice();
      changed[position] = (changed[position] ?? 0) ^ 1;
      const responder = sideOf(vector, 'responder', crypto);
      // X25519 ignores no bit of these but the highest of a public key.
      expect(() => responder.read(changed), `byte ${position}`).toThrow(NoiseError);
    }
  });

  it('refuses a public key that gives the same secret with every private one', () => {
    expect(crypto.sharedSecret(bytes(vectors[0]?.initiator.staticHex ?? ''), new Uint8Array(32))).toBeNull();
  });
});
