import { createServer } from 'node:net';
import { Aedes } from 'aedes';

/** A bare aedes: no authentication, everything in memory. */
export function createPart() {
  return {
    listen: async (_: null) => {
      const broker = await Aedes.createBroker();
      const server = createServer({ noDelay: true }, (socket) => broker.handle(socket));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return (server.address() as { port: number }).port;
    },
    /** Bytes that V8 has in use, after a collection. */
    usedBytes: async (_: null) => {
      globalThis.gc?.();
      globalThis.gc?.();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    },
  };
}

export type BareAedes = ReturnType<typeof createPart>;
