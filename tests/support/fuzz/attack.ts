import { connect as connectTcp } from 'node:net';

/** How long a server may keep a connection open that it owes nothing, before the test goes on. */
const QUIET_MS = 40;
/** Connections at a time. */
const CONNECTIONS = 16;

/** Sends bytes to a port. What came back until the server closed, or had nothing more to say. */
export function sendBytes(port: number, bytes: Uint8Array): Promise<Buffer> {
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    const socket = connectTcp(port, '127.0.0.1', () => socket.write(bytes));
    socket.setTimeout(QUIET_MS, () => socket.destroy());
    socket.on('data', (chunk) => received.push(chunk));
    // A server that cuts a connection resets it.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(Buffer.concat(received)));
  });
}

/** Runs `work` for each number from 1 to `count`, several at a time; the first that throws ends it. */
export async function inParallel(count: number, work: (number: number) => Promise<void>): Promise<void> {
  let next = 1;
  const lane = async () => {
    while (next <= count) await work(next++);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, lane));
}
