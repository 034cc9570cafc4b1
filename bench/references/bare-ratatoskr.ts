import uws, { type WebSocket } from 'uWebSockets.js';
import { readFileSync } from 'node:fs';
import { loadServerCore, type SigningKey } from '../../assembly/host/node.ts';
import { checkoutFolder } from '../../device/node/checkout.ts';
import {
  BusinessRequest,
  BusinessResponse,
  ComputeCredit,
  ComputeDelta,
  ConnectionResponse,
  decodePayload,
  encodePayload,
  RatatoskrRequest,
  RatatoskrResponse,
  RatatoskrType,
} from '../../proto/index.ts';
import { MESSAGE_BYTES_MAX, RATATOSKR_SUBPROTOCOL, RatatoskrSession } from '../../proto/ratatoskr/index.ts';
import { nodeNoiseCrypto, withShortCipher } from '../../proto/ratatoskr/node.ts';

/** Pieces of an answer that one credit is given for, which shows the load generator that they have come. */
export const DELTAS_PER_CREDIT = 16;

const BODY = new TextEncoder().encode('{"status":"live"}');
const REQUEST_ID = '00000000-0000-4000-8000-000000000000';

interface Message {
  readonly type: RatatoskrType;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

interface Seat {
  readonly isSession: boolean;
  session: RatatoskrSession<SigningKey> | null;
  sent: number;
  deltas: number;
}

/**
 * uWebSockets.js with nothing behind it: requests are read and answered, pieces of answers read. At `/session` in signed and
 * encrypted messages, at `/plain` the same protobuf in the same envelopes as it is.
 */
export function createPart() {
  const core = loadServerCore(readFileSync(`${checkoutFolder()}build/core.wasm`));
  const staticKeys = [nodeNoiseCrypto.generateKeyPair()];
  // As the server has it.
  const crypto = withShortCipher(core.cipher);
  const newSession = () => RatatoskrSession.await<SigningKey>({ staticKeys }, { crypto, signer: core });
  return {
    listen: (_: null) =>
      new Promise<number>((resolve) => {
        const app = uws.App();
        app.ws<Seat>('/:kind', {
          maxPayloadLength: MESSAGE_BYTES_MAX,
          upgrade: (response, request, context) => {
            const isSession = request.getParameter(0) === 'session';
            response.upgrade(
              { isSession, session: isSession ? newSession() : null, sent: 0, deltas: 0 },
              request.getHeader('sec-websocket-key'),
              RATATOSKR_SUBPROTOCOL,
              request.getHeader('sec-websocket-extensions'),
              context,
            );
          },
          message: (socket, bytes) => receive(socket, new Uint8Array(bytes)),
        });
        app.listen('127.0.0.1', 0, (listening) =>
          resolve(listening ? uws.us_socket_local_port(listening) : 0),
        );
      }),
  };
}

export type BareRatatoskr = ReturnType<typeof createPart>;

function receive(socket: WebSocket<Seat>, bytes: Uint8Array): void {
  const seat = socket.getUserData();
  if (seat.session === null) {
    serve(socket, decodePayload(RatatoskrRequest, bytes));
    return;
  }
  const { reply, message } = seat.session.receive(bytes);
  if (reply !== null) socket.send(reply, true, false);
  if (message !== null) serve(socket, message);
}

function serve(socket: WebSocket<Seat>, { type, sequence, payload }: Message): void {
  if (type === RatatoskrType.CONNECTION_REQUEST) {
    send(socket, RatatoskrType.CONNECTION_RESPONSE, encodePayload(ConnectionResponse, {}));
  } else if (type === RatatoskrType.COMPUTE_DELTA) {
    const { requestId } = decodePayload(ComputeDelta, payload);
    if (++socket.getUserData().deltas % DELTAS_PER_CREDIT !== 0) return;
    send(socket, RatatoskrType.COMPUTE_CREDIT, encodePayload(ComputeCredit, { requestId, bytes: 1 }));
  } else {
    const { input } = decodePayload(BusinessRequest, payload);
    if (input.length === 0) throw new Error('a request has an input');
    const answer = {
      request: sequence,
      status: 200,
      contentType: 'application/json',
      body: BODY,
      requestId: REQUEST_ID,
    };
    send(socket, RatatoskrType.BUSINESS_RESPONSE, encodePayload(BusinessResponse, answer));
  }
}

function send(socket: WebSocket<Seat>, type: RatatoskrType, payload: Uint8Array): void {
  const seat = socket.getUserData();
  const bytes =
    seat.session === null
      ? encodePayload(RatatoskrResponse, { type, sequence: ++seat.sent, payload })
      : seat.session.send(type, payload);
  socket.send(bytes, true, false);
}
