import { RatatoskrType } from '../../proto/index.ts';
import {
  Channel,
  Handshake,
  type KeyPair,
  type NoiseCrypto,
  type OpenedMessage,
  type Puzzle,
  RatatoskrSession,
  SessionError,
} from '../../proto/ratatoskr/index.ts';
import { keyPairOf, nodeNoiseCrypto } from '../../proto/ratatoskr/node.ts';
import { createDeviceCore, createServerCore } from './core.ts';

const { CONNECTION_REQUEST, CONNECTION_RESPONSE } = RatatoskrType;
const { BUSINESS_REQUEST, BUSINESS_RESPONSE, STREAM_DATA, HEARTBEAT, DISCONNECT } = RatatoskrType;

/** What a provider and the server say to each other. */
const PROVIDING: readonly (readonly ['client' | 'server', RatatoskrType])[] = [
  ['client', RatatoskrType.PROVIDER_REGISTRATION],
  ['server', BUSINESS_RESPONSE],
  ['server', RatatoskrType.COMPUTE_REQUEST],
  ['server', RatatoskrType.COMPUTE_BODY],
  ['client', RatatoskrType.COMPUTE_CREDIT],
  ['client', RatatoskrType.COMPUTE_ALIVE],
  ['client', RatatoskrType.COMPUTE_DELTA],
  ['server', RatatoskrType.COMPUTE_CREDIT],
  ['server', RatatoskrType.COMPUTE_CANCEL],
  ['client', RatatoskrType.COMPUTE_RESULT],
];

/** Who sends what after the handshake, in a conversation that has every kind of message. */
export const CONVERSATION: readonly (readonly ['client' | 'server', RatatoskrType])[] = [
  ['client', CONNECTION_REQUEST],
  ['server', CONNECTION_RESPONSE],
  ['client', BUSINESS_REQUEST],
  ['client', STREAM_DATA],
  ['server', BUSINESS_RESPONSE],
  ['server', STREAM_DATA],
  ['client', HEARTBEAT],
  ['server', HEARTBEAT],
  ['client', RatatoskrType.STREAM_CREDIT],
  ['client', RatatoskrType.MARKETPLACE_REQUEST],
  ['server', BUSINESS_RESPONSE],
  ['client', RatatoskrType.PAYMENT_REQUEST],
  ['server', BUSINESS_RESPONSE],
  ...PROVIDING,
  ['client', DISCONNECT],
];

/** The keys of both sides. */
export const serverKey: KeyPair = nodeNoiseCrypto.generateKeyPair();
export const clientKey: KeyPair = nodeNoiseCrypto.generateKeyPair();

const clientCore = createDeviceCore();
const serverCore = createServerCore();

const secrets = new Map<string, Uint8Array | null>();

/** The ephemeral keys of a numbered session are always the same, and each secret is computed once: tests hold thousands. */
function cryptoOf(side: 'client' | 'server', session: number): NoiseCrypto {
  return {
    ...nodeNoiseCrypto,
    generateKeyPair: () => keyPairOf(nodeNoiseCrypto.sha256(Buffer.from(`${side} ${session}`))),
    sharedSecret(privateKey, publicKey) {
      const name = Buffer.concat([privateKey, publicKey]).toString('latin1');
      const known = secrets.get(name);
      if (known !== undefined) return known;
      const secret = nodeNoiseCrypto.sharedSecret(privateKey, publicKey);
      secrets.set(name, secret);
      return secret;
    },
  };
}

/** Two sides of a numbered session that haven't spoken yet, and the client's first bytes. */
export function createSides(
  pattern: 'IK' | 'XX',
  number = 0,
  features = 0,
  newPuzzle: () => Puzzle | null = () => null,
) {
  const { session: client, first } = RatatoskrSession.begin(
    { staticKey: clientKey, serverKey: pattern === 'IK' ? serverKey.publicKey : null, features },
    { crypto: cryptoOf('client', number), signer: clientCore },
  );
  const server = RatatoskrSession.await(
    { staticKeys: [serverKey], newPuzzle },
    { crypto: cryptoOf('server', number), signer: serverCore },
  );
  return { client, server, first };
}

/** The channels of both sides, client first, once a handshake is over. */
export function createChannels() {
  const options = { pattern: 'IK', prologue: new Uint8Array(0) } as const;
  const client = new Handshake(
    { ...options, role: 'initiator', staticKey: clientKey, remoteStaticKey: serverKey.publicKey },
    nodeNoiseCrypto,
  );
  const server = new Handshake({ ...options, role: 'responder', staticKey: serverKey }, nodeNoiseCrypto);
  server.read(client.write());
  client.read(server.write());
  const crypto = nodeNoiseCrypto;
  return [
    new Channel(client.split(), { role: 'initiator', crypto, signer: clientCore }),
    new Channel(server.split(), { role: 'responder', crypto, signer: serverCore }),
  ] as const;
}

/** What somebody on the way makes of a message, by its place: what arrives. */
export type OnTheWay = (
  bytes: Uint8Array,
  place: number,
  sender: 'client' | 'server',
) => readonly Uint8Array[];

/** How a conversation went. */
export interface Conversation {
  /** Everything that was sent, handshake included. */
  readonly wire: readonly Uint8Array[];
  /** The places of the messages that were taken, by number on the wire. */
  readonly accepted: readonly { readonly place: number; readonly message: OpenedMessage }[];
  /** The code with which the first side ended; null: everything arrived. */
  readonly ended: string | null;
}

/** Holds the conversation, with somebody on the way. */
export function converse(
  pattern: 'IK' | 'XX',
  onTheWay: OnTheWay = (bytes) => [bytes],
  number = 0,
): Conversation {
  const { client, server, first } = createSides(pattern, number);
  const wire: Uint8Array[] = [];
  const accepted: { place: number; message: OpenedMessage }[] = [];
  const carry = (bytes: Uint8Array, sender: 'client' | 'server'): Uint8Array | null => {
    const place = wire.push(bytes) - 1;
    let reply: Uint8Array | null = null;
    for (const arrived of onTheWay(bytes, place, sender)) {
      const received = (sender === 'client' ? server : client).receive(arrived);
      if (received.message !== null) accepted.push({ place, message: received.message });
      reply = received.reply;
    }
    return reply;
  };
  try {
    let sender: 'client' | 'server' = 'client';
    for (let next: Uint8Array | null = first; next !== null; ) {
      next = carry(next, sender);
      sender = sender === 'client' ? 'server' : 'client';
    }
    for (const [who, type] of CONVERSATION) {
      carry((who === 'client' ? client : server).send(type, Uint8Array.of(1, 2, 3, type)), who);
    }
    return { wire, accepted, ended: null };
  } catch (error) {
    if (!(error instanceof SessionError)) throw error;
    return { wire, accepted, ended: error.code };
  }
}
