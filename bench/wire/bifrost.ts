import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { loadServerCore, type SigningKey } from '../../assembly/host/node.ts';
import { checkoutFolder } from '../../device/node/checkout.ts';
import {
  Ack,
  Delivery,
  decodePayload,
  ErrorPayload,
  encodeFrame,
  encodePayload,
  errorCodeName,
  FrameType,
  Hello,
  readFrame,
} from '../../proto/index.ts';
import type { Credentials } from '../processes/product.ts';
import { encodeMessage, WebSocketWire } from './websocket.ts';

/** Of a frame: signature. */
const SIGNATURE_BYTES = 32;
const SIGNATURE_FIELD_BYTES = 34;
const ID_BYTES = 16;

const core = loadServerCore(readFileSync(`${checkoutFolder()}build/core.wasm`));
let lastNonce = Date.now() * 1000;

/** A nonce above all that this process used: microseconds, so always eight bytes on the wire. */
function nextNonce(): number {
  return ++lastNonce;
}

/** What all frames of one source to one destination have in common. */
export interface FrameSeries {
  readonly credentials: Credentials;
  readonly destinationId: string | null;
  readonly delivery: Delivery;
  /** Length of the whole frame. */
  readonly frameBytes: number;
}

/** Makes signed frames of a series at the price of a copy and a signature. */
export class FrameMint {
  readonly frameBytes: number;
  readonly #template: Uint8Array;
  readonly #key: SigningKey;
  readonly #idAt: number;
  readonly #nonceAt: number;
  #count = 0;

  constructor({ credentials, destinationId, delivery, frameBytes }: FrameSeries) {
    this.#key = keyOf(credentials);
    const id = randomUUID();
    const make = (payloadBytes: number) =>
      encodeFrame(
        {
          type: FrameType.EVENT,
          delivery,
          id,
          networkId: credentials.networkId,
          sourceId: credentials.deviceId,
          destinationId,
          nonce: nextNonce(),
        },
        new Uint8Array(payloadBytes),
        () => {},
      );
    const payloadBytes = Math.max(0, frameBytes - make(0).length);
    this.#template = make(payloadBytes);
    this.frameBytes = this.#template.length;
    const header = Buffer.from(this.#template);
    this.#idAt = header.indexOf(Buffer.from(id.replaceAll('-', ''), 'hex'));
    // The nonce is the header's last field: tag 0x40, and eight bytes.
    const headerEnd = 2 + (this.#template[1] as number);
    this.#nonceAt = headerEnd - 8;
    if (this.#template[this.#nonceAt - 1] !== 0x40 || this.#idAt < 0)
      throw new Error('a frame has another layout');
    randomBytes(ID_BYTES).copy(header, this.#idAt);
  }

  /** Writes the next frame into `out`. */
  writeInto(out: Buffer, at: number): void {
    const { length } = this.#template;
    out.set(this.#template, at);
    out.writeUInt32LE(this.#count++, at + this.#idAt + 4);
    let rest = nextNonce();
    for (let position = at + this.#nonceAt; ; position++) {
      if (rest < 128) {
        out[position] = rest;
        break;
      }
      out[position] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    const signed = out.subarray(at, at + length - SIGNATURE_FIELD_BYTES);
    core.signInto(this.#key, signed, out, at + length - SIGNATURE_BYTES);
  }
}

/** A connected device over WebSocket, after WELCOME. */
export async function openBifrost(port: number, credentials: Credentials): Promise<WebSocketWire> {
  const wire = await WebSocketWire.connect({
    port,
    path: '/bifrost',
    subprotocol: 'bifrost.v1',
    token: credentials.token,
  });
  await new Promise<void>((resolve, reject) => {
    wire.onClosed = (reason) => reject(new Error(`Bifrost: ${reason}`));
    wire.onMessages = ([first]) => {
      const { header, payload } = readFrame(first as Uint8Array);
      if (header.type === FrameType.WELCOME) resolve();
      else if (header.type === FrameType.ERROR) {
        reject(new Error(`Bifrost: ${errorCodeName(decodePayload(ErrorPayload, payload).code)}`));
      }
    };
    wire.send(encodeMessage(signedFrame(credentials, FrameType.HELLO, encodePayload(Hello, {}))));
  });
  return wire;
}

/** The message with which a device acknowledges the stream up to a position. */
export function encodeAcknowledgement(credentials: Credentials, offset: number): Buffer {
  return encodeMessage(signedFrame(credentials, FrameType.ACK, encodePayload(Ack, { offset })));
}

/** The type of a frame; the second field of its header, which follows the version. */
export function typeOf(frame: Uint8Array): number {
  return frame[5] as number;
}

function signedFrame(credentials: Credentials, type: FrameType, payload: Uint8Array): Uint8Array {
  const key = keyOf(credentials);
  return encodeFrame(
    {
      type,
      delivery: Delivery.TRANSIENT,
      id: randomUUID(),
      networkId: credentials.networkId,
      sourceId: credentials.deviceId,
      nonce: nextNonce(),
    },
    payload,
    (signed, frame, start) => core.signInto(key, signed, frame, start),
  );
}

const keys = new Map<string, SigningKey>();

function keyOf({ deviceId, signingKey }: Credentials): SigningKey {
  let key = keys.get(deviceId);
  if (key === undefined) {
    key = core.importKey(Buffer.from(signingKey, 'base64url'));
    keys.set(deviceId, key);
  }
  return key;
}
