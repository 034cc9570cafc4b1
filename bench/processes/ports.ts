import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

const READY_TIMEOUT_MS = 20_000;
const POLL_MS = 50;

/** A port that nobody has at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Waits until somebody listens at the port. Rejects when nobody does in time. */
export async function requirePort(port: number): Promise<void> {
  const deadlineMs = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    const socket = connect({ port, host: '127.0.0.1' });
    const isThere = await Promise.race([
      once(socket, 'connect').then(
        () => true,
        () => false,
      ),
      wait(READY_TIMEOUT_MS, false, { ref: false }),
    ]);
    socket.destroy();
    if (isThere) return;
    if (Date.now() > deadlineMs) throw new Error(`nobody listens at port ${port}`);
    await wait(POLL_MS);
  }
}
