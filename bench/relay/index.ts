import { Delivery } from '../../proto/index.ts';
import type { BenchOptions, BenchSuite } from '../harness.ts';
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
import {
  type Credentials,
  createPairs,
  type Pair,
  type Product,
  startProduct,
} from '../processes/product.ts';
import type { BareWebSocket } from '../references/bare-websocket.ts';

/** Pairs of devices, each in a network of its own. */
const PAIRS = 4;
const MESSAGE_BYTES = 128;
/** Frames of a pair under way at a time: enough that the server never waits, less than what it drops at. */
const WINDOW_TRANSIENT = 1_000;
/** What a device may have unacknowledged. */
const WINDOW_STORED = 250;

/** The relay beside a forwarder that knows nothing, and STORED frames to who is away beside those to who is there. */
export const suite: BenchSuite = {
  name: 'relay',
  run: async (report, options) => {
    const product = await startProduct();
    const bare = startPart<BareWebSocket>('bare-websocket', 'server');
    const load = startPart<Load>('load', 'load');
    try {
      const pairs = await createPairs(product, PAIRS);
      const barePort = await bare.call('listen', null);
      const ours: Side = {
        serverProcessId: product.processId,
        lanes: pairs.map(({ sender, receiver }) => bifrostLane(product.port, sender, receiver)),
      };
      const reference: Side = {
        serverProcessId: bare.processId,
        lanes: pairs.map((_, lane) => bareLane(barePort, lane)),
      };
      const saturated = await saturateBoth(load, ours, reference, options, WINDOW_TRANSIENT);
      report(cpuResult('relay-signed-cpu', saturated));
      const rate = bestRate(saturated.ours) / 2;
      report(latencyResult('relay-p99', await paceBoth(load, ours, reference, options, rate)));
      report(rateResult('stored-offline', await measureAway(load, product, pairs, options)));
    } finally {
      await Promise.all([load.stop(), bare.stop(), product.stop()]);
    }
  },
};

function bifrostLane(port: number, sender: Credentials, receiver: Credentials): LaneSpec {
  const delivery = Delivery.TRANSIENT;
  return {
    source: { kind: 'bifrost', port, credentials: sender, delivery, destinationId: receiver.deviceId },
    sink: { kind: 'bifrost', port, credentials: receiver },
    messageBytes: MESSAGE_BYTES,
    progress: 'received',
  };
}

function bareLane(port: number, lane: number): LaneSpec {
  return {
    source: { kind: 'websocket', port, path: `/source/${lane}` },
    sink: { kind: 'websocket', port, path: `/sink/${lane}` },
    messageBytes: MESSAGE_BYTES,
    progress: 'received',
  };
}

function measureAway(load: Part<Load>, product: Product, pairs: readonly Pair[], options: BenchOptions) {
  const { port, processId: serverProcessId } = product;
  const { sender, receiver, away } = pairs[0] as Pair;
  const lane = (destination: Credentials, sink: LaneSpec['sink']): Side => ({
    serverProcessId,
    lanes: [
      {
        source: {
          kind: 'bifrost',
          port,
          credentials: sender,
          delivery: Delivery.STORED,
          destinationId: destination.deviceId,
        },
        sink,
        messageBytes: MESSAGE_BYTES,
        progress: 'acknowledged',
      },
    ],
  });
  const toAway = lane(away, { kind: 'away' });
  const toThere = lane(receiver, { kind: 'bifrost', port, credentials: receiver });
  return saturateBoth(load, toAway, toThere, options, WINDOW_STORED);
}
