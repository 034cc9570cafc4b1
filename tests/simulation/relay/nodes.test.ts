import { expect, it } from 'vitest';
import type { Bus } from '../../../server/kernel/bus.ts';
import { createInProcessBus } from '../../../server/platform/bus/in-process.ts';
import { turn } from '../../support/clock.ts';
import { createMessagingWorld, frameOf, type TestDevice } from '../../support/device-channels.ts';
import { uuid } from '../../support/frames.ts';
import { silentLogger } from '../../support/logger.ts';
import { createSeededRandom } from '../../support/random.ts';
import { MembershipsInMemory, RelayStoreInMemory } from '../../support/relay-store.ts';
import { seedsFrom } from '../seeds.ts';

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

const SEEDS = seedsFrom(process.env, 5);
const FRAMES = 250;
const nonceOf = (count: number) => 1_000_000 + count;

/** A network of the two nodes: what connects them with devices is cut now and then, and devices come back. */
class Network {
  readonly store = new RelayStoreInMemory();
  /** What each connection of each reader got, in its order. */
  readonly read = new Map<number, number[][]>();
  readonly lost: () => number;
  readonly #fraction: () => number;
  readonly #nodes: ReturnType<typeof createMessagingWorld>[];
  readonly #connected = new Map<number, TestDevice>();

  constructor(fraction: () => number) {
    const { bus, lost } = createBadBus(fraction);
    this.#fraction = fraction;
    this.lost = lost;
    this.#nodes = [0, 1].map(() => createMessagingWorld(this.store, new MembershipsInMemory(), bus));
  }

  /** From here on the store refuses, loses answers, and is slow to read; or nothing fails. */
  setFailing(isFailing: boolean): void {
    const fraction = this.#fraction;
    this.store.fate = () => {
      const chance = isFailing ? fraction() : 1;
      if (chance < 0.06) return 'refused';
      return chance < 0.12 ? 'answer lost' : 'kept';
    };
    this.store.beforePage = async () => {
      await turn(Math.floor(fraction() * 3));
      if (isFailing && fraction() < 0.05) throw new Error('the database is gone');
    };
  }

  /** The device's connection, a new one where it has none: odd numbers belong to the first node. */
  async device(number: number, channel: 'WebSocket' | 'MQTT'): Promise<TestDevice> {
    const known = this.#connected.get(number);
    if (known?.isOpen) return known;
    this.#noteRead(number);
    const device = await this.#node(number).connect(channel, number);
    this.#connected.set(number, device);
    return device;
  }

  /** Cuts a connection; the other end hears of it at once. */
  cut(number: number): void {
    this.#connected.get(number)?.leave();
  }

  async checkHeads(): Promise<void> {
    for (const { relay, clock } of this.#nodes) {
      // Reads that failed are tried again.
      clock.advance(1_000);
      await relay.checkHeads();
    }
  }

  finish(number: number): readonly number[][] {
    this.#noteRead(number);
    return this.read.get(number) ?? [];
  }

  #node(number: number) {
    return this.#nodes[(number + 1) % 2] as ReturnType<typeof createMessagingWorld>;
  }

  #noteRead(number: number): void {
    const device = this.#connected.get(number);
    if (device === undefined) return;
    this.read.set(number, [...(this.read.get(number) ?? []), offsetsOf(device)]);
    this.#connected.delete(number);
  }
}

const SENDERS = [31, 32];
const READERS = [
  { number: 41, channel: 'WebSocket' },
  { number: 42, channel: 'WebSocket' },
  { number: 51, channel: 'MQTT' },
  { number: 52, channel: 'MQTT' },
] as const;

/** Sends until all is acknowledged, as an outbox does: again, as it is, what was not. */
async function sendAll(network: Network, fraction: () => number): Promise<void> {
  for (let count = 0; count < FRAMES; count++) {
    const number = SENDERS[fraction() < 0.5 ? 0 : 1] as number;
    const bytes = frameOf(number, nonceOf(count));
    let isAcknowledged = false;
    for (let again = 0; again < 20 && !isAcknowledged; again++) {
      isAcknowledged = await (await network.device(number, 'WebSocket')).send(bytes);
      // What is acknowledged is kept at that moment.
      if (isAcknowledged)
        expect(network.store.frames.map(({ frameId }) => frameId)).toContain(idOf(number, count));
    }
    expect(isAcknowledged).toBe(true);
    for (const reader of READERS) {
      if (fraction() < 0.2) await (await network.device(reader.number, reader.channel)).acknowledge();
      if (fraction() < 0.01) network.cut(reader.number);
    }
    if (fraction() < 0.02) network.cut(number);
  }
}

const idOf = (number: number, count: number) => uuid(100_000 * number + nonceOf(count));

it.each(SEEDS)(
  'two nodes lose no acknowledged frame and keep one order, whatever store, bus and network lose (SEED=%i)',
  async (seed) => {
    const { fraction } = createSeededRandom(seed);
    const network = new Network(fraction);
    network.setFailing(false);
    for (const { number, channel } of READERS) await network.device(number, channel);
    network.setFailing(true);
    await sendAll(network, fraction);
    network.setFailing(false);
    for (let round = 0; round < 40; round++) {
      await turn(5);
      await network.checkHeads();
      for (const { number, channel } of READERS) await (await network.device(number, channel)).acknowledge();
    }
    expect(network.lost()).toBeGreaterThan(0);
    const stream = network.store.frames.map(({ streamOffset }) => streamOffset);
    expect(new Set(network.store.frames.map(({ frameId }) => frameId)).size).toBe(FRAMES);
    expect(stream).toHaveLength(FRAMES);
    for (const { number } of READERS) {
      const connections = network.finish(number);
      // Each connection gets the stream without a hole; together they got all of it.
      for (const offsets of connections) {
        expect(offsets).toEqual(offsets.map((_, index) => (offsets[0] ?? 0) + index));
      }
      expect([...new Set(connections.flat())].sort((a, b) => a - b)).toEqual(stream);
    }
  },
);
