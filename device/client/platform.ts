import { uuidFromBytes } from '../../proto/index.ts';
import type { BifrostSocket, Clock, Random, SocketOpener } from './ports.ts';
import type { SessionSocketOpener } from './session-socket.ts';

/** The platform's clock. A timer that runs keeps a Node process alive, as an open socket would. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  after: (delayMs, work) => setLongTimer(delayMs, work),
};

/** The longest wait of a timer, in milliseconds: platforms take a longer one for one millisecond. */
const TIMER_MS_MAX = 2 ** 31 - 1;

function setLongTimer(delayMs: number, work: () => void): () => void {
  const fire = () => (leftMs > 0 ? next() : work());
  let leftMs = delayMs;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const next = () => {
    const timerMs = Math.min(leftMs, TIMER_MS_MAX);
    leftMs -= timerMs;
    timer = setTimeout(fire, timerMs);
  };
  next();
  return () => clearTimeout(timer);
}

/** The platform's generator. `crypto.randomUUID` is missing on pages without TLS, so the UUID is made here. */
export const systemRandom: Random = {
  uuid: () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
    return uuidFromBytes(bytes);
  },
  fraction: () => Math.random(),
};

/**
 * A connection by the platform's own WebSocket (browsers, Node from 22). These can't set headers, so the token travels
 * as a second offered subprotocol, `bearer.<token>`, which the server never echoes.
 */
export const openPlatformSocket: SocketOpener = (url, subprotocol, token) =>
  new WebSocket(url, [subprotocol, `bearer.${token}`]) as unknown as BifrostSocket;

/** The same for sessions of Ratatoskr, whose credential is no part of the connection. */
export const openPlatformSession: SessionSocketOpener = (url, subprotocol) =>
  new WebSocket(url, [subprotocol]) as unknown as BifrostSocket;
