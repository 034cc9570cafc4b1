import type { BifrostSocket, SessionSocketOpener } from '../../device/client/index.ts';
import {
  BusinessResponse,
  ConnectionResponse,
  Disconnect,
  type ErrorCodeName,
  encodePayload,
  errorCodeNumber,
  RatatoskrType,
} from '../../proto/index.ts';
import { type OpenedMessage, RatatoskrSession } from '../../proto/ratatoskr/index.ts';
import { nodeNoiseCrypto } from '../../proto/ratatoskr/node.ts';
import { createDeviceCore } from './core.ts';

const core = createDeviceCore();
const serverKey = nodeNoiseCrypto.generateKeyPair();

/** The server's end of one session of Ratatoskr: a test says every word of it. Nothing here waits or runs by itself. */
export class StandInSession implements BifrostSocket {
  binaryType = '';
  bufferedAmount = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onerror: ((event: { message?: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  /** What the client sent after the handshake, oldest first. */
  readonly received: OpenedMessage[] = [];
  closedByClient = false;
  /** What the client is refused with when it says who it is; null: it is let in. */
  refusal: ErrorCodeName | null = null;
  welcomeWith: ConstructorParameters<typeof ConnectionResponse>[0] = {
    requestsMax: 3,
    heartbeatIntervalMs: 0,
  };
  readonly #session = RatatoskrSession.await(
    { staticKeys: [serverKey] },
    { crypto: nodeNoiseCrypto, signer: core },
  );

  /** The connection is made; the session opens, unless it is refused. */
  open(): void {
    this.onopen?.(undefined as never);
  }

  /** The client sends. */
  send(bytes: Uint8Array): void {
    const { reply, message } = this.#session.receive(bytes);
    if (reply !== null) this.#deliver(reply);
    if (message === null) return;
    this.received.push({ ...message, payload: message.payload.slice() });
    if (message.type === RatatoskrType.CONNECTION_REQUEST) this.#welcome();
  }

  /** The client closes. */
  close(): void {
    this.closedByClient = true;
  }

  /** Sends the client a message. */
  push(type: RatatoskrType, payload: Uint8Array = new Uint8Array(0)): void {
    this.#deliver(this.#session.send(type, payload));
  }

  /** Takes a message of a provider. */
  acknowledge({ sequence: request }: OpenedMessage): void {
    this.push(RatatoskrType.BUSINESS_RESPONSE, encodePayload(BusinessResponse, { request, status: 204 }));
  }

  /** Refuses it. */
  refuse({ sequence: request }: OpenedMessage, code: ErrorCodeName): void {
    const body = Buffer.from(JSON.stringify({ error: { code, message: `no: ${code}` } }));
    const response = { request, status: 400, contentType: 'application/json', body };
    this.push(RatatoskrType.BUSINESS_RESPONSE, encodePayload(BusinessResponse, response));
  }

  /** The connection ends from the server's side. */
  end(code = 1006, reason = ''): void {
    this.#session.end();
    this.onclose?.({ code, reason });
  }

  /** Messages of a type that the client sent. */
  all(type: RatatoskrType): OpenedMessage[] {
    return this.received.filter((message) => message.type === type);
  }

  /** The last of them. Throws when there is none. */
  last(type: RatatoskrType): OpenedMessage {
    const message = this.all(type).at(-1);
    if (message === undefined) throw new Error(`no message of type ${type} was sent`);
    return message;
  }

  #welcome(): void {
    if (this.refusal === null) {
      this.push(RatatoskrType.CONNECTION_RESPONSE, encodePayload(ConnectionResponse, this.welcomeWith));
      return;
    }
    const code = errorCodeNumber(this.refusal);
    this.push(RatatoskrType.DISCONNECT, encodePayload(Disconnect, { code, message: 'No.' }));
  }

  #deliver(bytes: Uint8Array): void {
    this.onmessage?.({ data: Uint8Array.from(bytes).buffer });
  }
}

/** The server's ends of a client's sessions, one after the other. */
export class StandInSessions {
  readonly sessions: StandInSession[] = [];
  readonly openSocket: SessionSocketOpener = () => {
    const session = new StandInSession();
    this.sessions.push(session);
    return session;
  };

  /** The newest. Throws before there is one. */
  get connection(): StandInSession {
    const session = this.sessions.at(-1);
    if (session === undefined) throw new Error('the client has opened no session');
    return session;
  }
}
