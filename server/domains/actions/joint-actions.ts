import type { AccountActor, Actor } from '../../kernel/actor.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import { type ActionId, asId, type DeviceId, type NetworkId } from '../../kernel/ids.ts';
import { requirePermission } from '../../kernel/permission.ts';
import { actionError } from './errors.ts';
import { neededOf } from './joint-rules.ts';
import type {
  AskedJoint,
  JointAction,
  JointActionService,
  JointPart,
  JointPlace,
  JointStore,
} from './joint-types.ts';
import { Later } from './later.ts';
import { ENDED_KEPT_MS } from './limits.ts';
import { OpenParts } from './open-parts.ts';
import type { ActionDependencies } from './ports.ts';
import { checkAsked } from './rules.ts';
import type { ActionService } from './service.ts';
import type { Action, ActionKey } from './types.ts';

/** What the service needs. */
export interface JointDependencies
  extends Pick<ActionDependencies, 'networks' | 'room' | 'clock' | 'random' | 'logger'> {
  readonly store: JointStore;
  readonly actions: Pick<ActionService, 'ask' | 'stop'>;
}

/** Builds the service. */
export function createJointActionService(dependencies: JointDependencies): JointActionService {
  return new JointActions(dependencies);
}

const keyOf = ({ tenantId, id }: ActionKey) => `${tenantId} ${id}`;

class JointActions implements JointActionService {
  readonly #dependencies: JointDependencies;
  readonly #later: Later;
  /** Null: what an earlier server left isn't read yet. */
  #open: OpenParts | null = null;
  /** When one whose time is over may have parts that nobody asked for, by key. */
  readonly #deadlines = new Map<string, { readonly key: ActionKey; readonly atMs: number }>();

  constructor(dependencies: JointDependencies) {
    this.#dependencies = dependencies;
    this.#later = new Later(dependencies);
  }

  async ask(actor: Actor, asked: AskedJoint): Promise<JointAction> {
    const { store, networks, room, clock, random } = this.#dependencies;
    const account = requirePermission(actor, 'devices.command');
    const { networkId, deviceIds, name, priority, timeoutMs } = asked;
    const needed = neededOf(asked.need, deviceIds);
    checkAsked(asked);
    room.requireRoom();
    await networks.getNetwork(account, networkId);
    await this.#readOpen();
    const newId = () => asId<ActionId>(random.uuid());
    const nowMs = clock.nowMs();
    const kept = await store.keep({
      id: asked.id ?? newId(),
      tenantId: account.tenantId,
      networkId,
      askerId: account.accountId,
      name,
      arguments: asked.arguments,
      priority,
      timeoutMs,
      needed,
      outcome: null,
      createdAtMs: nowMs,
      deadlineAtMs: nowMs + timeoutMs,
      decidedAtMs: null,
      parts: deviceIds.map((deviceId) => ({
        deviceId,
        actionId: newId(),
        state: null,
        error: null,
        action: null,
      })),
    });
    if (kept.kind === 'taken') throw actionError('action_id_taken');
    if (kept.kind === 'full') throw actionError('limit_reached');
    if (kept.kind === 'gone') throw notFound('network');
    if (kept.joint.outcome === null) await this.#askParts(account, kept.joint);
    return this.get(actor, networkId, kept.joint.id);
  }

  async get(actor: Actor, networkId: NetworkId, id: ActionId): Promise<JointAction> {
    return this.#find(requirePermission(actor, 'devices.read'), networkId, id);
  }

  async cancel(actor: Actor, networkId: NetworkId, id: ActionId): Promise<JointAction> {
    const account = requirePermission(actor, 'devices.command');
    const joint = await this.#find(account, networkId, id);
    const cancelled = await this.#dependencies.store.cancel(joint, this.#dependencies.clock.nowMs());
    if (cancelled === null) throw actionError('action_over');
    await this.#stopParts(cancelled);
    return this.#find(account, networkId, id);
  }

  ended(action: Action): void {
    const place = this.#open?.find({ tenantId: action.tenantId, actionId: action.id });
    if (place !== undefined) this.#settleSoon(place);
  }

  left(deviceId: DeviceId, networkId: NetworkId): void {
    for (const place of this.#open?.ofDevice(deviceId, networkId) ?? []) this.#settleSoon(place, true);
  }

  async expire(): Promise<void> {
    await this.#readOpen();
    const nowMs = this.#dependencies.clock.nowMs();
    for (const { key, atMs } of [...this.#deadlines.values()]) if (atMs <= nowMs) await this.#settle(key, []);
  }

  async forget(): Promise<void> {
    const { store, clock } = this.#dependencies;
    await store.removeDecided(clock.nowMs() - ENDED_KEPT_MS);
  }

  close(): void {
    this.#later.close();
  }

  async #find(account: AccountActor, networkId: NetworkId, id: ActionId): Promise<JointAction> {
    const joint = await this.#dependencies.store.find(account, networkId, id);
    if (joint === null) throw notFound('action');
    return joint;
  }

  /** Asks each device that was not asked, until it is decided. */
  async #askParts(account: AccountActor, joint: JointAction): Promise<void> {
    const { id, tenantId, networkId, name, priority, timeoutMs, deadlineAtMs } = joint;
    this.#deadlines.set(keyOf(joint), { key: { tenantId, id }, atMs: deadlineAtMs });
    for (const { deviceId, actionId, state, action } of joint.parts) {
      if (state !== null || action !== null) continue;
      const place = { id, tenantId, networkId, deviceId, actionId };
      this.#open?.add(place);
      if (deadlineAtMs <= this.#dependencies.clock.nowMs()) break;
      const asked = {
        deviceId,
        networkId,
        networkTenantId: null,
        name,
        arguments: joint.arguments,
        priority,
        timeoutMs,
        deadlineAtMs,
      };
      try {
        await this.#dependencies.actions.ask(account, { ...asked, id: actionId, causeId: null });
      } catch (error) {
        if (!(error instanceof AppError) || error.kind === 'unavailable' || error.kind === 'internal')
          throw error;
        const { code, publicMessage: message } = error;
        const refused = { deviceId, state: 'refused', error: { code, message } } as const;
        if ((await this.#settle(place, [refused]))?.outcome !== null) break;
        continue;
      }
      // It may have been decided since, and its part not been there to be cancelled.
      if (!this.#deadlines.has(keyOf(joint))) break;
    }
    // Some may have ended before the next was asked.
    await this.#settle(joint, []);
  }

  #settleSoon(place: JointPlace, isGone = false): void {
    const { deviceId } = place;
    const ended = isGone ? [{ deviceId, state: 'refused', error: GONE } as const] : [];
    this.#settle(place, ended).catch((error: unknown) =>
      this.#later.again(`${keyOf(place)} ${deviceId}`, error, () => this.#settleSoon(place, isGone)),
    );
  }

  /** Takes over what has ended; once it is decided, whoever still works on it stops. */
  async #settle(key: ActionKey, ended: Parameters<JointStore['settle']>[1]): Promise<JointAction | null> {
    const { store, clock } = this.#dependencies;
    const joint = await store.settle(key, ended, clock.nowMs());
    if (joint === null) {
      this.#deadlines.delete(keyOf(key));
      for (const place of this.#open?.ofWhole(key) ?? []) this.#open?.remove(place);
      return null;
    }
    this.#closeEnded(joint);
    if (joint.outcome !== null) await this.#stopParts(joint);
    return joint;
  }

  #closeEnded(joint: JointAction): void {
    for (const { actionId, state } of joint.parts)
      if (state !== null) this.#open?.remove({ tenantId: joint.tenantId, actionId });
    if (joint.outcome !== null) this.#deadlines.delete(keyOf(joint));
  }

  async #stopParts(joint: JointAction): Promise<void> {
    const { actions, store, clock } = this.#dependencies;
    this.#deadlines.delete(keyOf(joint));
    const isOpen = ({ state, action }: JointPart) => state === null && action !== null;
    for (const { actionId } of joint.parts.filter(isOpen))
      await actions.stop({ tenantId: joint.tenantId, id: actionId });
    const settled = await store.settle(joint, [], clock.nowMs());
    if (settled !== null) this.#closeEnded(settled);
  }

  /** What an earlier server left is read once, and settled. */
  async #readOpen(): Promise<void> {
    if (this.#open !== null) return;
    const places = await this.#dependencies.store.listOpen();
    if (this.#open !== null) return;
    this.#open = new OpenParts();
    for (const place of places) this.#open.add(place);
    const keys = new Map(places.map(({ tenantId, id }) => [`${tenantId} ${id}`, { tenantId, id }]));
    for (const key of keys.values()) {
      const joint = await this.#settle(key, []);
      if (joint !== null && joint.outcome === null)
        this.#deadlines.set(keyOf(key), { key, atMs: joint.deadlineAtMs });
    }
  }
}

const GONE = { code: 'device_not_found', message: 'The device has left the network.' } as const;
