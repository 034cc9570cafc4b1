import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { StartError } from '../../../kernel/start-error.ts';
import { CHALLENGE_CONNECTIONS_MAX, CHALLENGE_REQUEST_MS } from '../limits.ts';

/** Listens in clear text for an authority, and sends everybody else to the server's own address. */
export interface ChallengeServer {
  /** Rejects with StartError where the port can't be had. Resolves with it. */
  start(): Promise<number>;
  answer(token: string, text: string): void;
  forget(token: string): void;
  stop(): Promise<void>;
}

interface ChallengeServerOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** Names that are this server's; a request for another one is not sent anywhere. */
  readonly domains: readonly string[];
  /** Where the server is with TLS under this name: an origin. */
  originOf(name: string): string;
}

/** RFC 8555 section 8.3; a token is base64url. */
const CHALLENGE = /^\/\.well-known\/acme-challenge\/([\w-]{1,200})$/;

/** Nothing of the API is there: who sends a token in clear text learns where to go instead, and has to send it anew. */
export function createChallengeServer(options: ChallengeServerOptions): ChallengeServer {
  const { host, port, domains, originOf } = options;
  const texts = new Map<string, string>();

  const answer = ({ method, url = '/', headers }: IncomingMessage, response: ServerResponse) => {
    const end = (status: number, fields: Record<string, string>, body = '') =>
      response.writeHead(status, { connection: 'close', ...fields }).end(body);
    if (method !== 'GET' && method !== 'HEAD') return end(405, { allow: 'GET, HEAD' });
    const text = texts.get(CHALLENGE.exec(url)?.[1] ?? '');
    if (text !== undefined) return end(200, { 'content-type': 'application/octet-stream' }, text);
    const name = (headers.host ?? '').replace(/:\d*$/, '').toLowerCase();
    if (CHALLENGE.test(url) || !domains.includes(name) || !url.startsWith('/')) return end(404, {});
    return end(301, { location: `${originOf(name)}${url}` });
  };
  const server = createServer(
    { requestTimeout: CHALLENGE_REQUEST_MS, headersTimeout: CHALLENGE_REQUEST_MS, maxHeaderSize: 16_384 },
    answer,
  );
  server.maxConnections = CHALLENGE_CONNECTIONS_MAX;
  server.unref();

  return {
    start: () =>
      new Promise((resolve, reject) => {
        server.once('error', (error) =>
          reject(
            new StartError(
              `Port ${port} at ${host} can't be used (${error.message}). An authority looks there before it gives a certificate: free it, or set YGGDRASIL_ACME_HTTP_PORT to the port that 80 is forwarded to.`,
              error,
            ),
          ),
        );
        server.listen(port, host, () => {
          const address = server.address();
          resolve(address !== null && typeof address === 'object' ? address.port : port);
        });
      }),
    answer: (token, text) => texts.set(token, text),
    forget: (token) => texts.delete(token),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
