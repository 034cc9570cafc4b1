import { expect, it } from 'vitest';
import type { Bus } from '../../../server/kernel/bus.ts';
import { createInProcessBus } from '../../../server/platform/bus/in-process.ts';
import { turn } from '../../support/clock.ts';
import { createMessagingWorld, frameOf, nextNonce, type TestDevice } from '../../support/device-channels.ts';
import { silentLogger } from '../../support/logger.ts';
import { createSeededRandom } from '../../support/random.ts';
import { MembershipsInMemory, RelayStoreInMemory } from '../../support/relay-store.ts';

/** A bus that loses one message in ten and delivers one in ten twice. */
function createBadBus(fraction: () => number): { bus: Bus; lost: () => number } {
  const bus = createInProcessBus({ logger: silentLogger });
  let lost = 0;
  return {
    bus: {
      ...bus,
      publish(subject, message) {
        const chance = fraction();
        if (chance < 0.1) lost++;
        else bus.publish(subject, message);
        if (chance > 0.9) bus.publish(subject, message);
      },
    },
    lost: () => lost,
  };
}

const offsetsOf = (device: TestDevice) =>
  device.received.flatMap(({ streamOffset }) => (streamOffset === 0 ? [] : [streamOffset]));

it.each([1, 2, 3, 4, 5])(
  'two nodes whose bus loses one message in ten lose no frame and keep one order (seed %i)',
  async (seed) => {
    const { fraction } = createSeededRandom(seed);
    const store = new RelayStoreInMemory();
    store.fate = () => (fraction() < 0.05 ? 'answer lost' : 'kept');
    store.beforePage = () => turn(Math.floor(fraction() * 3));
    const { bus, lost } = createBadBus(fraction);
    const nodes = [0, 1].map(() => createMessagingWorld(store, new MembershipsInMemory(), bus));
    const [senders, readers]: [TestDevice[], TestDevice[]] = [[], []];
    for (const [index, node] of nodes.entries()) {
      senders.push(await node.connect('WebSocket', 31 + index));
      readers.push(await node.connect('WebSocket', 41 + index), await node.connect('MQTT', 51 + index));
    }
    for (let count = 0; count < 400; count++) {
      const node = fraction() < 0.5 ? 0 : 1;
      // The sender is told when the answer of a commit was lost; the frame is in the stream all the same.
      void senders[node]?.send(frameOf(31 + node, nextNonce()));
      if (fraction() < 0.3) await turn(2);
      if (fraction() < 0.3) for (const reader of readers) await reader.acknowledge();
    }
    for (let round = 0; round < 60; round++) {
      await turn(5);
      for (const node of nodes) await node.relay.checkHeads();
      for (const reader of readers) await reader.acknowledge();
    }
    expect(lost()).toBeGreaterThan(0);
    expect(store.frames.length).toBe(400);
    const everything = store.frames.map(({ streamOffset }) => streamOffset);
    for (const reader of readers) expect(offsetsOf(reader)).toEqual(everything);
  },
);
