import { setTimeout as pause } from 'node:timers/promises';
import type { NeededDevices, PlainValue } from '../client/index.ts';
import { EXIT_FAILURE, stopSignal } from '../node/process.ts';
import { type RestApi, restApi, type ServerSentEvent } from '../node/rest-api.ts';
import type { ServerOptions } from '../node/server-options.ts';

/** The options of `act`. */
export interface ActCommandOptions extends ServerOptions {
  readonly network?: string;
  readonly arg?: readonly (readonly [string, PlainValue])[];
  readonly id?: string;
  readonly priority?: number;
  readonly timeout?: number;
  readonly json?: boolean;
  readonly also?: readonly string[];
  readonly need?: NeededDevices;
}

interface ActionData {
  readonly fraction?: number | null;
  readonly text?: string;
  readonly base64?: string;
  readonly status?: string;
  readonly error?: { readonly code: string; readonly message: string } | null;
  readonly values?: Readonly<Record<string, unknown>>;
}

/** An event of an action, as it is shown. */
export type ActionEvent = ServerSentEvent<ActionData>;

/** When a stream of events that broke is taken up again, in milliseconds, */
const RETRY_MS = 1_000;
/** and how often in a row without an event. */
const RETRIES_MAX = 10;

/**
 * Asks a device for an action and shows what happens until its end: 0, or 1 where that is no success. At SIGINT or SIGTERM the action is
 * cancelled. Throws an InvalidArgumentError without a token, an Error for a refusal.
 */
export async function act(deviceId: string, name: string, options: ActCommandOptions): Promise<number> {
  const api = restApi(options);
  const stopped = stopSignal();
  const { id } = await askDevice(api, deviceId, name, options);
  // Where it has ended meanwhile, its end is on the way.
  const cancel = () => void api.ask('POST', `/api/v1/actions/${id}/cancel`).catch(() => undefined);
  stopped.addEventListener('abort', cancel);
  if (stopped.aborted) cancel();
  const show = options.json === true ? showJson : showText;
  for await (const event of eventsOf(api, id)) {
    show(id, event);
    if (event.event === 'end') return event.data.status === 'done' ? 0 : EXIT_FAILURE;
  }
  throw new Error(`Action ${id} is not followed any more.`);
}

/** Asks a device for an action. Throws an Error for a refusal. */
export function askDevice(
  api: RestApi,
  deviceId: string,
  name: string,
  options: ActCommandOptions,
): Promise<{ id: string }> {
  return api.ask<{ id: string }>('POST', `/api/v1/devices/${deviceId}/actions`, {
    name,
    arguments: Object.fromEntries(options.arg ?? []),
    ...(options.id === undefined ? {} : { id: options.id }),
    ...(options.network === undefined ? {} : { networkId: options.network }),
    ...(options.priority === undefined ? {} : { priority: options.priority }),
    ...(options.timeout === undefined ? {} : { timeoutSeconds: options.timeout }),
  });
}

function showJson(action: string, { event, id: number, data }: ActionEvent): void {
  process.stdout.write(`${JSON.stringify({ id: action, number, event, ...data })}\n`);
}

/** Parts of the result and its values go to standard output; all else is for whoever watches. */
function showText(_id: string, { event, data }: ActionEvent): void {
  if (event === 'begun') process.stderr.write('begun\n');
  else if (event === 'progress') {
    const { fraction = null, text = '' } = data;
    const percent = fraction === null ? '' : `${Math.round(fraction * 100)} % `;
    process.stderr.write(`${percent}${text}`.trimEnd().concat('\n'));
  } else if (event === 'chunk') process.stdout.write(Buffer.from(data.base64 ?? '', 'base64'));
  else {
    const { status = '', error, values = {} } = data;
    for (const [name, value] of Object.entries(values)) {
      process.stdout.write(`${name}=${typeof value === 'object' ? JSON.stringify(value) : value}\n`);
    }
    process.stderr.write(error ? `${status}: ${error.code}, ${error.message}\n` : `${status}\n`);
  }
}

/** The events of an action; a stream that breaks is taken up again behind the last one. */
export async function* eventsOf(api: RestApi, id: string): AsyncGenerator<ActionEvent> {
  let last = 0;
  for (let retries = 0; retries <= RETRIES_MAX; retries++) {
    if (retries > 0) await pause(RETRY_MS);
    try {
      for await (const event of api.events<ActionData>(`/api/v1/actions/${id}/events`, { lastId: last })) {
        last = event.id;
        retries = 0;
        yield event;
      }
    } catch (error) {
      if (retries === RETRIES_MAX) throw error;
    }
  }
}
