import { setTimeout as wait } from 'node:timers/promises';
import { connectAsync, type MqttClient } from 'mqtt';
import { type BenchOptions, type BenchResult, round } from '../harness.ts';
import { startPart } from '../processes/part.ts';
import type { Credentials, Product } from '../processes/product.ts';
import type { BareWebSocket } from '../references/bare-websocket.ts';
import { encodeMessage, WebSocketWire } from '../wire/websocket.ts';
import { launchBrowser, openBare, openOurs, type SignedIn, signIn, usedMegabytes } from './browser.ts';
import { bareReadings, bareSocket, countFrames, WATCH_NUMBERS } from './in-page.ts';

type Report = (result: BenchResult) => void;

/** Readings that are timed to the pixel, one after the other, and the pause between them. */
const TIMED = 200;
const TIMED_QUICK = 20;
const PAUSE_MS = 50;
/** How long the last of them may be on its way. */
const LAST_WAIT_MS = 2_000;

const SECONDS = 30;
const SECONDS_QUICK = 6;
const SECONDS_LONG = 600;
/** A thousand a second: of so many sensors, and all of them at once so often. */
const SENSORS = 20;
const BURST_MS = 20;

/** What a device measures, up to the pixels of who looks at it. */
export async function compareLive(product: Product, report: Report, options: BenchOptions): Promise<void> {
  const networkId = await product.createNetwork('Live');
  const device = await product.createDevice(networkId, 'Station');
  const mqtt = await connectAsync(`mqtt://127.0.0.1:${product.mqttPort}`, {
    username: device.deviceId,
    password: device.token,
  });
  const browser = await launchBrowser();
  try {
    const visitor = await signIn(browser, product);
    await timeToPixel(visitor, { mqtt, device }, report, options.quick ? TIMED_QUICK : TIMED);
    await countDrawn(visitor, { mqtt, device }, report, options);
  } finally {
    await browser.close();
    await mqtt.endAsync(true);
  }
}

interface Station {
  readonly mqtt: MqttClient;
  readonly device: Credentials;
}

const topicOf = ({ deviceId }: Credentials, sensor: string) => `devices/${deviceId}/readings/${sensor}`;

async function timeToPixel(
  visitor: SignedIn,
  { mqtt, device }: Station,
  report: Report,
  count: number,
): Promise<void> {
  const say = (text: string) => mqtt.publishAsync(topicOf(device, 'level'), text, { qos: 1 });
  await say('0');
  await openOurs(visitor, `#/devices/${device.deviceId}`);
  await visitor.page.locator('.live').waitFor();
  const ours = await timeNumbers(visitor, count, (text) => void say(text));

  const bare = startPart<BareWebSocket>('bare-websocket', 'server');
  const port = await bare.call('listen', null);
  await openBare(visitor, bareSocket(`ws://127.0.0.1:${port}/sink/1`));
  await visitor.page.waitForFunction("document.title === 'open'");
  const source = await WebSocketWire.connect({ port, path: '/source/1' });
  const reference = await timeNumbers(visitor, count, (text) =>
    source.send(encodeMessage(Buffer.from(text))),
  );
  source.close();
  await bare.stop();
  report({
    name: 'page-pixel',
    ours: round(percentile(ours, 95)),
    reference: round(percentile(reference, 95)),
    ratio: round(percentile(reference, 95) / percentile(ours, 95)),
    unit: 'ms',
    runs: 1,
    note: `p95 of ${count} readings, from their publication by MQTT; medians ${round(percentile(ours, 50))} and ${round(percentile(reference, 50))} ms`,
  });
}

/** Sends whole numbers one after the other, and returns how long each took to its pixels. */
async function timeNumbers(
  { page }: SignedIn,
  count: number,
  send: (text: string) => void,
): Promise<readonly number[]> {
  await page.evaluate(WATCH_NUMBERS);
  const sentAt = new Map<string, number>();
  for (let number = 1; number <= count; number++) {
    const text = String(number);
    sentAt.set(text, performance.timeOrigin + performance.now());
    send(text);
    await wait(PAUSE_MS);
  }
  await wait(LAST_WAIT_MS);
  const paintedAt = (await page.evaluate('window.paintedAt')) as Record<string, number | null>;
  return [...sentAt].map(([text, at]) => {
    const painted = paintedAt[text] ?? null;
    // Overtaken by the next one, or lost: that is slower than all others.
    return painted === null ? Number.POSITIVE_INFINITY : painted - at;
  });
}

async function countDrawn(
  visitor: SignedIn,
  station: Station,
  report: Report,
  { quick, long }: BenchOptions,
): Promise<void> {
  const seconds = long ? SECONDS_LONG : quick ? SECONDS_QUICK : SECONDS;
  const stop = publishMany(station);
  try {
    await openOurs(visitor, `#/devices/${station.device.deviceId}`);
    await visitor.page.locator('.live').waitFor();
    const memory = [await usedMegabytes(visitor)];
    let [frames, changed, fewest] = [0, 0, Number.POSITIVE_INFINITY];
    // In pieces: the least of them counts, too.
    const pieces = 4;
    for (let piece = 0; piece < pieces; piece++) {
      const counted = await count(visitor, seconds / pieces);
      frames += counted.frames / pieces;
      changed += counted.changed / pieces;
      fewest = Math.min(fewest, counted.changed);
      memory.push(await usedMegabytes(visitor));
    }
    await openBare(visitor, bareReadings(station.device.deviceId));
    await visitor.page.waitForFunction("document.title === 'open'");
    const bare = await count(visitor, Math.min(seconds, SECONDS));
    report({
      name: 'page-drawn',
      ours: round(changed),
      reference: round(bare.changed),
      ratio: round(changed / bare.changed),
      unit: 'frames/s',
      runs: 1,
      note: `${SENSORS * (1_000 / BURST_MS)} readings a second for ${seconds} s; in the slowest quarter ${round(fewest)}; ${round(frames)} painted`,
    });
    const [, , half = 0, , end = 0] = memory;
    report({
      name: 'page-drawn-memory',
      ours: round(end),
      reference: round(half),
      ratio: round(half / end),
      unit: 'MB',
      runs: 1,
      note: `the page's memory at the end beside that after half of the time; after each quarter ${memory.map(round).join(', ')}`,
    });
  } finally {
    stop();
  }
}

const count = ({ page }: SignedIn, seconds: number) =>
  page.evaluate(countFrames(seconds * 1_000)) as Promise<{ frames: number; changed: number }>;

/** A thousand readings a second, until it is stopped. */
function publishMany({ mqtt, device }: Station): () => void {
  let beat = 0;
  const timer = setInterval(() => {
    beat++;
    for (let sensor = 0; sensor < SENSORS; sensor++) {
      const value = Math.round(1_000 * Math.sin(beat / 50 + sensor)) / 10;
      mqtt.publish(topicOf(device, `sensor-${sensor}`), String(value), { qos: 1 });
    }
  }, BURST_MS);
  return () => clearInterval(timer);
}

/** The value that so many percent of these don't exceed. */
function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN;
}
