import type { AskToKeep, PairingStore, StoredRules } from '../../server/domains/pairings/ports.ts';
import { isNarrowed, isStanding } from '../../server/domains/pairings/rules.ts';
import type { Decision, Pairing, StandingRule } from '../../server/domains/pairings/types.ts';
import type { AccountActor, DeviceActor } from '../../server/kernel/actor.ts';
import type { DeviceId, NetworkId } from '../../server/kernel/ids.ts';
import { testNetworkId, testPeer } from './relay-peer.ts';

/** What becomes of a write: it fails; it is kept, and its answer is lost; it is kept. */
export type Fate = 'refused' | 'answer lost' | 'kept';

type Side = AccountActor | DeviceActor;
const tenantId = testPeer.actor.tenantId;
const deviceOf = (side: Side): string => (side.kind === 'device' ? side.deviceId : '');

/** Pairings of one network in memory, with the guards of the statements of `store.postgres.ts`, for devices. */
export class PairingStoreInMemory
  implements
    Pick<
      PairingStore,
      | 'ask'
      | 'decide'
      | 'end'
      | 'expire'
      | 'find'
      | 'networksOf'
      | 'nextOverAtMs'
      | 'readRules'
      | 'removeOver'
      | 'use'
    >
{
  readonly pairings = new Map<string, Pairing>();
  rule: StandingRule = 'ask';
  fate: () => Fate = () => 'kept';

  async ask(_: Side, ask: AskToKeep, byRule: boolean) {
    const key = ask.sourceId + ask.targetId;
    const before = this.pairings.get(key);
    if (before !== undefined && isStanding(before, ask.nowMs)) return { pairing: before, isNew: false };
    const isTaken = before !== undefined && (before.blockedBy === 'target' || isNarrowed(before));
    const isAllowed = byRule && !isTaken;
    const pairing: Pairing = {
      id: ask.id,
      networkId: ask.networkId,
      tenantId,
      sourceId: ask.sourceId,
      sourceTenantId: tenantId,
      targetId: ask.targetId,
      targetTenantId: tenantId,
      state: isAllowed ? 'allowed' : 'asked',
      blockedBy: isAllowed ? null : isTaken ? 'target' : (before?.blockedBy ?? null),
      decidedBy: isAllowed ? 'rule' : null,
      reason: ask.reason,
      permission: { operations: ask.operations, untilMs: null, once: false },
      usedBy: null,
      createdAtMs: ask.nowMs,
      askedUntilMs: ask.nowMs + ask.waitMs,
      decidedAtMs: null,
      revision: (before?.revision ?? ask.nowMs) + 1,
    };
    return this.#keep({ pairing, isNew: true }, pairing);
  }

  async decide(side: Side, id: string, decision: Decision, by: 'device', nowMs: number) {
    const found = this.#find(id);
    if (found === undefined || found.targetId !== deviceOf(side) || !isStanding(found, nowMs)) return null;
    const { operations, untilMs, once } = decision;
    const pairing: Pairing = {
      ...found,
      state: decision.allow ? 'allowed' : 'denied',
      blockedBy: decision.allow ? null : 'target',
      decidedBy: by,
      permission: { operations: operations ?? found.permission.operations, untilMs, once },
      decidedAtMs: nowMs,
      revision: found.revision + 1,
    };
    return this.#keep(pairing, pairing);
  }

  async end(side: Side, id: string, reason: string, nowMs: number) {
    const found = this.#find(id);
    const device = deviceOf(side);
    if (found === undefined || (found.sourceId !== device && found.targetId !== device)) return null;
    if (!['asked', 'allowed', 'used'].includes(found.state)) return null;
    const blockedBy = found.targetId === device ? 'target' : 'source';
    const pairing: Pairing = {
      ...found,
      state: 'closed',
      blockedBy,
      reason,
      decidedAtMs: nowMs,
      revision: found.revision + 1,
    };
    return this.#keep(pairing, pairing);
  }

  async find(_: Side, id: string) {
    return this.#find(id) ?? null;
  }

  async use(id: string, frameId: string) {
    const found = this.#find(id);
    if (found?.state === 'used' && found.usedBy === frameId) return true;
    if (found?.state !== 'allowed' || !found.permission.once) return false;
    const pairing: Pairing = { ...found, state: 'used', usedBy: frameId, revision: found.revision + 1 };
    return this.#keep(true, pairing);
  }

  async expire(nowMs: number, limit: number) {
    const over = [...this.pairings.values()].filter(
      ({ state, askedUntilMs }) => state === 'asked' && askedUntilMs <= nowMs,
    );
    const expired = over.slice(0, limit).map(
      (pairing): Pairing => ({
        ...pairing,
        state: 'timed_out',
        decidedAtMs: pairing.askedUntilMs,
        revision: pairing.revision + 1,
      }),
    );
    for (const pairing of expired) this.pairings.set(pairing.sourceId + pairing.targetId, pairing);
    return expired;
  }

  async nextOverAtMs() {
    const open = [...this.pairings.values()].filter(({ state }) => state === 'asked');
    return open.length === 0 ? null : Math.min(...open.map(({ askedUntilMs }) => askedUntilMs));
  }

  async removeOver(beforeMs: number) {
    const over = [...this.pairings.values()].filter(
      ({ state, blockedBy, decidedAtMs }) =>
        (state === 'timed_out' || state === 'closed') && blockedBy === null && (decidedAtMs ?? 0) < beforeMs,
    );
    for (const { sourceId, targetId } of over) this.pairings.delete(sourceId + targetId);
    return over;
  }

  async networksOf(_: DeviceId): Promise<readonly NetworkId[]> {
    return [testNetworkId];
  }

  async readRules(networkIds: readonly NetworkId[]): Promise<readonly StoredRules[]> {
    return networkIds.map((networkId) => ({
      networkId,
      tenantId,
      rule: this.rule,
      askingDevices: [],
      guests: new Map(),
      pairings: [...this.pairings.values()],
    }));
  }

  #find(id: string): Pairing | undefined {
    return [...this.pairings.values()].find((pairing) => pairing.id === id);
  }

  #keep<Answer>(answer: Answer, pairing: Pairing): Answer {
    const fate = this.fate();
    if (fate === 'refused') throw new Error('the database refuses');
    this.pairings.set(pairing.sourceId + pairing.targetId, pairing);
    if (fate === 'answer lost') throw new Error('the answer is lost');
    return answer;
  }
}
