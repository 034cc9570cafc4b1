import { randomUUID } from 'node:crypto';
import type { BenchOptions, BenchResult } from '../harness.ts';
import { cpuResult, rateResult, type Side, saturateBoth } from '../load/compare.ts';
import type { Load } from '../load/index.ts';
import type { LaneSpec } from '../load/lanes.ts';
import type { Part } from '../processes/part.ts';
import type { Pair, Product } from '../processes/product.ts';
import type { ConfiguredServer } from '../references/configured-server.ts';

const MESSAGE_BYTES = 128;
/** Subscribers of one topic, a fan-out: as many connections as one device may have. */
const SUBSCRIBERS = 8;
const WINDOW_QOS0 = 100;
const WINDOW_QOS1 = 250;

type Report = (result: BenchResult) => void;

/** What plain clients are compared by. */
export interface PlainComparison {
  readonly load: Part<Load>;
  readonly product: Product;
  readonly pairs: readonly Pair[];
}

/** A publication of QoS 0 in a network's tree to eight subscribers, beside a bare aedes. */
export async function compareFanOut(
  { load, product, pairs }: PlainComparison,
  aedes: { readonly port: number; readonly processId: number },
  report: Report,
  options: BenchOptions,
): Promise<void> {
  const lane = (index: number, pair: Pair | null): LaneSpec => {
    const port = pair === null ? aedes.port : product.mqttPort;
    const topic = `bench/fan-out/${index}`;
    const [publisher, listener] =
      pair === null ? [{}, {}] : [{ credentials: pair.sender }, { credentials: pair.receiver }];
    return {
      source: { kind: 'mqtt', port, topic, qos: 0, ...publisher },
      sink: { kind: 'mqtt', port, topic, qos: 0, subscribers: SUBSCRIBERS, ...listener },
      messageBytes: MESSAGE_BYTES,
      progress: 'received',
    };
  };
  const ours = { serverProcessId: product.processId, lanes: pairs.map((pair, index) => lane(index, pair)) };
  const reference = { serverProcessId: aedes.processId, lanes: pairs.map((_, index) => lane(index, null)) };
  report(cpuResult('mqtt-plain-qos0', await saturateBoth(load, ours, reference, options, WINDOW_QOS0)));
}

/** A publication of QoS 1 that is in a lasting session's queue in the database before PUBACK, beside mosquitto with persistence. */
export async function compareQueued(
  { load, product, pairs }: PlainComparison,
  mosquitto: ConfiguredServer,
  report: Report,
  options: BenchOptions,
): Promise<void> {
  const side = (port: number, serverProcessId: number, isOurs: boolean): Side => ({
    serverProcessId,
    lanes: pairs.map(({ sender, receiver }, index) => {
      const topic = `bench/queued/${index}`;
      return {
        source: { kind: 'mqtt', port, topic, qos: 1, ...(isOurs ? { credentials: sender } : {}) },
        // A client id that stays: the session is kept.
        sink: {
          kind: 'mqtt',
          port,
          topic,
          qos: 1,
          clientId: randomUUID(),
          ...(isOurs ? { credentials: receiver } : {}),
        },
        messageBytes: MESSAGE_BYTES,
        progress: 'acknowledged',
      };
    }),
  });
  const ours = side(product.mqttPort, product.processId, true);
  const reference = side(mosquitto.port, mosquitto.processId, false);
  report(rateResult('mqtt-plain-qos1', await saturateBoth(load, ours, reference, options, WINDOW_QOS1)));
}
