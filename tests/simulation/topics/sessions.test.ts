import { expect, it } from 'vitest';
import { Tree, type TreeOwner } from '../../../server/domains/topics/index.ts';
import { asId, type NetworkId, type TenantId } from '../../../server/kernel/ids.ts';
import { FakeClock } from '../../support/clock.ts';
import { type CrashPoint, TreeStoreInMemory } from '../../support/memory-tree.ts';
import { createSeededRandom } from '../../support/random.ts';
import { seedsFrom } from '../seeds.ts';
import { SessionModel } from './session-model.ts';

const OWNER: TreeOwner = {
  networkId: asId<NetworkId>('00000000-0000-4000-8000-000000000001'),
  tenantId: asId<TenantId>('00000000-0000-4000-8000-000000000002'),
};
const CLIENTS = ['ann', 'ben', '__proto__'];
const FILTERS = ['a', 'a/b', 'a/+', 'a/#', '+/b', '#'];
const TOPICS = ['a', 'a/b', 'a/c', 'b/b'];
const EXPIRIES = [0, 5, 30, 0xffff_ffff];
const STEPS = 150;

/** Everything that was begun is over, or waits for a store that is dead. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A tree beside its model; each step is done to both. */
class World {
  model = new SessionModel();
  readonly #random: ReturnType<typeof createSeededRandom>;
  readonly #clock = new FakeClock();
  readonly #store = new TreeStoreInMemory();
  readonly #connected = new Set<string>();
  #tree!: Tree;
  #messages = 0;
  #packetIds = 0;

  constructor(seed: number) {
    this.#random = createSeededRandom(seed);
  }

  async start(): Promise<void> {
    this.#tree?.visits.stop();
    this.#connected.clear();
    this.#tree = await Tree.load(OWNER, { store: this.#store.open(), clock: this.#clock });
    await this.#tree.visits.begin();
    await settle();
  }

  /** One thing that happens. Sometimes the server dies in it: then it was done, or nothing of it. */
  async step(): Promise<string> {
    const crash = this.#chance(0.06) ? this.#pick<CrashPoint>(['before', 'after']) : null;
    const before = this.model.copy();
    const secondsBefore = this.model.now;
    if (crash !== null) this.#store.crashAt(crash);
    const [name, done] = this.#happen(crash === null);
    await settle();
    if (crash === null) {
      await done;
      expect(await this.#found(), name).toEqual(stateOf(this.model));
      return name;
    }
    await this.start();
    const found = await this.#found();
    const after = this.model;
    before.pass(after.now - secondsBefore);
    before.crash();
    after.crash();
    const [likely, other] = crash === 'before' ? [before, after] : [after, before];
    // An acknowledgement of QoS 2 is two transactions: after the first one the message is still there.
    this.model = isSame(found, stateOf(likely)) ? likely : other;
    expect(found, `${name}, and the server died`).toEqual(stateOf(this.model));
    return `${name}, and the server died ${crash} it was kept`;
  }

  /** `mayClean`: a clean start is two transactions, and what is between them no one state. */
  #happen(mayClean: boolean): [name: string, done: Promise<unknown>] {
    const client = this.#pick(CLIENTS);
    const isConnected = this.#connected.has(client);
    const isLasting = this.model.sessions.has(client);
    const choice = this.#random.fraction();
    if (choice < 0.2) return isConnected ? this.#disconnect(client) : this.#connect(client, mayClean);
    if (choice < 0.35)
      return isConnected ? this.#subscribeIf(isLasting, client) : this.#connect(client, mayClean);
    if (choice < 0.42) return isConnected && isLasting ? this.#unsubscribe(client) : this.#pass();
    if (choice < 0.6) return isConnected ? this.#acknowledge(client) : this.#pass();
    if (choice < 0.7) return this.#pass();
    return this.#publish();
  }

  #connect(client: string, mayClean: boolean): [string, Promise<unknown>] {
    const [cleanStart, expirySeconds] = [mayClean && this.#chance(0.2), this.#pick(EXPIRIES)];
    this.#connected.add(client);
    const isPresent = this.model.connect(client, cleanStart, expirySeconds);
    const resumed = this.#tree.visits
      .resume(client, { cleanStart, expirySeconds })
      .then((found) => expect(found).toMatchObject({ isPresent, expirySeconds }));
    return [`${client} connects, ${cleanStart ? 'clean, ' : ''}for ${expirySeconds} s`, resumed];
  }

  #disconnect(client: string): [string, Promise<unknown>] {
    const expirySeconds = this.#pick(EXPIRIES);
    this.#connected.delete(client);
    this.model.disconnect(client, expirySeconds);
    const left = this.#tree.visits.leave(client, expirySeconds, false);
    return [`${client} leaves for ${expirySeconds} s`, left];
  }

  #subscribeIf(isLasting: boolean, client: string): [string, Promise<unknown>] {
    return isLasting ? this.#subscribe(client) : this.#pass();
  }

  #subscribe(client: string): [string, Promise<unknown>] {
    const [topic, qos] = [this.#pick(FILTERS), this.#pick([1, 2] as const)];
    this.model.subscribe(client, topic, qos);
    const added = this.#tree.addSubscriptions({ id: client }, [{ topic, qos }]);
    return [`${client} subscribes to ${topic} with QoS ${qos}`, added];
  }

  #unsubscribe(client: string): [string, Promise<unknown>] {
    const topic = this.#pick(FILTERS);
    this.model.unsubscribe(client, topic);
    return [`${client} unsubscribes ${topic}`, this.#tree.removeSubscriptions({ id: client }, [topic])];
  }

  #acknowledge(client: string): [string, Promise<unknown>] {
    const [oldest] = this.#waiting(client);
    this.model.acknowledge(client);
    if (oldest === undefined) return [`${client} has nothing to acknowledge`, Promise.resolve()];
    const messageId = (this.#packetIds++ % 65_535) + 1;
    const acknowledged = this.#tree
      .identify(client, oldest, messageId)
      .then(() => this.#tree.outgoingClearMessageId({ id: client }, { messageId }));
    return [`${client} acknowledges`, acknowledged];
  }

  #pass(): [string, Promise<unknown>] {
    const seconds = this.#pick([1, 5, 20]);
    this.model.pass(seconds);
    this.#clock.advance(seconds * 1_000);
    return [`${seconds} s pass`, Promise.resolve()];
  }

  #publish(): [string, Promise<unknown>] {
    const [topic, qos] = [this.#pick(TOPICS), this.#pick([0, 1, 2] as const)];
    const [retain, message] = [this.#chance(0.3), ++this.#messages];
    this.model.publish(topic, message, qos, retain);
    const payload = Buffer.from(String(message));
    const kept = this.#tree.keep({ cmd: 'publish', topic, payload, qos, retain }, null);
    return [`${topic} is published with QoS ${qos}${retain ? ', retained' : ''}`, kept];
  }

  #waiting(client: string) {
    const sink = () => undefined;
    const waiting = this.#tree.attach(client, sink);
    this.#tree.detach(client, sink);
    return waiting;
  }

  async #found() {
    const sessions = CLIENTS.map(async (client) => {
      const subscriptions = await this.#tree.subscriptionsByClient({ id: client });
      const granted = subscriptions.map(({ topic, qos }) => `${topic} ${qos}`).sort();
      const queue = this.#waiting(client).map(({ packet }) => `${packet.payload} ${packet.qos}`);
      return { client, granted, queue };
    });
    const retained = [...this.#tree.retainedMatching('#')].map(({ topic, payload }) => `${topic} ${payload}`);
    return { sessions: await Promise.all(sessions), retained: retained.sort() };
  }

  #chance(share: number): boolean {
    return this.#random.fraction() < share;
  }

  #pick<Value>(values: readonly Value[]): Value {
    return values[Math.floor(this.#random.fraction() * values.length)] as Value;
  }
}

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

function stateOf({ sessions, retained }: SessionModel) {
  return {
    sessions: CLIENTS.map((client) => {
      const { subscriptions = [], queue = [] } = sessions.get(client) ?? {};
      const granted = [...subscriptions].map(([topic, qos]) => `${topic} ${qos}`).sort();
      return { client, granted, queue: queue.map(([message, qos]) => `${message} ${qos}`) };
    }),
    retained: [...retained].map(([topic, message]) => `${topic} ${message}`).sort(),
  };
}

it.each(seedsFrom(process.env, 12))(
  'sessions, queues and retained messages are those of the model, whatever happens (seed %i)',
  async (seed) => {
    const world = new World(seed);
    const steps: string[] = [];
    await world.start();
    try {
      for (let step = 0; step < STEPS; step++) steps.push(await world.step());
    } catch (error) {
      throw new Error(`seed ${seed}, after: ${steps.slice(-12).join('; ')}`, { cause: error });
    }
  },
);
