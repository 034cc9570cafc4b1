import { randomUUID } from 'node:crypto';
import type { BifrostSocket, DeviceCredentials, SocketOpener } from '../../device/client/index.ts';
import {
  Ack,
  completeFrame,
  Delivery,
  type ErrorCodeName,
  ErrorPayload,
  encodeFrame,
  encodePayload,
  errorCodeNumber,
  type FrameHeaderInit,
  type FrameSigner,
  FrameType,
  type FrameView,
  readFrame,
  Welcome,
} from '../../proto/index.ts';
import { createDeviceCore } from './core.ts';

const SERVER_ID = '00000000-0000-0000-0000-000000000000';

/** Credentials that no server gave. */
export function madeUpCredentials(byte = 7): DeviceCredentials {
  return {
    deviceId: '00000000-0000-4000-8000-0000000000d1',
    networkId: '00000000-0000-4000-8000-0000000000e1',
    token: 'ygd_made-up',
    signingKey: Buffer.alloc(32, byte).toString('base64url'),
  };
}

/** The server's end of one connection: a test says every word of it. Nothing here waits or runs by itself. */
export class StandInConnection implements BifrostSocket {
  binaryType = 'blob';
  bufferedAmount = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onerror: ((event: { message?: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  readonly url: string;
  readonly subprotocol: string;
  readonly token: string;
  /** What the client sent, oldest first. */
  readonly received: FrameView[] = [];
  closedByClient = false;
  readonly #credentials: DeviceCredentials;
  readonly #sign: FrameSigner;

  constructor(
    opening: { url: string; subprotocol: string; token: string },
    credentials: DeviceCredentials,
    sign: FrameSigner,
  ) {
    this.url = opening.url;
    this.subprotocol = opening.subprotocol;
    this.token = opening.token;
    this.#credentials = credentials;
    this.#sign = sign;
  }

  /** The client sends. */
  send(bytes: Uint8Array): void {
    this.received.push(readFrame(bytes));
  }

  /** The client closes. */
  close(): void {
    this.closedByClient = true;
  }

  /** The connection is made, HELLO arrives, WELCOME answers it. */
  welcome(changes: Parameters<typeof Welcome.encode>[0] = {}): void {
    this.open();
    const payload = encodePayload(Welcome, {
      sessionId: 'session',
      head: { epoch: 'epoch-1', offset: 1_000 },
      recovered: true,
      heartbeatIntervalMs: 0,
      ...changes,
    });
    this.push({ type: FrameType.WELCOME, correlationId: this.last(FrameType.HELLO).header.id }, payload);
  }

  /** The connection is made. */
  open(): void {
    this.onopen?.(undefined as never);
  }

  /** Sends the client a frame, signed for it. */
  push(
    changes: Partial<FrameHeaderInit> & { type: number },
    payload: Uint8Array = new Uint8Array(0),
    streamOffset = 0,
  ): void {
    this.pushBytes(this.frame(changes, payload, streamOffset));
  }

  /** A frame for the client. */
  frame(
    changes: Partial<FrameHeaderInit> & { type: number },
    payload: Uint8Array = new Uint8Array(0),
    streamOffset = 0,
  ): Uint8Array {
    const header = {
      delivery: streamOffset === 0 ? Delivery.TRANSIENT : Delivery.STORED,
      id: randomUUID(),
      networkId: this.#credentials.networkId,
      sourceId: SERVER_ID,
      nonce: 1,
      ...changes,
    };
    const unsigned = encodeFrame(header, payload, () => {});
    return completeFrame(unsigned.subarray(0, readFrame(unsigned).contentLength), streamOffset, this.#sign);
  }

  /** Sends the client bytes as they are. */
  pushBytes(bytes: Uint8Array): void {
    this.onmessage?.({ data: bytes.slice().buffer });
  }

  /** Acknowledges a frame of the client's. */
  acknowledge(frame: FrameView, offset: number): void {
    this.push({ type: FrameType.ACK, correlationId: frame.header.id }, encodePayload(Ack, { offset }));
  }

  /** Refuses a frame of the client's. */
  refuse(frame: FrameView, code: ErrorCodeName): void {
    const payload = encodePayload(ErrorPayload, { code: errorCodeNumber(code), message: `no: ${code}` });
    this.push({ type: FrameType.ERROR, correlationId: frame.header.id }, payload);
  }

  /** The connection ends from the server's side. */
  end(code = 1006, reason = ''): void {
    this.onclose?.({ code, reason });
  }

  /** Frames of a type that the client sent. */
  all(type: FrameType): FrameView[] {
    return this.received.filter((frame) => frame.header.type === type);
  }

  /** The last of them. Throws when there is none. */
  last(type: FrameType): FrameView {
    const frame = this.all(type).at(-1);
    if (frame === undefined) throw new Error(`no frame of type ${type} was sent`);
    return frame;
  }
}

/** What a client connects to instead of a server; every try to connect is a connection in the list. */
export class StandInServer {
  readonly connections: StandInConnection[] = [];
  readonly #credentials: DeviceCredentials;
  readonly #sign: FrameSigner;

  constructor(credentials: DeviceCredentials) {
    const core = createDeviceCore();
    const key = core.importKey(Buffer.from(credentials.signingKey, 'base64url'));
    this.#credentials = credentials;
    this.#sign = (message, frame, position) => core.signInto(key, message, frame, position);
  }

  readonly openSocket: SocketOpener = (url, subprotocol, token) => {
    const connection = new StandInConnection({ url, subprotocol, token }, this.#credentials, this.#sign);
    this.connections.push(connection);
    return connection;
  };

  /** The connection of the last try. */
  get connection(): StandInConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error('the client never connected');
    return connection;
  }
}
