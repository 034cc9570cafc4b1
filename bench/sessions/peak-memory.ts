import { Delivery } from '../../proto/index.ts';
import type { BenchOptions } from '../harness.ts';
import type { Load } from '../load/index.ts';
import type { LaneSpec, SinkSpec, SourceSpec } from '../load/lanes.ts';
import { startPart } from '../processes/part.ts';
import type { Pair, Product } from '../processes/product.ts';

const MESSAGE_BYTES = 128;
const SAMPLE_MS = 50;
/** Reads under way at a time. */
const READERS = 10;
/** Messages of a lane under way. */
const WINDOW = 250;

/** The most that the server takes while frames, stored ones, MQTT and reads come as fast as they go, all at once. */
export async function peakUnderLoad(
  product: Product,
  pairs: readonly Pair[],
  { seconds }: BenchOptions,
): Promise<number> {
  const busy = startPart<Load>('load', 'load');
  let peakBytes = product.residentBytes();
  let isOver = false;
  const readAgainAndAgain = async (read: () => Promise<unknown>) => {
    while (!isOver) await read();
  };
  const sampling = setInterval(() => {
    peakBytes = Math.max(peakBytes, product.residentBytes());
  }, SAMPLE_MS);
  try {
    await busy.call('open', lanesOfAllKinds(product, pairs));
    const path = `/api/v1/devices/${pairs[0]?.sender.deviceId}`;
    for (let reader = 0; reader < READERS; reader++)
      void readAgainAndAgain(() => product.request('GET', path));
    await busy.call('saturate', { seconds: seconds * 3, window: WINDOW, serverProcessId: product.processId });
    return peakBytes;
  } finally {
    isOver = true;
    clearInterval(sampling);
    await busy.stop();
  }
}

/** One lane of each kind of message that other suites measure. */
function lanesOfAllKinds(product: Product, pairs: readonly Pair[]): LaneSpec[] {
  const [first, second, third] = pairs as [Pair, Pair, Pair];
  const { port, mqttPort } = product;
  const lane = (source: SourceSpec, sink: SinkSpec): LaneSpec => {
    const isReceived = sink.kind !== 'away' && source.kind === 'bifrost';
    return { source, sink, messageBytes: MESSAGE_BYTES, progress: isReceived ? 'received' : 'acknowledged' };
  };
  const stored = { delivery: Delivery.STORED } as const;
  return [
    lane(
      {
        kind: 'bifrost',
        port,
        credentials: first.sender,
        delivery: Delivery.TRANSIENT,
        destinationId: first.receiver.deviceId,
      },
      { kind: 'bifrost', port, credentials: first.receiver },
    ),
    lane(
      {
        kind: 'bifrost',
        port,
        credentials: second.sender,
        ...stored,
        destinationId: second.away.deviceId,
      },
      { kind: 'away' },
    ),
    lane(
      {
        kind: 'bifrost-mqtt',
        port: mqttPort,
        credentials: third.sender,
        ...stored,
        destinationId: third.receiver.deviceId,
        qos: 1,
      },
      { kind: 'bifrost-mqtt', port: mqttPort, credentials: third.receiver },
    ),
  ];
}
