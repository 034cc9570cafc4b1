import { createBifrostClient, type DeviceCredentials } from '../../../device/client/index.ts';
import { decodeEvent, encodeEvent } from '../../../device/client/messages.ts';
import { createTlsPaths } from '../../../device/node/direct/tls-paths.ts';
import { openNodeSocket } from '../../../device/node/websocket.ts';
import { FrameType } from '../../../proto/index.ts';
import { createDeviceCore } from '../core.ts';

/** What a device in a namespace is told. */
export type DeviceOrder =
  | { readonly do: 'connect'; readonly url: string; readonly credentials: DeviceCredentials }
  /** Wants a direct path to a device, and counts for it, a number every few milliseconds. */
  | { readonly do: 'count'; readonly to: string }
  | { readonly do: 'stop' };

/** What it says. */
export type DeviceNews =
  | { readonly is: 'connected' }
  | {
      readonly is: 'path';
      readonly path: string;
      readonly quality: object | null;
      readonly refusal: string | null;
      readonly sent: number;
    }
  /** How many numbers arrived, and the first one that was not the next. */
  | { readonly is: 'heard'; readonly count: number; readonly wrong: string | null }
  | { readonly is: 'stopped'; readonly sent: number };

const COUNT_INTERVAL_MS = 2;
const NEWS_INTERVAL_MS = 50;

const tell = (news: DeviceNews) => process.send?.(news);
let client: ReturnType<typeof createBifrostClient> | null = null;
let count = 0;
let wrong: string | null = null;
let sent = 0;
let counting: NodeJS.Timeout | undefined;

process.on('disconnect', () => process.exit());
process.on('message', (order: DeviceOrder) => {
  if (order.do === 'connect') connect(order.url, order.credentials);
  else if (order.do === 'count') beginCounting(order.to);
  else {
    clearInterval(counting);
    tell({ is: 'stopped', sent });
  }
});

function connect(url: string, credentials: DeviceCredentials): void {
  client = createBifrostClient(
    { url, credentials },
    { core: createDeviceCore(), openSocket: openNodeSocket, direct: createTlsPaths() },
  );
  client.on('frame', ({ type, payload }) => {
    if (type !== FrameType.EVENT) return;
    const { value } = decodeEvent(payload);
    if (value !== count) wrong ??= `${String(value)} in place of ${count}`;
    count++;
  });
  client.connect().then(() => tell({ is: 'connected' }));
  setInterval(() => tell({ is: 'heard', count, wrong }), NEWS_INTERVAL_MS);
}

function beginCounting(to: string): void {
  client?.paths.open(to);
  setInterval(() => {
    const status = client?.paths.status(to);
    const { path = '', quality = null, refusal = null } = status ?? {};
    tell({ is: 'path', path, quality, refusal: refusal?.code ?? null, sent });
  }, NEWS_INTERVAL_MS);
  counting = setInterval(() => {
    const payload = encodeEvent({ name: 'count', value: sent, unit: '', measuredAtMs: 0 });
    if (client?.sendTransient({ type: FrameType.EVENT, payload, destinationId: to })) sent++;
  }, COUNT_INTERVAL_MS);
}
