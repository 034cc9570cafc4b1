import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { DirectPath } from '../../device/client/direct/direct-path.ts';
import {
  type DirectLink,
  FrameChannel,
  FrameType,
  NonceSource,
  systemClock,
  systemRandom,
} from '../../device/client/index.ts';
import { createDirectIdentity } from '../../device/node/direct/certificate.ts';
import { NODE_SIGNING } from '../../device/node/direct/node-signing.ts';
import { createTlsPaths } from '../../device/node/direct/tls-paths.ts';
import { Delivery } from '../../proto/index.ts';

/** What runs for how long, with how large frames. */
export interface DirectRun {
  readonly seconds: number;
  readonly payloadBytes: number;
}

const NETWORK_ID = '00000000-0000-4000-8000-000000000001';
const IDS = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'] as const;

/** Both ends of a direct path, and of a bare TLS socket, over this machine's loopback. */
export function createPart() {
  return { runOurs, runReference };
}

export type DirectPart = ReturnType<typeof createPart>;

/** Bytes of payload that arrived in a second. */
async function runOurs({ seconds, payloadBytes }: DirectRun): Promise<number> {
  const loopback = { ownAddresses: () => [{ address: '127.0.0.2', prefixBits: 8 }] };
  const [dialer, listener] = [createTlsPaths(loopback), createTlsPaths(loopback)];
  const { port } = await listener.listen();
  const key = await dialer.fingerprint();
  const arrived = new Promise<DirectLink>((resolve) => listener.expect(key, resolve));
  const fingerprint = await listener.fingerprint();
  const link = await dialer.dial({ addresses: ['127.0.0.1'], port, fingerprint });
  let bytes = 0;
  let drained = () => {};
  const receiver = endOf(1, await arrived, (length) => {
    bytes += length;
  });
  const sender = endOf(
    0,
    link,
    () => {},
    () => drained(),
  );
  const payload = new Uint8Array(payloadBytes);
  const frame = {
    type: FrameType.EVENT,
    delivery: Delivery.TRANSIENT,
    payload,
    destinationId: IDS[1],
  };
  const untilMs = performance.now() + seconds * 1_000;
  while (performance.now() < untilMs) {
    if (!sender.send(frame, systemRandom.uuid()))
      await new Promise<void>((resolve) => {
        drained = resolve;
      });
  }
  sender.end();
  receiver.end();
  dialer.close();
  listener.close();
  return bytes / seconds;
}

function endOf(index: 0 | 1, link: DirectLink, received: (bytes: number) => void, drained = () => {}) {
  const credentials = { networkId: NETWORK_ID, token: 'none', deviceId: IDS[index] };
  const signingKey = Buffer.from(link.key).toString('base64url');
  const channel = FrameChannel.create(
    { ...credentials, signingKey },
    { core: NODE_SIGNING, nonces: new NonceSource(systemClock), random: systemRandom },
  );
  const nothing = () => {};
  return new DirectPath(
    { peerId: IDS[1 - index] as string, maySend: true, mayReceive: true },
    {
      link,
      channel,
      clock: systemClock,
      preciseMs: () => performance.now(),
      handlers: {
        received: ({ payload }) => received(payload.length),
        drained,
        dropped: nothing,
        measured: nothing,
        hasArrived: () => false,
        ended: nothing,
      },
    },
  );
}

/** The same over TLS alone: writes of the same size, as many as the socket takes. */
async function runReference({ seconds, payloadBytes }: DirectRun): Promise<number> {
  const { key, certificate: cert } = createDirectIdentity();
  let bytes = 0;
  const options = { key, cert, minVersion: 'TLSv1.3', rejectUnauthorized: false } as const;
  const server = createServer({ ...options, requestCert: true }, (socket) => {
    socket.on('data', (data) => {
      bytes += data.length;
    });
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const socket = await new Promise<TLSSocket>((resolve) => {
    const connecting: TLSSocket = connect({ ...options, host: '127.0.0.1', port }, () => resolve(connecting));
  });
  socket.on('error', () => {});
  const payload = new Uint8Array(payloadBytes);
  const untilMs = performance.now() + seconds * 1_000;
  while (performance.now() < untilMs) {
    if (!socket.write(payload)) await new Promise((resolve) => socket.once('drain', resolve));
  }
  socket.destroy();
  server.close();
  return bytes / seconds;
}
