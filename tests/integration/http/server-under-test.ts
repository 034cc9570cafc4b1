import { randomUUID } from 'node:crypto';
import net from 'node:net';
import { onTestFinished } from 'vitest';
import { AppError } from '../../../server/kernel/errors.ts';
import type { LogFields, Logger } from '../../../server/kernel/logger.ts';
import {
  createHttpServer,
  type HttpServer,
  type HttpServerOptions,
} from '../../../server/platform/http/server.ts';
import type { HttpRequest, HttpResponse, HttpRoute } from '../../../server/platform/http/types.ts';
import { createSystemClock } from '../../../server/platform/system/clock.ts';
import type { Tls } from '../../../server/platform/tls/certificate.ts';
import type { WebSocketEndpoint } from '../../../server/platform/websocket/types.ts';
import { roomyBudget } from '../../support/connection-budget.ts';

/** A logger that keeps its lines. */
export function keepingLogger(): Logger & {
  lines: { level: string; fields: LogFields; message: string }[];
} {
  const lines: { level: string; fields: LogFields; message: string }[] = [];
  const at = (level: string) => (fields: LogFields, message: string) => {
    lines.push({ level, fields, message });
  };
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** A route with a limit of 1,000 bytes, each of whose requests is of the tenant that its address is. */
export function route(
  method: HttpRoute['method'],
  path: string,
  handle: (request: HttpRequest) => Promise<HttpResponse> | HttpResponse,
  bodyBytesMax = 1000,
): HttpRoute {
  return {
    method,
    path,
    bodyBytesMax,
    handle: async (incoming) => {
      const { remoteAddress } = incoming;
      const body = await incoming.receiveBody({ principalId: remoteAddress, tenantId: remoteAddress });
      return handle({ ...incoming, body });
    },
  };
}

/** A listening server that is closed when the test ends. */
export async function startServer(
  routes: readonly HttpRoute[],
  websockets: readonly WebSocketEndpoint[] = [],
  {
    connectionsMax,
    tls = null,
    ...options
  }: Partial<HttpServerOptions> & { connectionsMax?: number; tls?: Tls | null } = {},
): Promise<{ server: HttpServer; port: number; url: string; logger: ReturnType<typeof keepingLogger> }> {
  const logger = keepingLogger();
  const server = createHttpServer(
    { host: '127.0.0.1', port: 0, closeGraceMs: 200, ...options },
    {
      routes,
      websockets,
      logger,
      newRequestId: randomUUID,
      budget: roomyBudget(connectionsMax, logger),
      tls,
      clock: createSystemClock(),
      respondToError: (error, { requestId }) => ({
        status: error instanceof AppError ? (STATUS[error.code] ?? 400) : 500,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          error: { code: error instanceof AppError ? error.code : 'internal', requestId },
        }),
      }),
    },
  );
  const { port } = await server.listen();
  onTestFinished(() => server.close());
  return { server, port, url: `http${tls === null ? '' : 's'}://127.0.0.1:${port}`, logger };
}

const STATUS: Readonly<Record<string, number>> = {
  not_found: 404,
  method_not_allowed: 405,
  too_large: 413,
  unavailable: 503,
};

/** Waits until `probe` gives something, at most `timeoutMs`. */
export async function eventually<T>(
  what: string,
  probe: () => T | undefined | null | false | Promise<T | undefined | null | false>,
  timeoutMs = 10_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== null && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A TCP connection with what it received so far. */
export interface RawConnection {
  readonly socket: net.Socket;
  readonly text: () => string;
  readonly bytes: () => Buffer;
  readonly closed: () => boolean;
}

/** Connects and sends `first`; ends with the test. */
export async function connectRaw(
  port: number,
  first: string | Uint8Array = '',
  localAddress = '127.0.0.1',
): Promise<RawConnection> {
  const socket = net.connect({ port, host: '127.0.0.1', localAddress });
  const chunks: Buffer[] = [];
  let closed = false;
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => undefined);
  socket.on('close', () => {
    closed = true;
  });
  onTestFinished(() => {
    socket.destroy();
  });
  await new Promise((resolve) => socket.once('connect', resolve));
  if (first.length > 0) socket.write(first);
  const bytes = () => Buffer.concat(chunks);
  return { socket, bytes, text: () => bytes().toString('latin1'), closed: () => closed };
}
