import { randomUUID } from 'node:crypto';
import { Delivery } from '../../proto/index.ts';
import type { BenchOptions, BenchResult, BenchSuite } from '../harness.ts';
import {
  bestRate,
  cpuResult,
  latencyResult,
  paceBoth,
  rateResult,
  type Side,
  saturateBoth,
} from '../load/compare.ts';
import type { Load } from '../load/index.ts';
import type { LaneSpec } from '../load/lanes.ts';
import { type Part, startPart } from '../processes/part.ts';
import { createPairs, type Pair, type Product, startProduct } from '../processes/product.ts';
import type { BareAedes } from '../references/bare-aedes.ts';
import type { ConfiguredServer } from '../references/configured-server.ts';
import { startMosquitto } from '../references/mosquitto.ts';
import { compareCommands } from './commands.ts';
import { compareFanOut, compareQueued } from './plain.ts';
import { compareReadings } from './readings.ts';

const PAIRS = 4;
const MESSAGE_BYTES = 128;
/** Publications of a client that are not acknowledged yet. */
const WINDOW_QOS1 = 250;
const WINDOW_QOS0 = 500;

type Report = (result: BenchResult) => void;

/** MQTT: frames stored before PUBACK beside mosquitto, QoS 0 beside a bare aedes, plain clients, and the readings that come of them. */
export const suite: BenchSuite = {
  name: 'mqtt',
  run: async (report, options) => {
    const product = await startProduct();
    const load = startPart<Load>('load', 'load');
    const aedes = startPart<BareAedes>('bare-aedes', 'server');
    const mosquitto = await startMosquitto();
    try {
      const pairs = await createPairs(product, PAIRS);
      if (mosquitto === null) console.error('mosquitto is missing: apt-get install mosquitto');
      else await compareStored({ load, product, mosquitto, pairs }, report, options);
      const aedesPort = await aedes.call('listen', null);
      const ours = {
        serverProcessId: product.processId,
        lanes: pairs.map((pair) => qos0Lane(product, pair)),
      };
      const reference = {
        serverProcessId: aedes.processId,
        lanes: pairs.map((_, lane) => brokerLane(aedesPort, `bench/${lane}`, 0)),
      };
      report(cpuResult('mqtt-qos0', await saturateBoth(load, ours, reference, options, WINDOW_QOS0)));
      const plain = { load, product, pairs };
      await compareFanOut(plain, { port: aedesPort, processId: aedes.processId }, report, options);
      const [pair] = pairs;
      if (mosquitto !== null && pair !== undefined) {
        await compareQueued(plain, mosquitto, report, options);
        await compareCommands(product, pair, mosquitto, report, options);
      }
    } finally {
      await Promise.all([load.stop(), aedes.stop(), mosquitto?.stop(), product.stop()]);
    }
    await compareReadings(report, options);
  },
};

interface Stored {
  readonly load: Part<Load>;
  readonly product: Product;
  readonly mosquitto: ConfiguredServer;
  readonly pairs: readonly Pair[];
}

async function compareStored(
  { load, product, mosquitto, pairs }: Stored,
  report: Report,
  options: BenchOptions,
): Promise<void> {
  const ours = (lanes: readonly LaneSpec[]): Side => ({ serverProcessId: product.processId, lanes });
  const reference = (lanes: readonly LaneSpec[]): Side => ({ serverProcessId: mosquitto.processId, lanes });
  const oursThere = ours(pairs.map((pair) => storedLane(product, pair, true)));
  const referenceThere = reference(
    pairs.map((_, lane) => brokerLane(mosquitto.port, `bench/there/${lane}`, 1)),
  );
  const there = await saturateBoth(load, oursThere, referenceThere, options, WINDOW_QOS1);
  report(rateResult('mqtt-qos1-stored', there));

  const topic = (lane: number) => `bench/away/${lane}`;
  for (const lane of pairs.keys()) await leaveSession(load, mosquitto.port, topic(lane));
  const oursAway = ours(pairs.map((pair) => storedLane(product, pair, false)));
  const referenceAway = reference(
    pairs.map((_, lane) => ({ ...brokerLane(mosquitto.port, topic(lane), 1), sink: { kind: 'away' } })),
  );
  report(
    rateResult(
      'mqtt-qos1-stored-away',
      await saturateBoth(load, oursAway, referenceAway, options, WINDOW_QOS1),
    ),
  );

  const rate = bestRate(there.ours) / 2;
  report(latencyResult('mqtt-qos1-latency', await paceBoth(load, oursThere, referenceThere, options, rate)));
}

/** A subscriber that the broker keeps messages for, and that is gone. */
async function leaveSession(load: Part<Load>, port: number, topic: string): Promise<void> {
  await load.call('open', [
    { ...brokerLane(port, topic, 1), sink: { kind: 'mqtt', port, topic, qos: 1, clientId: randomUUID() } },
  ]);
  await load.call('close', null);
}

function storedLane(
  { mqttPort: port }: Product,
  { sender, receiver, away }: Pair,
  isThere: boolean,
): LaneSpec {
  const destination = isThere ? receiver : away;
  return {
    source: {
      kind: 'bifrost-mqtt',
      port,
      credentials: sender,
      delivery: Delivery.STORED,
      destinationId: destination.deviceId,
      qos: 1,
    },
    sink: isThere ? { kind: 'bifrost-mqtt', port, credentials: receiver } : { kind: 'away' },
    messageBytes: MESSAGE_BYTES,
    progress: 'acknowledged',
  };
}

function qos0Lane({ mqttPort, port }: Product, { sender, receiver }: Pair): LaneSpec {
  return {
    source: {
      kind: 'bifrost-mqtt',
      port: mqttPort,
      credentials: sender,
      delivery: Delivery.TRANSIENT,
      destinationId: receiver.deviceId,
      qos: 0,
    },
    sink: { kind: 'bifrost', port, credentials: receiver },
    messageBytes: MESSAGE_BYTES,
    progress: 'received',
  };
}

/** The same over a broker that knows topics only. */
function brokerLane(port: number, topic: string, qos: 0 | 1): LaneSpec {
  return {
    source: { kind: 'mqtt', port, topic, qos },
    sink: { kind: 'mqtt', port, topic, qos },
    messageBytes: MESSAGE_BYTES,
    progress: qos === 0 ? 'received' : 'acknowledged',
  };
}
