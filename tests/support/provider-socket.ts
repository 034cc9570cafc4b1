import { WebSocket } from 'ws';
import {
  BusinessResponse,
  ConnectionRequest,
  decodePayload,
  encodePayload,
  ProviderRegistration,
  RatatoskrType,
  type yggdrasil,
} from '../../proto/index.ts';
import { type OpenedMessage, RatatoskrSession } from '../../proto/ratatoskr/index.ts';
import { keyPairOf, nodeNoiseCrypto } from '../../proto/ratatoskr/node.ts';
import { Changes } from './changes.ts';
import { createDeviceCore } from './core.ts';
import { sessionUrl } from './ratatoskr.ts';
import type { TestServer } from './server.ts';
import type { DeviceCredentials } from './world.ts';

const core = createDeviceCore();
const STATIC_KEY_LABEL = Buffer.from('yggdrasil ratatoskr device key');

/** A provider that a test drives message by message; it does nothing by itself, so that it can do everything wrong. */
export class ProviderSocket {
  readonly socket: WebSocket;
  readonly messages: OpenedMessage[] = [];
  closeCode: number | null = null;
  closeReason = '';
  readonly #session;
  readonly #changes = new Changes();

  private constructor(server: Pick<TestServer, 'httpUrl'>, { token, signingKey }: DeviceCredentials) {
    const secret = Buffer.from(signingKey, 'base64url');
    const staticKey = keyPairOf(nodeNoiseCrypto.hmacSha256(secret, STATIC_KEY_LABEL));
    const { session, first } = RatatoskrSession.begin(
      { staticKey, serverKey: null },
      { crypto: nodeNoiseCrypto, signer: core },
    );
    this.#session = session;
    this.socket = new WebSocket(sessionUrl(server), ['ratatoskr.v1']);
    this.socket.on('open', () => this.socket.send(first));
    this.socket.on('message', (bytes: Buffer) => {
      const before = session.state;
      const { reply, message } = session.receive(new Uint8Array(bytes));
      if (reply !== null) this.socket.send(reply);
      if (before === 'handshake' && session.state === 'connecting') {
        this.send(RatatoskrType.CONNECTION_REQUEST, encodePayload(ConnectionRequest, { token }));
      }
      if (message !== null) this.messages.push({ ...message, payload: message.payload.slice() });
      this.#changes.happened();
    });
    this.socket.on('error', (error) => {
      this.closeReason = error.message;
    });
    this.socket.on('close', (code, reason) => {
      this.closeCode = code;
      if (reason.length > 0) this.closeReason = reason.toString();
      this.#changes.happened();
    });
  }

  /** Opens the session of a device, or of anybody with a token. */
  static async open(
    server: Pick<TestServer, 'httpUrl'>,
    credentials: DeviceCredentials,
  ): Promise<ProviderSocket> {
    const provider = new ProviderSocket(server, credentials);
    await provider.next(RatatoskrType.CONNECTION_RESPONSE);
    return provider;
  }

  /** Sends a message; gives its number. */
  send(type: RatatoskrType, payload: Uint8Array = new Uint8Array(0)): number {
    this.socket.send(this.#session.send(type, payload));
    return this.#session.sentSequence;
  }

  /** Offers models. Rejects with the code of a refusal. */
  async offer(models: yggdrasil.v1.OfferedModel.$Properties[], slots: number): Promise<void> {
    const offer = { models, slots };
    this.send(RatatoskrType.PROVIDER_REGISTRATION, encodePayload(ProviderRegistration, { offer }));
    const answer = await this.answer();
    if (answer !== 'taken') throw new Error(`refused: ${answer}`);
  }

  /** The next answer: `taken`, or the code of a refusal. */
  async answer(): Promise<string> {
    const { payload } = await this.next(RatatoskrType.BUSINESS_RESPONSE);
    const { status, body } = decodePayload(BusinessResponse, payload);
    return status < 400 ? 'taken' : JSON.parse(Buffer.from(body).toString()).error.code;
  }

  /** The next message of this type, taken out. Rejects when the session ends or nothing comes within 5 s. */
  async next(type: RatatoskrType): Promise<OpenedMessage> {
    const index = await this.#changes.until(() => {
      const found = this.messages.findIndex((message) => message.type === type);
      if (found >= 0) return found;
      if (this.closeCode !== null) throw new Error(`closed with ${this.closeCode} ${this.closeReason}`);
      return null;
    }, `a message of type ${RatatoskrType[type]}`);
    return this.messages.splice(index, 1)[0] as OpenedMessage;
  }

  /** How the server closes it: the code and the reason. */
  async closed(): Promise<string> {
    const code = await this.#changes.until(() => this.closeCode, 'the end of the session');
    return `${code} ${this.closeReason}`;
  }

  close(): void {
    this.socket.close();
  }
}
