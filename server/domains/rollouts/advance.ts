import type { DeviceId } from '../../kernel/ids.ts';
import { OFFER_AGAIN_MS, QUEUED_TOGETHER, ROLLOUTS_TOGETHER } from './limits.ts';
import type { RolloutDependencies } from './ports.ts';
import { decideRollout, roomFor } from './rules.ts';
import type { OpenRollout, RolloutTarget } from './types.ts';

type Needed = Pick<RolloutDependencies, 'store' | 'releases' | 'outlet' | 'clock'>;

/** Carries rollouts on, a round at a time. What it remembers itself is only where in a queue it was. */
export class RolloutProgression {
  readonly #dependencies: Needed;
  /** A device moved, or the rollout is over. */
  readonly #changed: (rolloutId: string) => void;
  /** Behind which device the next round looks for connected ones. */
  readonly #lookedUpTo = new Map<string, DeviceId>();

  constructor(dependencies: Needed, changed: (rolloutId: string) => void) {
    this.#dependencies = dependencies;
    this.#changed = changed;
  }

  /** One round over every rollout that isn't over. */
  async advance(): Promise<void> {
    const { store, clock } = this.#dependencies;
    const seen = new Set<string>();
    for (let after: string | null = null; ; ) {
      const rollouts = await store.readOpen(after, ROLLOUTS_TOGETHER, clock.nowMs());
      for (const rollout of rollouts) {
        seen.add(rollout.id);
        await this.#advanceOne(rollout);
      }
      const last = rollouts.at(-1);
      if (last === undefined || rollouts.length < ROLLOUTS_TOGETHER) break;
      after = last.id;
    }
    for (const id of this.#lookedUpTo.keys()) if (!seen.has(id)) this.#lookedUpTo.delete(id);
  }

  async #advanceOne(read: OpenRollout): Promise<void> {
    const { store, clock } = this.#dependencies;
    const nowMs = clock.nowMs();
    const failed = await store.failSilent(read, nowMs - read.deviceTimeoutSeconds * 1000, nowMs);
    if (failed > 0) this.#changed(read.id);
    const rollout = failed > 0 ? await store.readOne(read.id, nowMs) : read;
    if (rollout === null || rollout.state !== 'running') return;
    const decided = decideRollout(rollout.counts, rollout);
    if (decided !== 'running') {
      await store.end(rollout, decided, nowMs);
      this.#changed(rollout.id);
      return;
    }
    await this.#offerAgain(rollout, nowMs);
    const room = roomFor(rollout.counts, rollout.startedLately, rollout);
    if (room > 0 && rollout.counts.queued > 0) await this.#startSome(rollout, room, nowMs);
  }

  async #startSome(rollout: OpenRollout, room: number, nowMs: number): Promise<void> {
    const { store, outlet } = this.#dependencies;
    const after = this.#lookedUpTo.get(rollout.id) ?? null;
    const queued = await store.readQueued(rollout, after, QUEUED_TOGETHER);
    const connected = queued.filter(({ deviceId }) => outlet.isOnline(deviceId)).slice(0, room);
    const last = connected.length === room ? connected.at(-1) : queued.at(-1);
    // Where the queue ends it begins again.
    if (last === undefined || (queued.length < QUEUED_TOGETHER && connected.length < room)) {
      this.#lookedUpTo.delete(rollout.id);
    } else this.#lookedUpTo.set(rollout.id, last.deviceId);
    if (connected.length === 0) return;
    const started = await store.start(rollout, connected, nowMs);
    await this.#offer(rollout, started);
    if (started.length > 0) this.#changed(rollout.id);
  }

  async #offerAgain(rollout: OpenRollout, nowMs: number): Promise<void> {
    const { store, outlet } = this.#dependencies;
    if (rollout.counts.initiated === 0) return;
    const unanswered = await store.readUnanswered(rollout, nowMs - OFFER_AGAIN_MS, nowMs);
    const connected = unanswered.filter(({ deviceId }) => outlet.isOnline(deviceId));
    if (connected.length === 0) return;
    await this.#offer(rollout, connected);
    await store.noteOffered(
      rollout,
      connected.map(({ deviceId }) => deviceId),
      nowMs,
    );
  }

  async #offer(rollout: OpenRollout, targets: readonly RolloutTarget[]): Promise<void> {
    const { releases, outlet } = this.#dependencies;
    const signed = await releases.readSigned(rollout.tenantId, rollout.releaseId);
    if (signed === null) return;
    const { allowOlder } = rollout;
    for (const target of targets) outlet.offer(target, { ...signed, rolloutId: rollout.id, allowOlder });
  }
}
