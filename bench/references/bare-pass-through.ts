import uws from 'uWebSockets.js';
import { Agent, request } from 'node:http';

/** A bare gateway: hands each request on, and what comes back as it comes. Knows nobody, counts nothing, reads no event. */
export function createPart() {
  return {
    /** Its port. */
    listen: async ({ endpoint }: { readonly endpoint: string }): Promise<number> => {
      const agent = new Agent({ keepAlive: true });
      const app = uws.App();
      app.post('/v1/chat/completions', (response) => {
        const headers = { 'content-type': 'application/json' };
        const asked = request(`${endpoint}/chat/completions`, { method: 'POST', agent, headers });
        asked.on('response', (answer) => {
          response.cork(() => response.writeHeader('content-type', 'text/event-stream'));
          answer.on('data', (piece: Buffer) => response.cork(() => response.write(piece)));
          answer.on('end', () => response.cork(() => response.end()));
        });
        asked.on('error', () => {});
        response.onAborted(() => {
          asked.removeAllListeners('response');
          asked.destroy();
        });
        response.onData((part, isLast) => {
          asked.write(Buffer.from(part.slice(0)));
          if (isLast) asked.end();
        });
      });
      return new Promise((resolve) => {
        app.listen('127.0.0.1', 0, (listening) =>
          resolve(listening ? uws.us_socket_local_port(listening) : 0),
        );
      });
    },
  };
}

export type BarePassThrough = ReturnType<typeof createPart>;
