import { WebSocket } from 'ws';
import {
  BusinessResponse,
  ConnectionRequest,
  DeviceSigned,
  decodePayload,
  encodePayload,
  ProviderRegistration,
  RatatoskrType,
  type yggdrasil,
} from '../../proto/index.ts';
import {
  deviceSignedBytes,
  type OpenedMessage,
  RatatoskrSession,
  SIGNATURES_FEATURE,
  SIGNED_TYPES,
} from '../../proto/ratatoskr/index.ts';
import { keyPairOf, nodeNoiseCrypto, nodeSigning } from '../../proto/ratatoskr/node.ts';
import { Changes } from './changes.ts';
import { createDeviceCore } from './core.ts';
import { sessionUrl } from './ratatoskr.ts';
import type { TestServer } from './server.ts';
import type { DeviceCredentials } from './world.ts';

const core = createDeviceCore();
const STATIC_KEY_LABEL = Buffer.from('yggdrasil ratatoskr device key');
const SIGNATURE_KEY_LABEL = Buffer.from('yggdrasil ratatoskr device signature key');

/** A provider that a test drives message by message; it does nothing by itself, so that it can do everything wrong. */
export class ProviderSocket {
  readonly socket: WebSocket;
  readonly messages: OpenedMessage[] = [];
  closeCode: number | null = null;
  closeReason = '';
  /** What becomes of the signature of a message that is sent. */
  signs: (signature: Uint8Array) => Uint8Array = (signature) => signature;
  readonly #session;
  readonly #signatureKey: Uint8Array | null;
  readonly #changes = new Changes();

  private constructor(
    server: Pick<TestServer, 'httpUrl'>,
    { token, signingKey }: DeviceCredentials,
    isSigned: boolean | Uint8Array,
  ) {
    const secret = Buffer.from(signingKey, 'base64url');
    const staticKey = keyPairOf(nodeNoiseCrypto.hmacSha256(secret, STATIC_KEY_LABEL));
    const { session, first } = RatatoskrSession.begin(
      { staticKey, serverKey: null, features: isSigned === false ? 0 : SIGNATURES_FEATURE },
      { crypto: nodeNoiseCrypto, signer: core },
    );
    this.#session = session;
    const derived = nodeNoiseCrypto.hmacSha256(secret, SIGNATURE_KEY_LABEL);
    this.#signatureKey = typeof isSigned === 'boolean' ? (isSigned ? derived : null) : isSigned;
    const signatureKey =
      this.#signatureKey === null ? new Uint8Array(0) : nodeSigning.publicKeyOf(this.#signatureKey);
    this.socket = new WebSocket(sessionUrl(server), ['ratatoskr.v1']);
    this.socket.on('open', () => this.socket.send(first));
    this.socket.on('message', (bytes: Buffer) => {
      const before = session.state;
      const { reply, message } = session.receive(new Uint8Array(bytes));
      if (reply !== null) this.socket.send(reply);
      if (before === 'handshake' && session.state === 'connecting') {
        this.send(
          RatatoskrType.CONNECTION_REQUEST,
          encodePayload(ConnectionRequest, { token, signatureKey }),
        );
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

  /**
   * Opens the session of a device, or of anybody with a token; signed: what moves money has the device's
   * signature, by the key that it derives or by this one.
   */
  static async open(
    server: Pick<TestServer, 'httpUrl'>,
    credentials: DeviceCredentials,
    isSigned: boolean | Uint8Array = false,
  ): Promise<ProviderSocket> {
    const provider = new ProviderSocket(server, credentials, isSigned);
    await provider.next(RatatoskrType.CONNECTION_RESPONSE);
    return provider;
  }

  /** Sends a message; gives its number. */
  send(type: RatatoskrType, payload: Uint8Array = new Uint8Array(0)): number {
    this.socket.send(this.#session.send(type, this.#signed(type, payload)));
    return this.#session.sentSequence;
  }

  #signed(type: RatatoskrType, message: Uint8Array): Uint8Array {
    const { handshakeHash, sentSequence } = this.#session;
    if (this.#signatureKey === null || handshakeHash === null || !SIGNED_TYPES.has(type)) return message;
    const bytes = deviceSignedBytes(handshakeHash, { type, sequence: sentSequence + 1, message });
    const signature = this.signs(nodeSigning.sign(this.#signatureKey, bytes));
    return encodePayload(DeviceSigned, { message, signature });
  }

  /** Offers models; gives the name of that in the audit. Rejects with the code of a refusal. */
  async offer(models: yggdrasil.v1.OfferedModel.$Properties[], slots: number): Promise<string> {
    const offer = { models, slots };
    this.send(RatatoskrType.PROVIDER_REGISTRATION, encodePayload(ProviderRegistration, { offer }));
    const answer = await this.#answer();
    if (outcomeOf(answer) !== 'taken') throw new Error(`refused: ${outcomeOf(answer)}`);
    return answer.requestId;
  }

  /** The next answer: `taken`, or the code of a refusal. */
  async answer(): Promise<string> {
    return outcomeOf(await this.#answer());
  }

  async #answer(): Promise<yggdrasil.v1.BusinessResponse> {
    return decodePayload(BusinessResponse, (await this.next(RatatoskrType.BUSINESS_RESPONSE)).payload);
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

function outcomeOf({ status, body }: yggdrasil.v1.BusinessResponse): string {
  return status < 400 ? 'taken' : JSON.parse(Buffer.from(body).toString()).error.code;
}
