import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
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
  new GatheringSocket(url, [subprotocol], { perMessageDeflate: false }) as unknown as BifrostSocket;

/** Messages that are sent in one turn of the event loop go out in one write: a write of each costs as much as all else of it. */
class GatheringSocket extends WebSocket {
  #connection: Socket | null = null;
  #isGathering = false;

  constructor(...options: ConstructorParameters<typeof WebSocket>) {
    super(...options);
    this.once('upgrade', ({ socket }: IncomingMessage) => {
      this.#connection = socket;
    });
  }

  override send(message: Parameters<WebSocket['send']>[0]): void {
    this.#gather();
    super.send(message);
  }

  #gather(): void {
    const connection = this.#connection;
    if (connection === null || this.#isGathering) return;
    this.#isGathering = true;
    connection.cork();
    process.nextTick(() => {
      this.#isGathering = false;
      connection.uncork();
    });
  }
}
