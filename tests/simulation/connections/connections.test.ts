import { expect, it } from 'vitest';
import { Command, Delivery, encodePayload, FrameType } from '../../../proto/index.ts';
import { createPairingService, PermissionBook } from '../../../server/domains/pairings/index.ts';
import type { Pairing } from '../../../server/domains/pairings/types.ts';
import type { Membership } from '../../../server/domains/relay/index.ts';
import type { DeviceActor } from '../../../server/kernel/actor.ts';
import { asId, type DeviceId } from '../../../server/kernel/ids.ts';
import { createMessagingWorld, frameOf, nextNonce, type TestDevice } from '../../support/device-channels.ts';
import { uuid } from '../../support/frames.ts';
import { silentLogger } from '../../support/logger.ts';
import { PairingStoreInMemory } from '../../support/pairing-store.ts';
import { createSeededRandom } from '../../support/random.ts';
import { testMembership, testNetworkId, testPeer } from '../../support/relay-peer.ts';
import { MembershipsInMemory, RelayStoreInMemory } from '../../support/relay-store.ts';
import { seedsFrom } from '../seeds.ts';

const SEEDS = seedsFrom(process.env, 8);
/** Frames of all seeds: in a single one nothing may be allowed. */
let arrived = 0;
const STEPS = 120;
const DEVICES = [1, 2, 3, 4];
const idOf = (device: number) => asId<DeviceId>(uuid(device));
const actorOf = (device: number): DeviceActor => ({ ...testPeer.actor, deviceId: idOf(device) });

/** Memberships with what may be sent, as the server has them. */
class HeldMemberships extends MembershipsInMemory {
  book: PermissionBook | null = null;

  override async findMemberships(actor: DeviceActor): Promise<readonly Membership[] | null> {
    await super.findMemberships(actor);
    const sendRules = await this.book?.load(testNetworkId);
    return [sendRules === undefined ? testMembership : { ...testMembership, sendRules }];
  }
}

/** Devices that ask, answer, withdraw and send, beside a model of what each was told. */
class Home {
  readonly store = new PairingStoreInMemory();
  /** Questions that reached a device, and were not answered by it. */
  readonly asked: Pairing[] = [];
  /** What became of each question that somebody asked. */
  readonly outcomes = new Map<string, string>();
  /** Frames that must arrive, and those that must not. */
  readonly expected = new Map<string, number>();
  readonly forbidden = new Set<string>();
  readonly #memberships = new HeldMemberships();
  readonly #world = createMessagingWorld(new RelayStoreInMemory(), this.#memberships);
  readonly #random: ReturnType<typeof createSeededRandom>;
  readonly #devices = new Map<number, TestDevice>();
  readonly #service: ReturnType<typeof createPairingService>;

  constructor(seed: number) {
    this.#random = createSeededRandom(seed);
    const { clock } = this.#world;
    const book = new PermissionBook(this.store as never, clock);
    this.#memberships.book = book;
    this.#service = createPairingService(book, {
      store: this.store as never,
      devices: {} as never,
      networks: {} as never,
      identities: {
        identify: async (deviceId) => ({ deviceId, name: '', kind: '', owner: '', keyFingerprint: null }),
      },
      outlet: {
        ask: (pairing) => void this.asked.push(pairing),
        tell: (deviceId, pairing) => {
          if (deviceId === pairing.sourceId && pairing.state !== 'asked')
            this.outcomes.set(pairing.id, pairing.state);
        },
      },
      presence: { heardAtMs: () => null, roundTripMs: () => null, direct: () => null },
      asks: { countAndCheck: () => null },
      disturbances: { countAndCheck: () => null },
      clock,
      random: this.#random,
      logger: silentLogger,
    });
  }

  async begin(): Promise<void> {
    for (const device of DEVICES) this.#devices.set(device, await this.#world.connect('WebSocket', device));
  }

  async step(): Promise<void> {
    const chance = this.#random.fraction();
    if (chance < 0.2) await this.#ask();
    else if (chance < 0.4) await this.#answer();
    else if (chance < 0.5) await this.#end();
    else if (chance < 0.6) await this.pass(1 + Math.floor(3_000 * this.#random.fraction()));
    else await this.#send();
  }

  /** Time goes on, and the job looks. */
  async pass(ms: number): Promise<void> {
    this.#world.clock.advance(ms);
    await this.#service.expire();
  }

  /** What each device got of the others' commands. */
  received(): string[] {
    return [...this.#devices.values()].flatMap(({ received }) =>
      received.filter(({ header }) => header.type === FrameType.COMMAND).map(({ header }) => header.id),
    );
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.#random.fraction() * items.length)] as Item;
  }

  #pair(): [number, number] {
    const source = this.#pick(DEVICES);
    return [source, this.#pick(DEVICES.filter((device) => device !== source))];
  }

  async #ask(): Promise<void> {
    const [source, target] = this.#pair();
    const ask = { networkId: testNetworkId, sourceId: idOf(source), targetId: idOf(target) };
    const waitMs = 1 + Math.floor(5_000 * this.#random.fraction());
    const asked = await this.#service
      .ask(actorOf(source), { ...ask, operations: null, reason: '', waitMs })
      .catch(() => null);
    if (asked !== null) this.outcomes.set(asked.id, asked.state);
  }

  async #answer(): Promise<void> {
    // The latest: of earlier ones most are over, and where all are, nothing is ever allowed.
    const question = this.asked.pop();
    if (question === undefined) return;
    const decision = {
      allow: this.#random.fraction() < 0.7,
      reason: '',
      operations: null,
      once: this.#random.fraction() < 0.2,
    };
    const untilMs = this.#random.fraction() < 0.3 ? this.#world.clock.nowMs() + 2_000 : null;
    const actor = { ...testPeer.actor, deviceId: question.targetId };
    await this.#service.decide(actor, question.id, { ...decision, untilMs }).catch(() => undefined);
  }

  /** Withdraws while frames are on their way: those sent after the answer must not arrive. */
  async #end(): Promise<void> {
    const standing = [...this.store.pairings.values()].filter(({ state }) => state === 'allowed');
    if (standing.length === 0) return;
    const { id, sourceId, targetId } = this.#pick(standing);
    const by = this.#pick([sourceId, targetId]);
    const ending = this.#service.end({ ...testPeer.actor, deviceId: by }, id, '').then(
      () => true,
      () => false,
    );
    const source = DEVICES.find((device) => idOf(device) === sourceId) as number;
    const target = DEVICES.find((device) => idOf(device) === targetId) as number;
    const during = this.#frame(source, target);
    const sending = this.#devices.get(source)?.send(during.bytes);
    const isEnded = await ending;
    await sending;
    if (!isEnded) return;
    const after = this.#frame(source, target);
    this.forbidden.add(after.id);
    await this.#devices.get(source)?.send(after.bytes);
  }

  async #send(): Promise<void> {
    const [source, target] = this.#pair();
    const before = this.store.pairings.get(idOf(source) + idOf(target));
    const { id, bytes } = this.#frame(source, target);
    const isKept = await this.#devices.get(source)?.send(bytes);
    const nowMs = this.#world.clock.nowMs();
    const isAllowed =
      before?.state === 'allowed' &&
      (before.permission.untilMs === null || before.permission.untilMs > nowMs);
    if (isKept) this.expected.set(id, target);
    if (!isAllowed) this.forbidden.add(id);
    await this.#devices.get(target)?.acknowledge();
  }

  #frame(source: number, target: number) {
    const nonce = nextNonce();
    const id = uuid(100_000 * source + nonce);
    const header = { id, type: FrameType.COMMAND, delivery: Delivery.STORED, destinationId: idOf(target) };
    return { id, bytes: frameOf(source, nonce, header, encodePayload(Command, { name: 'led.set' })) };
  }
}

it.each(SEEDS)(
  'what is not allowed never arrives, what is arrives once, and every question is answered: seed %i',
  async (seed) => {
    const home = new Home(seed);
    const chance = createSeededRandom(seed + 1_000).fraction;
    await home.begin();
    home.store.fate = () => {
      const fate = chance();
      if (fate < 0.1) return 'refused';
      return fate < 0.2 ? 'answer lost' : 'kept';
    };
    for (let count = 0; count < STEPS; count++) await home.step();
    home.store.fate = () => 'kept';
    await home.pass(10_000);
    const received = home.received();
    expect(received.filter((id) => home.forbidden.has(id))).toEqual([]);
    expect([...home.expected.keys()].filter((id) => !received.includes(id))).toEqual([]);
    expect(received.length).toBe(new Set(received).size);
    expect([...home.outcomes.values()].filter((outcome) => outcome === 'asked')).toEqual([]);
    arrived += received.length;
  },
);

it('frames did arrive', () => {
  expect(arrived).toBeGreaterThan(SEEDS.length);
});
