import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Credentials } from '../processes/product.ts';
import { openBifrost } from '../wire/bifrost.ts';
import { MqttWire } from '../wire/mqtt.ts';
import { WebSocketWire } from '../wire/websocket.ts';

/** Clients that connect and stay silent. */
export type SessionsSpec =
  | {
      readonly kind: 'bifrost' | 'bifrost-mqtt';
      readonly port: number;
      readonly devices: readonly Credentials[];
    }
  | { readonly kind: 'idle-websocket' | 'idle-mqtt'; readonly port: number; readonly count: number };

/** One of them. */
export interface Session {
  close(): void;
  /** The server has closed it; only Bifrost sessions tell. */
  isClosed?: boolean;
}

const CLOSED_POLL_MS = 5;
const CLOSED_TIMEOUT_MS = 30_000;

/** Waits until the server has closed every session. */
export async function untilClosed(sessions: readonly Session[]): Promise<{ ms: number; left: number }> {
  const begunMs = performance.now();
  const left = () => sessions.filter(({ isClosed }) => isClosed !== true).length;
  while (left() > 0 && performance.now() - begunMs < CLOSED_TIMEOUT_MS) await wait(CLOSED_POLL_MS);
  return { ms: performance.now() - begunMs, left: left() };
}

/** Handshakes under way at a time: the kernel's queue of a listener is short. */
const CONNECTING_MAX = 400;

/** Connects all of them. */
export async function openSessions(spec: SessionsSpec): Promise<Session[]> {
  const sessions: Session[] = [];
  const count = 'devices' in spec ? spec.devices.length : spec.count;
  let next = 0;
  const connectSome = async () => {
    for (let i = next++; i < count; i = next++) sessions.push(await openSession(spec, i));
  };
  await Promise.all(Array.from({ length: CONNECTING_MAX }, connectSome));
  return sessions;
}

async function openSession(spec: SessionsSpec, index: number): Promise<Session> {
  const { port } = spec;
  if (!('devices' in spec)) {
    if (spec.kind === 'idle-websocket') return WebSocketWire.connect({ port, path: `/sink/${index}` });
    const clientId = randomUUID();
    const wire = await MqttWire.connect({ port, clientId, clean: true });
    await wire.subscribe(`bench/${clientId}`, 1);
    return wire;
  }
  const credentials = spec.devices[index] as Credentials;
  if (spec.kind === 'bifrost') {
    const wire = await openBifrost(port, credentials);
    wire.onMessages = () => {};
    const session: Session = { close: () => wire.close() };
    wire.onClosed = () => {
      session.isClosed = true;
    };
    return session;
  }
  const { deviceId, token } = credentials;
  const wire = await MqttWire.connect({
    port,
    clientId: deviceId,
    username: deviceId,
    password: token,
    clean: true,
  });
  await wire.subscribe(`bifrost/v1/${deviceId}/down`, 1);
  return wire;
}
