import uws from 'uWebSockets.js';
import postgres from 'postgres';

/** A bare route: one SELECT on one pool, its row as JSON. Knows no tenant and asks nobody who he is. */
export function createPart() {
  return {
    listen: async ({ socketDirectory, user, password, database, statement }: BareRestOptions) => {
      const sql = postgres({ host: socketDirectory, user, password, database, max: 10, onnotice: () => {} });
      const app = uws.App();
      app.get('/devices/:id', (response, request) => {
        let isAborted = false;
        response.onAborted(() => {
          isAborted = true;
        });
        const id = request.getParameter(0) ?? '';
        void sql.unsafe(statement, [id], { prepare: true }).then(([row]) => {
          if (isAborted) return;
          const body = JSON.stringify(row);
          response.cork(() => response.writeHeader('content-type', 'application/json').end(body));
        });
      });
      return new Promise<number>((resolve) => {
        app.listen('127.0.0.1', 0, (listening) =>
          resolve(listening ? uws.us_socket_local_port(listening) : 0),
        );
      });
    },
  };
}

/** Where the database is, and what is asked of it; the first parameter is an id. */
export interface BareRestOptions {
  readonly socketDirectory: string;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly statement: string;
}

export type BareRest = ReturnType<typeof createPart>;
