import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RequestBody } from '../../../device/provider/request-body.ts';
import {
  ComputeBody,
  ComputeRequest,
  decodePayload,
  RatatoskrType,
  uuidFromBytes,
} from '../../../proto/index.ts';
import { PAYLOAD_BYTES_MAX, PIECE_BYTES_MAX } from '../../../proto/ratatoskr/index.ts';
import type { ProviderOrder } from '../../../server/domains/providers/index.ts';
import { PLAIN_CHAT } from '../../../server/domains/providers/index.ts';
import { asId, type TransactionId } from '../../../server/kernel/ids.ts';
import { BODY_WINDOW_BYTES, ECHOES_MAX } from '../../../server/transports/ratatoskr/limits.ts';
import {
  createProviderLink,
  type SessionProviderLink,
} from '../../../server/transports/ratatoskr/provider-link.ts';
import { uuid } from '../../support/frames.ts';

const encoder = new TextEncoder();

/** A JSON object of exactly so many bytes in UTF-8, with characters of several bytes in it. */
function bodyOf(bytes: number): Uint8Array {
  const frame = encoder.encode('{"a":""}').length;
  const wide = Math.floor((bytes - frame) / 7);
  const text = '😀é'.slice(0, 3).repeat(Math.max(0, wide));
  const rest = bytes - frame - encoder.encode(text).length;
  return encoder.encode(JSON.stringify({ a: text + 'x'.repeat(rest) }));
}

const orderOf = (number: number, body: Uint8Array): ProviderOrder => ({
  requestId: asId<TransactionId>(uuid(number)),
  model: 'm',
  body,
  isContinuation: false,
  task: PLAIN_CHAT,
  completionTokensMax: 1,
  firstTokenTimeoutMs: 1,
  stallTimeoutMs: 1,
  creditBytes: 1,
});

/** The device's end of a link: puts bodies together, and confirms what it took in when it is told to. */
class Receiver {
  readonly bodies = new Map<string, RequestBody>();
  readonly pieces: number[] = [];
  unconfirmedBytes = 0;
  unconfirmedBytesMost = 0;
  accepts = true;

  readonly send = (type: RatatoskrType, payload: Uint8Array): boolean => {
    if (!this.accepts) return false;
    expect(payload.length).toBeLessThanOrEqual(PAYLOAD_BYTES_MAX);
    if (type === RatatoskrType.COMPUTE_REQUEST) {
      const { requestId, body, bodyBytes } = decodePayload(ComputeRequest, payload);
      const request = new RequestBody(bodyBytes, new AbortController().signal);
      this.bodies.set(uuidFromBytes(requestId), request);
      request.add(body);
    } else if (type === RatatoskrType.COMPUTE_BODY) {
      const { requestId, data } = decodePayload(ComputeBody, payload);
      this.bodies.get(uuidFromBytes(requestId))?.add(data);
      this.pieces.push(data.length);
      this.unconfirmedBytes += data.length;
      this.unconfirmedBytesMost = Math.max(this.unconfirmedBytesMost, this.unconfirmedBytes);
    }
    return true;
  };
}

describe("a request's body", () => {
  it('is the same wherever it is cut', async () => {
    const text = '{"a":"é😀\\u0000x"}';
    const bytes = encoder.encode(text);
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second++) {
        const body = new RequestBody(bytes.length, new AbortController().signal);
        for (const [from, to] of [
          [0, first],
          [first, second],
          [second, bytes.length],
        ]) {
          body.add(bytes.subarray(from, to));
        }
        expect(await body.read()).toEqual(JSON.parse(text));
      }
    }
  });

  it('of any size arrives whole, whenever and however much of it is confirmed', async () => {
    const size = fc.oneof(
      fc.integer({ min: 8, max: 200 }),
      fc.constantFrom(PIECE_BYTES_MAX - 1, PIECE_BYTES_MAX, PIECE_BYTES_MAX + 1, 2 * PIECE_BYTES_MAX + 1),
      fc.integer({ min: BODY_WINDOW_BYTES, max: 3 * BODY_WINDOW_BYTES }),
    );
    const confirmations = fc.infiniteStream(fc.integer({ min: 1, max: BODY_WINDOW_BYTES }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(size, { minLength: 1, maxLength: 4 }),
        confirmations,
        async (sizes, parts) => {
          const receiver = new Receiver();
          const link = createProviderLink(receiver.send);
          const bodies = sizes.map(bodyOf);
          for (const [number, body] of bodies.entries())
            expect(link.request(orderOf(number, body))).toBe(true);
          while (receiver.unconfirmedBytes > 0) {
            const { value } = parts.next();
            const bytes = Math.min(value ?? 1, receiver.unconfirmedBytes);
            receiver.unconfirmedBytes -= bytes;
            expect(link.bodyTaken(bytes)).toBe(true);
          }
          for (const [number, body] of bodies.entries()) {
            const received = await receiver.bodies.get(uuid(number))?.read();
            expect(received).toEqual(JSON.parse(new TextDecoder().decode(body)));
          }
          expect(receiver.unconfirmedBytesMost).toBeLessThanOrEqual(BODY_WINDOW_BYTES);
          expect(link.bodyTaken(1)).toBe(false);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('that is cancelled is sent no further, and makes room for the next', async () => {
    const receiver = new Receiver();
    const link = createProviderLink(receiver.send);
    link.request(orderOf(1, bodyOf(10 * BODY_WINDOW_BYTES)));
    link.request(orderOf(2, bodyOf(BODY_WINDOW_BYTES)));
    expect(receiver.unconfirmedBytes).toBe(BODY_WINDOW_BYTES);
    link.cancel(asId<TransactionId>(uuid(1)));
    receiver.unconfirmedBytes = 0;
    link.bodyTaken(BODY_WINDOW_BYTES);
    await receiver.bodies.get(uuid(2))?.read();
    expect(receiver.unconfirmedBytes).toBe(BODY_WINDOW_BYTES - PIECE_BYTES_MAX);
  });

  it.each([
    ['whose provider has ended it', (link: SessionProviderLink) => link.requestEnded(uuid(1))],
    [
      'whose provider can not be told its credit',
      (link: SessionProviderLink, receiver: Receiver) => {
        receiver.accepts = false;
        expect(link.grant(asId<TransactionId>(uuid(1)), 1)).toBe(false);
        receiver.accepts = true;
      },
    ],
  ])('of a request %s is sent no further, and kept by nobody', async (_, end) => {
    const receiver = new Receiver();
    const link = createProviderLink(receiver.send);
    link.request(orderOf(1, bodyOf(10 * BODY_WINDOW_BYTES)));
    end(link, receiver);
    const sent = receiver.pieces.length;
    expect(link.bodyTaken(BODY_WINDOW_BYTES)).toBe(true);
    expect(receiver.pieces).toHaveLength(sent);
  });

  it('that could not be sent on goes on with the next confirmation', async () => {
    const receiver = new Receiver();
    const link = createProviderLink(receiver.send);
    const body = bodyOf(2 * BODY_WINDOW_BYTES);
    link.request(orderOf(1, body));
    receiver.accepts = false;
    link.bodyTaken(PIECE_BYTES_MAX);
    receiver.accepts = true;
    link.bodyTaken(BODY_WINDOW_BYTES - PIECE_BYTES_MAX);
    expect(await receiver.bodies.get(uuid(1))?.read()).toEqual(JSON.parse(new TextDecoder().decode(body)));
  });

  it('of questions that are never answered is kept for the newest alone', () => {
    const receiver = new Receiver();
    const link = createProviderLink(receiver.send);
    link.request(orderOf(0, bodyOf(10 * BODY_WINDOW_BYTES)));
    for (let number = 1; number <= ECHOES_MAX + 2; number++)
      void link.echo?.(asId<TransactionId>(uuid(number)));
    receiver.pieces.length = 0;
    link.cancel(asId<TransactionId>(uuid(0)));
    link.bodyTaken(BODY_WINDOW_BYTES);
    expect(receiver.pieces).toHaveLength(ECHOES_MAX);
  });
});
