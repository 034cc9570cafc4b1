import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RatatoskrHandshake, RatatoskrType } from '../../../proto/index.ts';
import { CLEAR_FEATURE, PAYLOAD_BYTES_MAX, SessionError } from '../../../proto/ratatoskr/index.ts';
import { CONVERSATION, converse, createChannels, createSides } from '../../support/ratatoskr-session.ts';

const HANDSHAKE_MESSAGES = { IK: 2, XX: 3 } as const;
const PATTERNS = ['IK', 'XX'] as const;
const TYPES = Object.values(RatatoskrType).filter((type) => typeof type === 'number');

/** Places on the wire: the handshake's messages, then the conversation's. */
const placesOf = (pattern: 'IK' | 'XX') =>
  Array.from({ length: HANDSHAKE_MESSAGES[pattern] + CONVERSATION.length }, (_, place) => place);

describe.each(PATTERNS)('a session by %s', (pattern) => {
  const places = placesOf(pattern);
  const senderOf = (place: number) =>
    place < HANDSHAKE_MESSAGES[pattern]
      ? (['client', 'server'] as const)[place % 2]
      : CONVERSATION[place - HANDSHAKE_MESSAGES[pattern]]?.[0];
  const undisturbed = converse(pattern);

  it('carries every message as it was sent, and nobody on the way reads it', () => {
    expect(undisturbed.ended).toBeNull();
    expect(undisturbed.accepted.map(({ message }) => [message.type, [...message.payload]])).toEqual(
      CONVERSATION.map(([, type]) => [type, [1, 2, 3, type]]),
    );
    for (const bytes of undisturbed.wire) expect(Buffer.from(bytes).includes(Buffer.of(1, 2, 3))).toBe(false);
  });

  it('ends where a byte was changed, and takes nothing from there on', () => {
    for (const place of places) {
      // Every byte of the handshake; of messages, whose every byte is tried below, some.
      const step = place < HANDSHAKE_MESSAGES[pattern] ? 1 : 23;
      for (let position = 0; position < (undisturbed.wire[place]?.length ?? 0); position += step) {
        const { accepted, ended } = converse(pattern, (bytes, at) => {
          if (at !== place) return [bytes];
          const changed = bytes.slice();
          changed[position] = (changed[position] ?? 0) ^ (1 << (position % 8));
          return [changed];
        });
        expect(ended, `byte ${position} of message ${place}`).not.toBeNull();
        expect(accepted.every(({ place: taken }) => taken < place)).toBe(true);
      }
    }
  });

  it('ends where a message was cut, or has more behind it', () => {
    for (const place of places) {
      for (const change of [
        (bytes: Uint8Array) => bytes.subarray(0, -1),
        (bytes: Uint8Array) => bytes.subarray(0, bytes.length >> 1),
        () => new Uint8Array(0),
        (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.of(0)]),
        (bytes: Uint8Array) => Buffer.concat([bytes, bytes]),
      ]) {
        const { accepted, ended } = converse(pattern, (bytes, at) => [at === place ? change(bytes) : bytes]);
        expect(ended, `message ${place}`).not.toBeNull();
        expect(accepted.every(({ place: taken }) => taken < place)).toBe(true);
      }
    }
  });

  it('ends where a message comes twice, also later', () => {
    for (const place of places) {
      const { ended } = converse(pattern, (bytes, at) => (at === place ? [bytes, bytes] : [bytes]));
      expect(ended, `message ${place}`).not.toBeNull();
      const again = converse(pattern, (bytes, at, sender) =>
        at > place && sender === senderOf(place) ? [undisturbed.wire[place] ?? bytes] : [bytes],
      );
      const hasSuccessor = places.some((later) => later > place && senderOf(later) === senderOf(place));
      expect(again.ended !== null, `message ${place}`).toBe(hasSuccessor);
    }
  });

  it('ends at the next message of its direction where one is missing', () => {
    for (const place of places.slice(HANDSHAKE_MESSAGES[pattern])) {
      const { accepted, ended } = converse(pattern, (bytes, at) => (at === place ? [] : [bytes]));
      const next = places.find((later) => later > place && senderOf(later) === senderOf(place));
      if (next === undefined) continue;
      expect(ended, `message ${place}`).not.toBeNull();
      expect(accepted.some(({ place: taken }) => taken >= next)).toBe(false);
    }
  });

  it('ends where two messages change places', () => {
    const first = places
      .slice(HANDSHAKE_MESSAGES[pattern])
      .find((place) => senderOf(place) === 'client' && senderOf(place + 1) === 'client');
    let held: Uint8Array | null = null;
    const { ended } = converse(pattern, (bytes, at) => {
      if (at === first) {
        held = bytes;
        return [];
      }
      return held === null ? [bytes] : [bytes, held];
    });
    expect(first).toBeDefined();
    expect(ended).toBe('ratatoskr_sequence_wrong');
  });

  it('takes no message of another session, of the same two', () => {
    const other = converse(pattern, (bytes) => [bytes], 1);
    for (const place of places) {
      const { accepted, ended } = converse(pattern, (bytes, at) => [
        at === place ? (other.wire[place] ?? bytes) : bytes,
      ]);
      expect(ended, `message ${place}`).not.toBeNull();
      expect(accepted.every(({ place: taken }) => taken < place)).toBe(true);
    }
  });
});

describe('a session', () => {
  /** Who may send what, in the words of the document: the model. */
  const model = () => {
    let state: 'asking' | 'answering' | 'open' | 'ended' = 'asking';
    const both = [RatatoskrType.STREAM_DATA, RatatoskrType.HEARTBEAT, RatatoskrType.COMPUTE_CREDIT];
    const provider = ['PROVIDER_REGISTRATION', 'COMPUTE_DELTA', 'COMPUTE_ALIVE', 'COMPUTE_RESULT'];
    const worked = ['COMPUTE_REQUEST', 'COMPUTE_BODY', 'COMPUTE_CANCEL'];
    const allowed = (who: 'client' | 'server', type: RatatoskrType): boolean => {
      if (state === 'ended') return false;
      if (type === RatatoskrType.DISCONNECT) return true;
      if (state === 'asking') return who === 'client' && type === RatatoskrType.CONNECTION_REQUEST;
      if (state === 'answering') return who === 'server' && type === RatatoskrType.CONNECTION_RESPONSE;
      if (both.includes(type)) return true;
      const name = RatatoskrType[type] ?? '';
      if (provider.includes(name)) return who === 'client';
      if (worked.includes(name)) return who === 'server';
      return who === 'client'
        ? ['BUSINESS_REQUEST', 'MARKETPLACE_REQUEST', 'PAYMENT_REQUEST', 'STREAM_CREDIT'].includes(name)
        : type === RatatoskrType.BUSINESS_RESPONSE;
    };
    return (who: 'client' | 'server', type: RatatoskrType): boolean => {
      if (!allowed(who, type)) return false;
      if (type === RatatoskrType.DISCONNECT) state = 'ended';
      if (type === RatatoskrType.CONNECTION_REQUEST) state = 'answering';
      if (type === RatatoskrType.CONNECTION_RESPONSE) state = 'open';
      return true;
    };
  };

  it('lets each side send what the model allows, and nothing else', () => {
    const step = fc.tuple(fc.constantFrom('client' as const, 'server' as const), fc.constantFrom(...TYPES));
    const start = fc.constantFrom(0, 1, 2);
    fc.assert(
      fc.property(start, fc.array(step, { maxLength: 30 }), (opened, steps) => {
        const { client, server, first } = createSides('IK');
        const { reply } = server.receive(first);
        if (reply !== null) client.receive(reply);
        const mayBeSent = model();
        for (const [who, type] of [...CONVERSATION.slice(0, opened), ...steps]) {
          const [sender, receiver] = who === 'client' ? [client, server] : [server, client];
          let bytes: Uint8Array | null = null;
          try {
            bytes = sender.send(type, Uint8Array.of(type));
          } catch (error) {
            expect(error).toBeInstanceOf(SessionError);
          }
          expect(bytes !== null).toBe(mayBeSent(who, type));
          if (bytes !== null) expect(receiver.receive(bytes).message?.type).toBe(type);
          expect(client.state).toBe(server.state);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('ends with a code for whatever bytes come, at any time', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat({ max: 5 }), (bytes, place) => {
        const { ended } = converse('XX', (sent, at) => [at === place ? bytes : sent]);
        expect(ended).toMatch(/^ratatoskr_/);
      }),
      { numRuns: 200 },
    );
  });

  it('has no key in common with one of another version, pattern or server key', () => {
    const { server } = createSides('XX');
    const { first } = createSides('IK');
    expect(() => server.receive(Uint8Array.of(0x08, 2, ...first.subarray(2)))).toThrow(
      expect.objectContaining({ code: 'ratatoskr_version_unsupported' }),
    );
    expect(server.state).toBe('ended');
  });

  it('takes no message in which a bit was changed, whichever it is', () => {
    const [sender, receiver] = createChannels();
    const bytes = sender.seal(RatatoskrType.HEARTBEAT, Uint8Array.of(1, 2, 3));
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = bytes.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => receiver.open(changed), `bit ${bit}`).toThrow(SessionError);
    }
    expect([...receiver.open(bytes).payload]).toEqual([1, 2, 3]);
  });

  it('carries a payload of the largest size', () => {
    const { client, server, first } = createSides('IK');
    const { reply } = server.receive(first);
    if (reply !== null) client.receive(reply);
    const payload = new Uint8Array(PAYLOAD_BYTES_MAX).fill(7);
    const { message } = server.receive(client.send(RatatoskrType.CONNECTION_REQUEST, payload));
    expect(Buffer.compare(message?.payload ?? new Uint8Array(0), payload)).toBe(0);
  });

  it('is not encrypted where both sides decline that, once it is open; it is signed and numbered all the same', () => {
    const [client, server] = openClear();
    const message = { type: RatatoskrType.BUSINESS_REQUEST, payload: Uint8Array.of(1, 2, 3) };
    const bytes = client.send(message.type, message.payload);
    expect(Buffer.from(bytes).includes(Buffer.of(1, 2, 3))).toBe(true);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = bytes.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const [other, receiver] = openClear();
      expect(Buffer.compare(other.send(message.type, message.payload), bytes)).toBe(0);
      expect(() => receiver.receive(changed), `bit ${bit}`).toThrow(SessionError);
    }
    expect(server.receive(bytes).message).toEqual({ ...message, sequence: 2 });
    bytes.fill(0);
    expect(() => server.receive(client.send(message.type, message.payload))).not.toThrow();
    expect(() => server.receive(bytes)).toThrow(SessionError);
  });

  it('is encrypted where its client did not decline that, whatever the other side says', () => {
    const { client, server, first } = createSides('IK');
    expect(() => client.stopEncrypting()).toThrow(SessionError);
    const { reply } = server.receive(first);
    if (reply !== null) client.receive(reply);
    server.receive(client.send(RatatoskrType.CONNECTION_REQUEST, new Uint8Array(0)));
    client.receive(server.send(RatatoskrType.CONNECTION_RESPONSE, new Uint8Array(0)));
    for (const side of [client, server]) expect(() => side.stopEncrypting()).toThrow(SessionError);
  });

  it('has no keys where somebody on the way declines encryption for its client', () => {
    const { server, first } = createSides('IK');
    const said = RatatoskrHandshake.decode(first);
    const changed = RatatoskrHandshake.encode({ ...said, features: CLEAR_FEATURE }).finish();
    expect(() => server.receive(changed)).toThrow(
      expect.objectContaining({ code: 'ratatoskr_handshake_failed' }),
    );
  });
});

/** Two sides of an open session in which both declined encryption; always the same. */
function openClear() {
  const { client, server, first } = createSides('IK', 0, CLEAR_FEATURE);
  const { reply } = server.receive(first);
  if (reply !== null) client.receive(reply);
  server.receive(client.send(RatatoskrType.CONNECTION_REQUEST, Uint8Array.of(1)));
  const response = server.send(RatatoskrType.CONNECTION_RESPONSE, Uint8Array.of(2));
  server.stopEncrypting();
  client.receive(response);
  client.stopEncrypting();
  return [client, server] as const;
}
