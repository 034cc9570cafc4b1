import type { ConnectionRegistry } from '../../../server/domains/presence/index.ts';
import type { Actor } from '../../../server/kernel/actor.ts';
import type { Clock } from '../../../server/kernel/clock.ts';
import { type AccountId, asId } from '../../../server/kernel/ids.ts';
import type { LogFields, Logger } from '../../../server/kernel/logger.ts';
import type { StorageRoom } from '../../../server/kernel/storage-room.ts';
import type { HttpResponse, IncomingRequest } from '../../../server/platform/http/types.ts';
import type { ObservedRequest } from '../../../server/transports/pipeline/http.ts';
import type { HttpOperation } from '../../../server/transports/pipeline/http-operation.ts';
import { createRestTransport } from '../../../server/transports/rest/transport.ts';
import { TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { createTestConnections } from '../../support/connections.ts';
import { createTestPipeline } from '../../support/pipeline.ts';
import { PLENTY } from '../../support/storage-room.ts';

const TENANT = asId<Actor['tenantId']>('00000000-0000-4000-8000-000000000001');
const USER = asId<AccountId>('00000000-0000-4000-8000-000000000002');

/** Actors by token. */
export const ACTORS: Readonly<Record<string, Actor>> = {
  ygu_user: {
    kind: 'account',
    credentialId: TEST_CREDENTIAL_ID,
    tenantId: TENANT,
    accountId: USER,
    role: 'owner',
    networkIds: null,
    operator: false,
  },
  ygu_admin: {
    kind: 'account',
    credentialId: TEST_CREDENTIAL_ID,
    tenantId: TENANT,
    accountId: USER,
    role: 'owner',
    networkIds: null,
    operator: true,
  },
  ygd_device: {
    kind: 'device',
    credentialId: TEST_CREDENTIAL_ID,
    tenantId: TENANT,
    deviceId: asId('00000000-0000-4000-8000-000000000003'),
  },
};

/** A clock that stands still. */
export const STILL_CLOCK: Clock = { nowMs: () => 0, monotonicMs: () => 0, after: () => () => undefined };

/** A request to one route; `token` becomes the Authorization header. */
export interface Asked {
  readonly token?: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly body?: string | Uint8Array;
  readonly contentType?: string;
}

/** Serves requests to `route` without a network, with answers checked against the route's description. */
export function serving(
  route: HttpOperation,
  options: {
    checkAnswers?: boolean;
    room?: StorageRoom;
    /** What happens while a token is looked at, after it was found. */
    found?: (connections: ConnectionRegistry) => void;
    /** What happens while the body of a request arrives. */
    receiving?: (connections: ConnectionRegistry) => void;
  } = {},
) {
  const { connections } = createTestConnections();
  const lines: { level: string; fields: LogFields; message: string }[] = [];
  const observed: ObservedRequest[] = [];
  const at = (level: string) => (fields: LogFields, message: string) => {
    lines.push({ level, fields, message });
  };
  const logger: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const [served] = createRestTransport([route], {
    pipeline: createTestPipeline(STILL_CLOCK),
    connections,
    identify: async (token) => {
      options.found?.(connections);
      return ACTORS[token] ?? null;
    },
    room: options.room ?? PLENTY,
    logger,
    observe: (request) => void observed.push(request),
    checkAnswers: options.checkAnswers ?? true,
  });
  if (!served) throw new Error('no route');
  const ask = async (asked: Asked = {}): Promise<HttpResponse & { json: unknown }> => {
    const headers: Record<string, string | undefined> = {
      authorization: asked.token === undefined ? undefined : `Bearer ${asked.token}`,
      'content-type': asked.contentType ?? 'application/json',
    };
    const request: IncomingRequest = {
      method: route.method,
      path: route.path,
      params: asked.params ?? {},
      query: new URLSearchParams(asked.query ?? ''),
      header: (name) => headers[name],
      receiveBody: async () => {
        options.receiving?.(connections);
        return Buffer.from(asked.body ?? '');
      },
      remoteAddress: '127.0.0.1',
      requestId: 'request-1',
      signal: new AbortController().signal,
    };
    const response = await served.handle(request);
    return { ...response, json: JSON.parse(String(response.body)) };
  };
  return { ask, lines, observed, connections };
}
