import uws from 'uWebSockets.js';
import { createHttpServer } from '../../server/platform/http/server.ts';
import { createConnectionBudget } from '../../server/platform/listening/connection-budget.ts';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { createTlsFromFiles } from '../../server/platform/tls/certificate-files.ts';

/** Where the certificate is. */
interface Files {
  readonly certificateFile: string;
  readonly keyFile: string;
}

const CONNECTIONS_MAX = 10_000;
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** The listener of HTTP as the server has it, and a bare one of the library with the same certificate. */
export function createPart() {
  return {
    listen: async (files: Files): Promise<number> => {
      const clock = createSystemClock();
      const services = { clock, logger: silent };
      const tls = createTlsFromFiles({ ...files, versionMin: '1.3' }, services);
      await tls.start();
      const server = createHttpServer(
        { host: '127.0.0.1', port: 0 },
        {
          routes: [],
          websockets: [],
          respondToError: () => ({ status: 404 }),
          newRequestId: () => 'one',
          budget: createConnectionBudget(
            { connectionsMax: CONNECTIONS_MAX },
            { ...services, cut: () => undefined },
          ),
          tls,
          ...services,
        },
      );
      return (await server.listen()).port;
    },
    listenBare: ({ certificateFile, keyFile }: Files): Promise<number> => {
      const app = uws.SSLApp({ cert_file_name: certificateFile, key_file_name: keyFile });
      app.any('/*', (response) => void response.writeStatus('404 Not Found').end());
      return new Promise((resolve) => {
        app.listen('127.0.0.1', 0, (listening) =>
          resolve(listening ? uws.us_socket_local_port(listening) : 0),
        );
      });
    },
  };
}

export type TlsListeners = ReturnType<typeof createPart>;
