import { FrameType, type FrameView } from '../../../proto/index.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { gather } from '../../kernel/gather.ts';
import { HeldValues } from '../../kernel/held-values.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { SendRules } from '../relay/index.ts';
import { contentOf } from './frame-names.ts';
import { NETWORKS_READ_MAX } from './limits.ts';
import type { PairingStore, StoredRules } from './ports.ts';
import {
  type DirectedFrame,
  isConnectedByRule,
  isLimiting,
  isStanding,
  judge,
  stateOf,
  type Verdict,
} from './rules.ts';
import type { Pairing, StandingRule } from './types.ts';

const REFUSALS = {
  connection_required: 'That device does not let this one send to it: ask it first.',
  connection_limited: 'What that device allowed is something else, used up, or over.',
} as const;

/** Who asks whom. */
type Pair = Pick<Pairing, 'sourceId' | 'targetId'>;

const keyOf = (sourceId: string, targetId: string) => sourceId + targetId;

/** What is decided in one network: one object for all who send there, which follows what is decided. */
export class NetworkRules implements SendRules {
  /** False: every device may send to every other one, and nothing else is looked at. */
  isRestricted = false;
  readonly #clock: Clock;
  readonly #use: (pairing: Pairing, frameId: string) => Promise<boolean>;
  readonly #pairings = new Map<string, Pairing>();
  /** Pairings that an open rule doesn't cover. */
  readonly #limiting = new Set<string>();
  /** Questions that are being kept. */
  readonly #underWay = new Set<Pair>();
  #rule: StandingRule = 'open';
  #tenantId: TenantId | null = null;
  #asking: ReadonlySet<DeviceId> = new Set();
  #guests: ReadonlyMap<DeviceId, TenantId> = new Map();
  #appliedRead = 0;
  /** True: what is decided could not be read anew, and nothing is known. */
  #isUnknown = false;
  /** Called when something else may be decided than before. */
  changed: () => void = () => undefined;

  constructor(clock: Clock, use: (pairing: Pairing, frameId: string) => Promise<boolean>) {
    this.#clock = clock;
    this.#use = use;
  }

  requireAllowed(frame: FrameView): Promise<void> | null {
    const { id, sourceId, destinationId } = frame.header;
    return this.requireDirected({
      ...contentOf(frame),
      id,
      sourceId: sourceId as DeviceId,
      targetId: destinationId as DeviceId,
    });
  }

  /** The same for what is no frame between devices, but is sent as one. */
  requireDirected(directed: DirectedFrame): Promise<void> | null {
    if (this.#isUnknown) throw new AppError('unavailable', 'unavailable', 'Try again.');
    const { sourceId, targetId } = directed;
    const decided = {
      own: this.find(sourceId, targetId),
      opposite: this.find(targetId, sourceId),
      byRule: () => this.isConnectedByRule(sourceId, targetId),
    };
    const verdict = judge(directed, decided, this.#clock.nowMs());
    if (verdict === 'allowed') return null;
    if (typeof verdict === 'string') throw refusal(verdict);
    return this.#useUp(verdict.use, directed.id);
  }

  /** True where the standing rule lets one device send to another. */
  isConnectedByRule(sourceId: DeviceId, targetId: DeviceId): boolean {
    if (this.#asking.has(targetId)) return false;
    const ownerOf = (deviceId: DeviceId) => this.#guests.get(deviceId) ?? (this.#tenantId as TenantId);
    return isConnectedByRule(this.#rule, () => ({ source: ownerOf(sourceId), target: ownerOf(targetId) }));
  }

  /** True where one device may send something to another. */
  isConnected(sourceId: DeviceId, targetId: DeviceId): boolean {
    const [own, opposite] = [this.find(sourceId, targetId), this.find(targetId, sourceId)];
    const state = own === undefined ? null : stateOf(own, this.#clock.nowMs());
    if (
      own !== undefined &&
      (state === 'allowed' || state === 'used' || state === 'expired' || own.blockedBy)
    )
      return state === 'allowed';
    return !opposite?.blockedBy && this.isConnectedByRule(sourceId, targetId);
  }

  /** True where one device may send another whatever it likes, for as long as nothing is changed. */
  isUnlimited(sourceId: DeviceId, targetId: DeviceId): boolean {
    if (this.#isUnknown || !this.isConnected(sourceId, targetId)) return false;
    const permission = this.find(sourceId, targetId)?.permission;
    const isAllowedByIt = this.find(sourceId, targetId)?.state === 'allowed';
    if (permission === undefined || !isAllowedByIt) return true;
    return permission.operations === null && permission.untilMs === null && !permission.once;
  }

  /** What one device asked of another. */
  find(sourceId: DeviceId, targetId: DeviceId): Pairing | undefined {
    return this.#pairings.get(keyOf(sourceId, targetId));
  }

  /** True where a question is open, or something is allowed. */
  isStanding(sourceId: DeviceId, targetId: DeviceId): boolean {
    const known = this.find(sourceId, targetId);
    return known !== undefined && isStanding(known, this.#clock.nowMs());
  }

  /** Pairs beside this one: all, those that its source asked for, and questions that are open for its target. */
  countOthers(
    { sourceId, targetId }: Pair,
    nowMs: number,
  ): { readonly ofNetwork: number; readonly ofSource: number; readonly openForTarget: number } {
    const counts = { ofNetwork: 0, ofSource: 0, openForTarget: 0 };
    const count = (pair: Pair, isOpen: boolean) => {
      if (pair.sourceId === sourceId && pair.targetId === targetId) return;
      counts.ofNetwork++;
      if (pair.sourceId === sourceId) counts.ofSource++;
      if (pair.targetId === targetId && isOpen) counts.openForTarget++;
    };
    for (const pairing of this.#pairings.values()) count(pairing, stateOf(pairing, nowMs) === 'asked');
    for (const pair of this.#underWay) count(pair, true);
    return counts;
  }

  /** Counts a question while it is being kept: others that come meanwhile don't take its place. */
  async whileAsking<T>(pair: Pair, keep: () => Promise<T>): Promise<T> {
    const place = { sourceId: pair.sourceId, targetId: pair.targetId };
    this.#underWay.add(place);
    try {
      return await keep();
    } finally {
      this.#underWay.delete(place);
    }
  }

  has(pairingId: string): boolean {
    return [...this.#pairings.values()].some(({ id }) => id === pairingId);
  }

  /** Questions that are open for a device. */
  asksFor(targetId: DeviceId, nowMs: number): Pairing[] {
    return [...this.#pairings.values()].filter(
      (each) => each.targetId === targetId && each.state === 'asked' && each.askedUntilMs > nowMs,
    );
  }

  /** What was decided for two devices. False: that, or something later, is known. */
  apply(pairing: Pairing): boolean {
    const key = keyOf(pairing.sourceId, pairing.targetId);
    if ((this.#pairings.get(key)?.revision ?? 0) >= pairing.revision) return false;
    this.#pairings.set(key, pairing);
    if (isLimiting(pairing)) this.#limiting.add(key);
    else this.#limiting.delete(key);
    this.#summarize();
    return true;
  }

  /** It is over for so long that it isn't kept any more. */
  drop({ sourceId, targetId, revision }: Pairing): void {
    const key = keyOf(sourceId, targetId);
    if ((this.#pairings.get(key)?.revision ?? 0) <= revision) this.#pairings.delete(key);
  }

  /** A device left: what was decided for it is gone. */
  forget(deviceId: DeviceId): void {
    for (const [key, { sourceId, targetId }] of this.#pairings) {
      if (sourceId !== deviceId && targetId !== deviceId) continue;
      this.#pairings.delete(key);
      this.#limiting.delete(key);
    }
    this.#summarize();
  }

  /** What the read of this number found, unless a later one is known. The pairings that were not known so. */
  applyAll(stored: StoredRules, read: number): Pairing[] {
    if (read >= this.#appliedRead) {
      this.#appliedRead = read;
      this.#isUnknown = false;
      this.#rule = stored.rule;
      this.#tenantId = stored.tenantId;
      this.#asking = new Set(stored.askingDevices);
      this.#guests = stored.guests;
    }
    const news = stored.pairings.filter((pairing) => this.apply(pairing));
    this.#summarize();
    return news;
  }

  /** Nothing may be sent until the rules are read. */
  distrust(): void {
    this.#isUnknown = true;
    this.#summarize();
  }

  get isUnknown(): boolean {
    return this.#isUnknown;
  }

  #summarize(): void {
    this.isRestricted =
      this.#isUnknown || this.#rule !== 'open' || this.#asking.size > 0 || this.#limiting.size > 0;
    this.changed();
  }

  async #useUp(pairing: Pairing, frameId: string): Promise<void> {
    if (!(await this.#use(pairing, frameId))) throw refusal('connection_limited');
    this.apply({ ...pairing, state: 'used', usedBy: frameId, revision: pairing.revision + 1 });
  }
}

function refusal(verdict: Extract<Verdict, string> & keyof typeof REFUSALS): AppError {
  return new AppError('forbidden', verdict, REFUSALS[verdict]);
}

/**
 * The rules of the networks that have connected devices here. Read when the first of them connects, and held for as long as
 * somebody sends by them: who holds an object sees every later change.
 */
export class PermissionBook {
  readonly #store: Pick<PairingStore, 'networksOf' | 'readRules' | 'use'>;
  readonly #networks: HeldValues<NetworkId, NetworkRules>;
  readonly #read: (networkId: NetworkId) => Promise<{ stored: StoredRules | null; read: number }>;
  #reads = 0;
  readonly #hearers: ((networkId: NetworkId) => void)[] = [];

  constructor(store: Pick<PairingStore, 'networksOf' | 'readRules' | 'use'>, clock: Clock) {
    this.#store = store;
    this.#networks = new HeldValues(
      (networkId) => {
        const rules = new NetworkRules(clock, (pairing, frameId) => store.use(pairing.id, frameId));
        rules.changed = () => {
          for (const hear of this.#hearers) hear(networkId);
        };
        return rules;
      },
      (networkId, rules) => this.#readInto(networkId, rules),
    );
    this.#read = gather(async (networkIds: readonly NetworkId[]) => {
      const read = ++this.#reads;
      const found = await store.readRules(networkIds);
      const byId = new Map(found.map((stored) => [stored.networkId, stored] as const));
      return networkIds.map((networkId) => ({ stored: byId.get(networkId) ?? null, read }));
    }, NETWORKS_READ_MAX);
  }

  /** Calls `hear` when something else may be decided in a network than before. */
  onChanged(hear: (networkId: NetworkId) => void): void {
    this.#hearers.push(hear);
  }

  /** The rules of a network, read where nobody holds them. */
  load(networkId: NetworkId): NetworkRules | Promise<NetworkRules> {
    return this.#networks.load(networkId);
  }

  /**
   * Resolves where one device may ask another for something that is no frame between them, but counts as a COMMAND. Refuses with
   * `connection_required`, `connection_limited`. What is allowed once is so for one id, however often.
   */
  async requireCommandAllowed({
    networkId,
    name,
    ...asked
  }: Omit<DirectedFrame, 'type' | 'name'> & {
    readonly networkId: NetworkId;
    readonly name: string;
  }): Promise<void> {
    const rules = await this.load(networkId);
    await rules.requireDirected({ ...asked, type: FrameType.COMMAND, name: () => name });
  }

  /** The rules of a network that somebody holds. */
  peek(networkId: NetworkId): NetworkRules | undefined {
    return this.#networks.peek(networkId);
  }

  /** Reads the rules anew, where somebody holds them. The pairings that were not known as they are. */
  async reload(networkId: NetworkId): Promise<readonly Pairing[]> {
    const rules = this.peek(networkId);
    if (rules === undefined) return [];
    try {
      return await this.#readInto(networkId, rules);
    } catch (error) {
      rules.distrust();
      throw error;
    }
  }

  /** Reads the rules of a device's networks anew. */
  async reloadNetworksOf(deviceId: DeviceId): Promise<void> {
    const concerned = await this.#store.networksOf(deviceId);
    await Promise.all(concerned.map((networkId) => this.reload(networkId)));
  }

  /** Nobody knows whether a decision was kept: nothing is sent in its network until that is read. */
  distrust(pairingId: string): void {
    for (const [, rules] of this.#networks.held()) {
      if (rules.has(pairingId)) rules.distrust();
    }
  }

  /** Reads what is not known for sure. The pairings that were not known as they are. */
  async reloadUnknown(): Promise<readonly Pairing[]> {
    const news: Pairing[] = [];
    for (const [networkId, rules] of this.#networks.held()) {
      if (rules.isUnknown) news.push(...(await this.reload(networkId)));
    }
    return news;
  }

  async #readInto(networkId: NetworkId, rules: NetworkRules): Promise<readonly Pairing[]> {
    const { stored, read } = await this.#read(networkId);
    return stored === null ? [] : rules.applyAll(stored, read);
  }
}
