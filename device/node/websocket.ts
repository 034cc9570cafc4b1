import WebSocket from 'ws';
import { FRAME_BYTES_MAX } from '../../proto/index.ts';
import type { BifrostSocket, SessionSocketOpener, SocketOpener } from '../client/index.ts';

/** A connection by the package `ws`: Node 20 has no WebSocket of its own, and here the token can be a header. */
export const openNodeSocket: SocketOpener = (url, subprotocol, token) =>
  new WebSocket(url, [subprotocol], {
    headers: { authorization: `Bearer ${token}` },
    maxPayload: FRAME_BYTES_MAX,
    perMessageDeflate: false,
  }) as unknown as BifrostSocket;

/** A connection for a session of Ratatoskr, by the same package. */
export const openNodeSession: SessionSocketOpener = (url, subprotocol) =>
  new WebSocket(url, [subprotocol], { perMessageDeflate: false }) as unknown as BifrostSocket;
