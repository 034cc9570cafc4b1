import { WebSocket } from 'ws';
import { connectRatatoskr, type RatatoskrClient, type RatatoskrOptions } from '../../device/client/index.ts';
import { nodeSessions } from '../../device/node/ratatoskr.ts';
import {
  ConnectionRequest,
  ConnectionResponse,
  decodePayload,
  encodePayload,
  RatatoskrType,
} from '../../proto/index.ts';
import {
  type KeyPair,
  PUZZLES_FEATURE,
  RatatoskrSession,
  RESUMPTION_FEATURE,
} from '../../proto/ratatoskr/index.ts';
import { nodeNoiseCrypto } from '../../proto/ratatoskr/node.ts';
import { createDeviceCore } from './core.ts';
import type { TestServer } from './server.ts';

const core = createDeviceCore();

/** Where a test server opens sessions. */
export const sessionUrl = ({ httpUrl }: Pick<TestServer, 'httpUrl'>): string =>
  `${httpUrl.replace('http', 'ws')}/ratatoskr`;

/** A client of a test server. */
export function openClient(
  server: Pick<TestServer, 'httpUrl'>,
  options: Omit<RatatoskrOptions, 'url'>,
): RatatoskrClient {
  return connectRatatoskr({ url: sessionUrl(server), ...options }, nodeSessions(core)) as RatatoskrClient;
}

/** A session of which a test says every message. */
export interface RawSession {
  send(type: RatatoskrType, payload?: Uint8Array): void;
  /** How the server closes it: the code and the reason. */
  readonly closed: Promise<string>;
  /** What it can be resumed with; null: it is not open. */
  readonly ticket: Uint8Array | null;
  /** The extensions that are in use; 0: it is not open. */
  readonly features: number;
}

/** Opens a session up to its handshake, and with a token, or a ticket, as a whole; resolves when that is done or refused. */
export async function openRawSession(
  server: Pick<TestServer, 'httpUrl'>,
  token: string | Uint8Array | null,
  staticKey: KeyPair = nodeNoiseCrypto.generateKeyPair(),
  wantedFeatures = RESUMPTION_FEATURE,
): Promise<RawSession> {
  let ticket: Uint8Array | null = null;
  let features = 0;
  const { session, first } = RatatoskrSession.begin(
    { staticKey, serverKey: null, features: wantedFeatures | PUZZLES_FEATURE },
    { crypto: nodeNoiseCrypto, signer: core },
  );
  const socket = new WebSocket(sessionUrl(server), ['ratatoskr.v1']);
  const closed = new Promise<string>((resolve) => {
    socket.on('close', (code, reason) => resolve(`${code} ${reason}`));
  });
  const send: RawSession['send'] = (type, payload = new Uint8Array(0)) =>
    socket.send(session.send(type, payload));
  const isDone = new Promise<void>((resolve) => {
    socket.on('message', (bytes: Buffer) => {
      const { reply, message } = session.receive(new Uint8Array(bytes));
      if (message?.type === RatatoskrType.CONNECTION_RESPONSE) {
        ({ ticket, features } = decodePayload(ConnectionResponse, message.payload));
      }
      if (reply !== null) socket.send(reply);
      if (session.state === 'connecting' && token === null) resolve();
      else if (session.state === 'connecting')
        send(
          RatatoskrType.CONNECTION_REQUEST,
          encodePayload(ConnectionRequest, typeof token === 'string' ? { token } : { ticket: token }),
        );
      else if (session.state !== 'handshake') resolve();
    });
  });
  const failed = new Promise<never>((_, reject) => socket.on('error', reject));
  socket.on('open', () => socket.send(first));
  await Promise.race([isDone, closed, failed]);
  return { send, closed, ticket, features };
}
