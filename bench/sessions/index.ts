import { setTimeout as wait } from 'node:timers/promises';
import type { BenchOptions, BenchResult, BenchSuite } from '../harness.ts';
import { round } from '../harness.ts';
import type { Load } from '../load/index.ts';
import { type Part, startPart } from '../processes/part.ts';
import {
  type Credentials,
  createPairs,
  type Pair,
  type Product,
  startProduct,
} from '../processes/product.ts';
import type { BareAedes } from '../references/bare-aedes.ts';
import type { BareWebSocket } from '../references/bare-websocket.ts';
import { peakUnderLoad } from './peak-memory.ts';
import { ServerMemory } from './server-memory.ts';

const SESSIONS = 10_000;
const SESSIONS_QUICK = 200;
/** Devices are made so many at a time. */
const MAKERS = 20;
const DEVICES_OF_A_NETWORK = 100;
const MIB = 1024 * 1024;
/** What the server's timers have to do once before it is idle. */
const IDLE_MS = 5_000;
/** After which memory is to be what it was. */
const REST_MS = 60_000;
const NEIGHBOUR_RATE = 50;
const MESSAGE_BYTES = 128;

type Report = (result: BenchResult) => void;

/** What an idle session takes in memory, what the server does, and how long everybody takes to come back. */
export const suite: BenchSuite = {
  name: 'sessions',
  run: async (report, options) => {
    const count = options.quick ? SESSIONS_QUICK : SESSIONS;
    const product = await startProduct(['--inspect=127.0.0.1:0', '--expose-gc']);
    const websocket = startPart<BareWebSocket>('bare-websocket', 'server');
    const aedes = startPart<BareAedes>('bare-aedes', 'server');
    const load = startPart<Load>('load', 'load');
    try {
      await wait(options.quick ? 0 : IDLE_MS);
      const idleBytes = product.residentBytes();
      const pairs = await createPairs(product, 3);
      const devices = await createDevices(product, count);
      const bareWebSocket = await bytesOfBare(load, websocket, 'idle-websocket', count);
      const ofWebSocket = await bytesOfProduct(load, product, devices, 'bifrost');
      report(bytesResult('session-ws-bytes', ofWebSocket, bareWebSocket, count));
      const bareAedes = await bytesOfBare(load, aedes, 'idle-mqtt', count);
      const ofMqtt = await bytesOfProduct(load, product, devices, 'bifrost-mqtt');
      report(bytesResult('session-mqtt-bytes', ofMqtt, bareAedes, count));
      await storm({ load, product, devices, neighbour: pairs[0] as Pair }, report, options);
      const peakBytes = await peakUnderLoad(product, pairs, options);
      await load.call('disconnect', null);
      await wait(options.quick ? 0 : REST_MS);
      const laterBytes = product.residentBytes();
      report({
        name: 'server-memory',
        ours: round(idleBytes / MIB),
        reference: round(peakBytes / MIB),
        ratio: round(idleBytes / peakBytes),
        unit: 'MiB',
        runs: 1,
        note: `idle beside its most, ${round(peakBytes / idleBytes)} times as much, with ${count} sessions and all kinds of load at once; ${round(laterBytes / MIB)} MiB a minute after they left, ${Math.round((laterBytes / idleBytes - 1) * 100)} % above idle`,
      });
    } finally {
      await Promise.all([load.stop(), websocket.stop(), aedes.stop(), product.stop()]);
    }
  },
};

async function createDevices(product: Product, count: number): Promise<Credentials[]> {
  const devices: Credentials[] = [];
  const networks: string[] = [];
  for (let i = 0; i < Math.ceil(count / DEVICES_OF_A_NETWORK); i++) {
    networks.push(await product.createNetwork(`Sessions ${i}`));
  }
  let next = 0;
  const make = async () => {
    for (let i = next++; i < count; i = next++) {
      const networkId = networks[i % networks.length] ?? '';
      devices.push(await product.createDevice(networkId, `Session ${i}`));
    }
  };
  await Promise.all(Array.from({ length: MAKERS }, make));
  return devices;
}

/** Bytes in V8 that the sessions of these devices take, after a collection. */
async function bytesOfProduct(
  load: Part<Load>,
  product: Product,
  devices: readonly Credentials[],
  kind: 'bifrost' | 'bifrost-mqtt',
): Promise<number> {
  const memory = await ServerMemory.attach(product.inspectorUrl());
  const before = await memory.usedBytes();
  const port = kind === 'bifrost' ? product.port : product.mqttPort;
  await load.call('connect', { kind, port, devices });
  await wait(IDLE_MS / 5);
  const used = (await memory.usedBytes()) - before;
  memory.detach();
  await load.call('disconnect', null);
  return used;
}

async function bytesOfBare(
  load: Part<Load>,
  bare: Part<BareWebSocket> | Part<BareAedes>,
  kind: 'idle-websocket' | 'idle-mqtt',
  count: number,
): Promise<number> {
  const port = await (bare as Part<BareAedes>).call('listen', null);
  const before = await (bare as Part<BareAedes>).call('usedBytes', null);
  await load.call('connect', { kind, port, count });
  await wait(IDLE_MS / 5);
  const used = (await (bare as Part<BareAedes>).call('usedBytes', null)) - before;
  await load.call('disconnect', null);
  return used;
}

function bytesResult(name: string, product: number, bare: number, count: number): BenchResult {
  return {
    name,
    ours: round((product - bare) / count),
    reference: round(bare / count),
    ratio: round(bare / product),
    unit: 'bytes',
    runs: 1,
    note: `a session above the bare one; the product's whole session ${round(product / count)}; ${count} sessions`,
  };
}

interface Storm {
  readonly load: Part<Load>;
  readonly product: Product;
  readonly devices: readonly Credentials[];
  readonly neighbour: { readonly sender: Credentials; readonly receiver: Credentials };
}

/** All devices come back at once after the server started again; a neighbour of theirs goes on sending meanwhile. */
async function storm({ load, product, devices, neighbour }: Storm, report: Report, options: BenchOptions) {
  await product.restart();
  const neighbours = startPart<Load>('load', 'load');
  try {
    await neighbours.call('open', [
      {
        source: {
          kind: 'bifrost',
          port: product.port,
          credentials: neighbour.sender,
          delivery: 0,
          destinationId: neighbour.receiver.deviceId,
        },
        sink: { kind: 'bifrost', port: product.port, credentials: neighbour.receiver },
        messageBytes: MESSAGE_BYTES,
        progress: 'received',
      },
    ]);
    const pace = { seconds: options.seconds, rate: NEIGHBOUR_RATE, serverProcessId: product.processId };
    const alone = await neighbours.call('pace', pace);
    const begunMs = performance.now();
    const back = load.call('connect', { kind: 'bifrost', port: product.port, devices });
    const meanwhile = neighbours.call('pace', pace);
    await back;
    const seconds = (performance.now() - begunMs) / 1000;
    const beside = await meanwhile;
    report({
      name: 'reconnect-storm',
      ours: round(seconds),
      reference: round(alone.p99Ms),
      ratio: round(alone.p99Ms / beside.p99Ms),
      unit: 's',
      runs: 1,
      note: `${devices.length} devices; a neighbour's p99 alone (the reference, ms) and meanwhile ${round(beside.p99Ms)} ms`,
    });
  } finally {
    await neighbours.stop();
  }
}
