import { Delivery } from '../../proto/index.ts';
import type { BenchOptions, BenchResult, BenchSuite } from '../harness.ts';
import { cpuResult, rateResult, type Side, saturateBoth } from '../load/compare.ts';
import type { Load } from '../load/index.ts';
import type { LaneSpec } from '../load/lanes.ts';
import { type Part, startPart } from '../processes/part.ts';
import { createPairs, type Pair, type Product, startProduct } from '../processes/product.ts';
import type { ConfiguredServer } from '../references/configured-server.ts';
import { startMosquitto } from '../references/mosquitto.ts';
import { type NatsSync, startCentrifugo, startNats } from './servers.ts';

const PAIRS = 4;
const MESSAGE_BYTES = 128;
/** Messages of a pair under way at a time: of those that are kept, what a device may have unacknowledged. */
const WINDOW_TRANSIENT = 500;
const WINDOW_KEPT = 250;

interface Surroundings {
  readonly load: Part<Load>;
  readonly product: Product;
  readonly pairs: readonly Pair[];
  readonly options: BenchOptions;
}

/** What one comparison does with a peer. `ours` and `theirs`: the lane of this number. */
interface Row {
  readonly name: string;
  /** What each side promises. */
  readonly promise: string;
  readonly isKept: boolean;
  readonly ours: (product: Product, pair: Pair) => LaneSpec;
  readonly theirs: (port: number, lane: number) => LaneSpec;
}

interface Peer {
  readonly start: () => Promise<ConfiguredServer | null>;
  readonly rows: readonly Row[];
}

/** The same work by servers that others run. */
export const suite: BenchSuite = {
  name: 'peers',
  run: async (report, options) => {
    const product = await startProduct();
    const load = startPart<Load>('load', 'load');
    try {
      const pairs = await createPairs(product, PAIRS);
      for (const peer of PEERS) await comparePeer(peer, { load, product, pairs, options }, report);
    } finally {
      await Promise.all([load.stop(), product.stop()]);
    }
  },
};

async function comparePeer(
  { start, rows }: Peer,
  { load, product, pairs, options }: Surroundings,
  report: (result: BenchResult) => void,
): Promise<void> {
  const server = await start();
  if (server === null) return;
  try {
    for (const row of rows) {
      const ours: Side = {
        serverProcessId: product.processId,
        lanes: pairs.map((pair) => row.ours(product, pair)),
      };
      const theirs: Side = {
        serverProcessId: server.processId,
        lanes: pairs.map((_, lane) => row.theirs(server.port, lane)),
      };
      const window = row.isKept ? WINDOW_KEPT : WINDOW_TRANSIENT;
      const measured = await saturateBoth(load, ours, theirs, options, window);
      const result = row.isKept ? rateResult(row.name, measured) : cpuResult(row.name, measured);
      const note = [row.promise, result.note].filter((text) => text !== undefined).join('; ');
      report({ ...result, note });
    }
  } finally {
    await server.stop();
  }
}

const PEERS: readonly Peer[] = [
  {
    start: async () => {
      const mosquitto = await startMosquitto();
      if (mosquitto === null) console.error('mosquitto is missing: apt-get install mosquitto');
      return mosquitto;
    },
    rows: [
      {
        name: 'peers-mosquitto-qos0',
        promise: 'both may lose a message; ours is signed and verified on both hops',
        isKept: false,
        ours: (product, pair) => mqttLane(product, pair, Delivery.TRANSIENT),
        theirs: (port, lane) => brokerLane(port, lane, 0),
      },
      {
        name: 'peers-mosquitto-qos1',
        promise: 'ours is on the disk before PUBACK, mosquitto writes its file once a second',
        isKept: true,
        ours: (product, pair) => mqttLane(product, pair, Delivery.STORED),
        theirs: (port, lane) => brokerLane(port, lane, 1),
      },
    ],
  },
  {
    start: () => startNats('always'),
    rows: [
      {
        name: 'peers-nats-transient',
        promise: 'both may lose a message; ours is signed and verified on both hops',
        isKept: false,
        ours: (product, pair) => bifrostLane(product, pair),
        theirs: (port, lane) => natsLane(port, lane, null),
      },
      keptByNats('peers-nats-synced', 'always', 'both are on the disk before they are acknowledged'),
    ],
  },
  {
    start: () => startNats('2m'),
    rows: [
      keptByNats(
        'peers-nats-unsynced',
        '2m',
        'ours is on the disk before it is acknowledged, JetStream syncs its file every two minutes, its default',
      ),
    ],
  },
  {
    start: startCentrifugo,
    rows: [
      {
        name: 'peers-centrifugo',
        promise:
          'both may lose a message; ours is signed and verified on both hops, Centrifugo answers the publisher',
        isKept: false,
        ours: (product, pair) => bifrostLane(product, pair),
        theirs: (port, lane) => {
          const end = { kind: 'centrifugo', port, channel: `bench${lane}` } as const;
          return { source: end, sink: end, messageBytes: MESSAGE_BYTES, progress: 'received' };
        },
      },
    ],
  },
];

/** One publisher to a receiver that is away, beside a stream in a file. */
function keptByNats(name: string, sync: NatsSync, promise: string): Row {
  return {
    name,
    promise,
    isKept: true,
    ours: (product, { sender, away }) => ({
      source: {
        kind: 'bifrost',
        port: product.port,
        credentials: sender,
        delivery: Delivery.STORED,
        destinationId: away.deviceId,
      },
      sink: { kind: 'away' },
      messageBytes: MESSAGE_BYTES,
      progress: 'acknowledged',
    }),
    theirs: (port, lane) => natsLane(port, lane, `${sync}${lane}`),
  };
}

function natsLane(port: number, lane: number, stream: string | null): LaneSpec {
  const end = { kind: 'nats', port, subject: `bench.${stream ?? lane}`, stream } as const;
  return {
    source: end,
    sink: stream === null ? end : { kind: 'away' },
    messageBytes: MESSAGE_BYTES,
    progress: stream === null ? 'received' : 'acknowledged',
  };
}

function bifrostLane({ port }: Product, { sender, receiver }: Pair): LaneSpec {
  return {
    source: {
      kind: 'bifrost',
      port,
      credentials: sender,
      delivery: Delivery.TRANSIENT,
      destinationId: receiver.deviceId,
    },
    sink: { kind: 'bifrost', port, credentials: receiver },
    messageBytes: MESSAGE_BYTES,
    progress: 'received',
  };
}

function mqttLane({ mqttPort: port }: Product, { sender, receiver }: Pair, delivery: Delivery): LaneSpec {
  const isKept = delivery === Delivery.STORED;
  return {
    source: {
      kind: 'bifrost-mqtt',
      port,
      credentials: sender,
      delivery,
      destinationId: receiver.deviceId,
      qos: isKept ? 1 : 0,
    },
    sink: { kind: 'bifrost-mqtt', port, credentials: receiver },
    messageBytes: MESSAGE_BYTES,
    progress: isKept ? 'acknowledged' : 'received',
  };
}

function brokerLane(port: number, lane: number, qos: 0 | 1): LaneSpec {
  const end = { kind: 'mqtt', port, topic: `bench/peers/${qos}/${lane}`, qos } as const;
  return {
    source: end,
    sink: end,
    messageBytes: MESSAGE_BYTES,
    progress: qos === 0 ? 'received' : 'acknowledged',
  };
}
