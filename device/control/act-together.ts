import { randomUUID } from 'node:crypto';
import { neededOf, partId, Tally } from '../client/index.ts';
import { EXIT_FAILURE, stopSignal } from '../node/process.ts';
import { type RestApi, restApi } from '../node/rest-api.ts';
import { type ActCommandOptions, type ActionEvent, askDevice, eventsOf } from './act.ts';

/**
 * Asks several devices as one, and shows what happens at each, until all have ended: 0 where as many as needed have done it, else 1. Once that
 * is decided, and at SIGINT or SIGTERM, the others are cancelled. Throws as `act` does, and a BifrostError (`invalid_input`) for too many.
 */
export async function actTogether(
  deviceIds: readonly string[],
  name: string,
  options: ActCommandOptions,
): Promise<number> {
  const tally = new Tally(neededOf(options.need ?? 'all', deviceIds), deviceIds.length);
  const api = restApi(options);
  const id = options.id ?? randomUUID();
  const parts = deviceIds.map((deviceId) => ({ deviceId, id: partId(id, deviceId) }));
  const cancelOne = (part: Part) =>
    void api.ask('POST', `/api/v1/actions/${part.id}/cancel`).catch(() => undefined);
  const cancel = () => parts.forEach(cancelOne);
  const stopped = stopSignal();
  // The server may have been told to cancel it before it was asked for it.
  const asked = (part: Part) => {
    if (stopped.aborted || tally.decided !== null) cancelOne(part);
  };
  stopped.addEventListener('abort', cancel);
  await Promise.all(
    parts.map(async (part) => {
      const isDone = await runPart(api, part, name, options, asked).catch((error: Error) => {
        show(options, part, { event: 'refused', data: { text: error.message } });
        return false;
      });
      if (tally.ended(isDone) !== null) cancel();
    }),
  );
  if (options.json !== true) process.stderr.write(`${tally.decided}: action ${id}\n`);
  return tally.decided === 'done' ? 0 : EXIT_FAILURE;
}

interface Part {
  readonly deviceId: string;
  readonly id: string;
}

async function runPart(
  api: RestApi,
  part: Part,
  name: string,
  options: ActCommandOptions,
  asked: (part: Part) => void,
): Promise<boolean> {
  await askDevice(api, part.deviceId, name, { ...options, id: part.id });
  asked(part);
  for await (const event of eventsOf(api, part.id)) {
    show(options, part, event);
    if (event.event === 'end') return event.data.status === 'done';
  }
  throw new Error('It is not followed any more.');
}

/** A line for each event, with the device in front: in JSON, or as people read it. */
function show(
  { json }: ActCommandOptions,
  { deviceId, id }: Part,
  { event, data }: Pick<ActionEvent, 'data'> & { readonly event: string },
): void {
  if (json === true) {
    process.stdout.write(`${JSON.stringify({ deviceId, id, event, ...data })}\n`);
    return;
  }
  const { status, text, error, values = {} } = data;
  const said = [status ?? event, text, error?.code].filter((each) => each !== undefined && each !== '');
  process.stderr.write(`${deviceId} ${said.join(' ')}\n`);
  for (const [key, value] of Object.entries(values)) {
    process.stdout.write(`${deviceId} ${key}=${typeof value === 'object' ? JSON.stringify(value) : value}\n`);
  }
}
