import { setTimeout as pause } from 'node:timers/promises';
import { printDone } from '../node/print.ts';
import { type RestApi, restApi } from '../node/rest-api.ts';
import type { ServerOptions } from '../node/server-options.ts';

interface AskingOptions extends ServerOptions {
  readonly network?: string;
  readonly json?: boolean;
}

/** The options of `devices connect`. */
export interface ConnectOptions extends AskingOptions {
  readonly operation?: string[];
  readonly reason: string;
  readonly wait: number;
}

/** The options of `route`. */
export interface RouteOptions extends AskingOptions {
  readonly from?: string;
  readonly to?: string;
}

interface Connection {
  readonly id: string;
  readonly status: string;
  readonly reason: string;
}

interface Route {
  readonly networkId: string;
  readonly deviceId: string;
  readonly path: string | null;
  readonly reason: string | null;
  readonly since: string | null;
}

/** How often the answer to a question is looked for, in milliseconds. */
const LOOK_INTERVAL_MS = 1_000;

/**
 * Lets one device send to another, and waits for the answer where somebody is asked. Throws an InvalidArgumentError without a token, an
 * Error for a refusal and for what was not allowed.
 */
export async function connectDevices(source: string, target: string, options: ConnectOptions): Promise<void> {
  const api = restApi(options);
  const networkId = options.network ?? (await sharedNetwork(api, source, target));
  let connection = await api.ask<Connection>('POST', '/api/v1/connections', {
    networkId,
    sourceId: source,
    targetId: target,
    reason: options.reason,
    waitSeconds: options.wait,
    ...(options.operation === undefined ? {} : { operations: options.operation }),
  });
  if (connection.status === 'asked') process.stderr.write(`asked, for ${options.wait} s at most\n`);
  while (connection.status === 'asked') {
    await pause(LOOK_INTERVAL_MS);
    connection = await api.ask<Connection>('GET', `/api/v1/connections/${connection.id}`);
  }
  const { id, status, reason } = connection;
  if (status !== 'allowed') throw new Error(`${status}${reason === '' ? '' : `: ${reason}`}`);
  printDone(options, connection, `allowed, as connection ${id}`);
}

/** Prints a line for each device: network, device, path or reason, since when. Throws as `connectDevices` does. */
export async function showRoutes(options: RouteOptions): Promise<void> {
  const api = restApi(options);
  const query = new URLSearchParams();
  for (const [name, value] of [
    ['networkId', options.network],
    ['from', options.from],
    ['deviceId', options.to],
  ] as const) {
    if (value !== undefined) query.set(name, value);
  }
  for await (const route of api.list<Route>(`/api/v1/routes?${query}`)) {
    const { networkId, deviceId, path, reason, since } = route;
    printDone(options, route, `${networkId} ${deviceId} ${path ?? reason} ${since ?? '-'}`);
  }
}

/** The network that both devices are in. Throws an Error where that isn't one. */
async function sharedNetwork(api: RestApi, source: string, target: string): Promise<string> {
  const [from, to] = await Promise.all(
    [source, target].map((id) => api.ask<{ networkIds: string[] }>('GET', `/api/v1/devices/${id}`)),
  );
  const shared = from?.networkIds.filter((id) => to?.networkIds.includes(id)) ?? [];
  const [networkId, other] = shared;
  if (networkId === undefined) throw new Error('They are in no network together.');
  if (other !== undefined)
    throw new Error(`They are in several networks together: give --network, one of ${shared.join(', ')}.`);
  return networkId;
}
