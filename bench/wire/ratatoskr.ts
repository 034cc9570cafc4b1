import { readFileSync } from 'node:fs';
import { loadServerCore } from '../../assembly/host/node.ts';
import { checkoutFolder } from '../../device/node/checkout.ts';
import {
  BusinessRequest,
  BusinessResponse,
  ComputeDelta,
  ConnectionRequest,
  decodePayload,
  encodePayload,
  RatatoskrRequest,
  RatatoskrResponse,
  RatatoskrType,
} from '../../proto/index.ts';
import { type OpenedMessage, RATATOSKR_SUBPROTOCOL, RatatoskrSession } from '../../proto/ratatoskr/index.ts';
import { nodeNoiseCrypto } from '../../proto/ratatoskr/node.ts';
import { DELTAS_PER_CREDIT } from '../references/bare-ratatoskr.ts';
import { encodeMessage, WebSocketWire } from './websocket.ts';

/** Requests or pieces of answers to one server, in a session or as they are. */
export interface RatatoskrSpec {
  readonly kind: 'ratatoskr';
  readonly port: number;
  readonly path: string;
  /** Null: no session, the same protobuf in the same envelopes. */
  readonly session: { readonly token: string } | null;
  /** A request, a piece of an answer, or a change of the tenant of this id: its name. */
  readonly message: 'request' | 'delta' | { readonly renamedTenant: string };
}

/** Clients of one kind of message. */
export interface RatatoskrSource {
  send(count: number): void;
  onAcknowledged: (count: number) => void;
  close(): void;
}

const ANSWER = '{"status":"live"}';
const CHUNK = '{"choices":[{"index":0,"delta":{"content":" hello"},"finish_reason":null}]}';
const bytesOf = (text: string) => new TextEncoder().encode(text);
const REQUEST = encodePayload(BusinessRequest, { operation: 'server.live', input: bytesOf('{}') });
const DELTA = encodePayload(ComputeDelta, {
  requestId: new Uint8Array(16).fill(7),
  index: 1,
  fields: bytesOf(CHUNK),
});

/**
 * Connects, in a session up to its opening. Answers are counted; the first of all is read, of changes each one, and anything but what
 * the operation answers throws into the process.
 */
export async function openRatatoskr(spec: RatatoskrSpec): Promise<RatatoskrSource> {
  const { port, path, message } = spec;
  const wire = await WebSocketWire.connect({ port, path, subprotocol: RATATOSKR_SUBPROTOCOL });
  const failed = (reason: string) => {
    throw new Error(`${path}: ${reason}`);
  };
  wire.onClosed = failed;
  const { seal, open } = spec.session === null ? plain() : await openSession(wire, spec.session.token);
  const [type, payload] =
    message === 'delta'
      ? ([RatatoskrType.COMPUTE_DELTA, DELTA] as const)
      : ([RatatoskrType.BUSINESS_REQUEST, message === 'request' ? REQUEST : renaming(message)] as const);
  const source: RatatoskrSource = {
    send: (count) =>
      wire.send(Buffer.concat(Array.from({ length: count }, () => encodeMessage(seal(type, payload))))),
    onAcknowledged: () => {},
    close: () => wire.close(),
  };
  let isFirst = true;
  wire.onMessages = (messages) => {
    const [first] = messages;
    if (isFirst && first !== undefined && message === 'request') requireAnswer(open(first));
    isFirst = false;
    // Each of them: what is refused would be no change.
    if (typeof message === 'object') for (const answer of messages) requireDone(open(answer));
    source.onAcknowledged(messages.length * (message === 'delta' ? DELTAS_PER_CREDIT : 1));
  };
  return source;
}

function plain() {
  let sequence = 0;
  return {
    seal: (type: RatatoskrType, payload: Uint8Array) =>
      encodePayload(RatatoskrRequest, { type, sequence: ++sequence, payload }),
    open: (bytes: Uint8Array): OpenedMessage => decodePayload(RatatoskrResponse, bytes),
  };
}

async function openSession(wire: WebSocketWire, token: string) {
  const core = loadServerCore(readFileSync(`${checkoutFolder()}build/core.wasm`));
  const crypto = nodeNoiseCrypto;
  const { session, first } = RatatoskrSession.begin(
    { staticKey: crypto.generateKeyPair(), serverKey: null },
    { crypto, signer: core },
  );
  await new Promise<void>((resolve) => {
    wire.onMessages = (messages) => {
      for (const bytes of messages) {
        const before = session.state;
        const { reply } = session.receive(bytes);
        if (reply !== null) wire.send(encodeMessage(reply));
        if (before === 'handshake' && session.state === 'connecting') {
          const asked = encodePayload(ConnectionRequest, { token });
          wire.send(encodeMessage(session.send(RatatoskrType.CONNECTION_REQUEST, asked)));
        }
        if (session.state === 'open') resolve();
      }
    };
    wire.send(encodeMessage(first));
  });
  return {
    seal: (type: RatatoskrType, payload: Uint8Array) => session.send(type, payload),
    open: (bytes: Uint8Array) => session.receive(bytes).message,
  };
}

function renaming({ renamedTenant }: { readonly renamedTenant: string }): Uint8Array {
  const input = { params: { tenantId: renamedTenant }, body: { name: 'Household' } };
  return encodePayload(BusinessRequest, {
    operation: 'tenants.rename',
    input: bytesOf(JSON.stringify(input)),
  });
}

function requireDone(message: OpenedMessage | null): void {
  const { status, body } = decodePayload(BusinessResponse, message?.payload ?? new Uint8Array(0));
  if (status !== 200) throw new Error(`a change was refused: ${status} ${new TextDecoder().decode(body)}`);
}

function requireAnswer(message: OpenedMessage | null): void {
  const { status, body } = decodePayload(BusinessResponse, message?.payload ?? new Uint8Array(0));
  const text = new TextDecoder().decode(body);
  if (status !== 200 || text !== ANSWER) throw new Error(`another answer: ${status} ${text}`);
}
