import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import {
  Delivery,
  decodePayload,
  ErrorPayload,
  encodeFrame,
  encodePayload,
  errorCodeName,
  type FrameHeaderInit,
  FrameType,
  type FrameView,
  Hello,
  readFrame,
} from '../../proto/index.ts';
import { Changes } from './changes.ts';
import { createDeviceCore } from './core.ts';
import type { TestServer } from './server.ts';
import type { DeviceCredentials } from './world.ts';

const core = createDeviceCore();
let lastNonce = Date.now() * 1000;

/** A nonce above all that this process used. */
export function nextNonce(): number {
  return ++lastNonce;
}

/** A frame of this device, signed with its key, changed where a test needs it. */
export function signedFrame(
  credentials: DeviceCredentials,
  changes: Partial<FrameHeaderInit>,
  payload: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const key = core.importKey(Buffer.from(credentials.signingKey, 'base64url'));
  return encodeFrame(
    {
      type: FrameType.EVENT,
      delivery: Delivery.TRANSIENT,
      id: randomUUID(),
      networkId: credentials.networkId,
      sourceId: credentials.deviceId,
      nonce: nextNonce(),
      ...changes,
    },
    payload,
    (signed, frame, start) => core.signInto(key, signed, frame, start),
  );
}

/** Whether a frame carries the signature of this device's key. */
export function isSignedFor(credentials: DeviceCredentials, frame: FrameView): boolean {
  const key = core.importKey(Buffer.from(credentials.signingKey, 'base64url'));
  return core.verify(key, frame.signedBytes, frame.signature);
}

/** The code in an ERROR frame. */
export function codeOf(frame: FrameView): string {
  return errorCodeName(decodePayload(ErrorPayload, frame.payload).code);
}

/** A WebSocket that a test drives frame by frame; it does nothing by itself, so that it can do everything wrong. */
export class BifrostSocket {
  readonly socket: WebSocket;
  readonly credentials: DeviceCredentials;
  readonly frames: FrameView[] = [];
  closeCode: number | null = null;
  closeReason = '';
  readonly #changes = new Changes();

  private constructor(socket: WebSocket, credentials: DeviceCredentials) {
    this.socket = socket;
    this.credentials = credentials;
    socket.on('message', (data: Buffer) => {
      this.frames.push(readFrame(new Uint8Array(data)));
      this.#changes.happened();
    });
    socket.on('error', (error) => {
      this.closeReason = error.message;
    });
    socket.on('close', (code, reason) => {
      this.closeCode = code;
      if (reason.length > 0) this.closeReason = reason.toString();
      this.#changes.happened();
    });
  }

  /** Connects without saying HELLO. */
  static async connect(
    server: Pick<TestServer, 'webSocketUrl'>,
    credentials: DeviceCredentials,
  ): Promise<BifrostSocket> {
    const socket = new WebSocket(`${server.webSocketUrl}/bifrost`, 'bifrost.v1', {
      headers: { authorization: `Bearer ${credentials.token}` },
    });
    const connection = new BifrostSocket(socket, credentials);
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return connection;
  }

  /** Connects, says HELLO and waits for WELCOME. */
  static async open(
    server: Pick<TestServer, 'webSocketUrl'>,
    credentials: DeviceCredentials,
    hello: Parameters<typeof Hello.encode>[0] = {},
  ): Promise<BifrostSocket> {
    const connection = await BifrostSocket.connect(server, credentials);
    connection.send({ type: FrameType.HELLO }, encodePayload(Hello, hello));
    await connection.next(FrameType.WELCOME);
    return connection;
  }

  send(changes: Partial<FrameHeaderInit>, payload?: Uint8Array): void {
    this.socket.send(signedFrame(this.credentials, changes, payload));
  }

  /** The next frame of this type, taken out. Rejects when the socket closes or nothing comes within 5 s. */
  async next(type: FrameType): Promise<FrameView> {
    const index = await this.#changes.until(() => {
      const found = this.frames.findIndex(({ header }) => header.type === type);
      if (found >= 0) return found;
      if (this.closeCode !== null) throw new Error(`closed with ${this.closeCode} ${this.closeReason}`);
      const error = this.frames.find(({ header }) => header.type === FrameType.ERROR);
      if (error !== undefined) throw new Error(`refused: ${codeOf(error)}`);
      return null;
    }, `a frame of type ${FrameType[type]}`);
    return this.frames.splice(index, 1)[0] as FrameView;
  }

  /** The close code. */
  async closed(): Promise<number> {
    return this.#changes.until(() => this.closeCode, 'the end of the connection');
  }

  close(): void {
    this.socket.close();
  }
}
