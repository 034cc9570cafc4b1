import type { TenantId } from '../../kernel/ids.ts';
import type { LiveFollowers } from '../../kernel/live-followers.ts';
import type { RolloutDependencies } from './ports.ts';
import type { RolloutProgress } from './types.ts';

type Followers = Pick<
  LiveFollowers<{ readonly tenantId: TenantId; readonly progress: RolloutProgress }, RolloutProgress>,
  'isEmpty' | 'tell'
>;

/** Tells those who follow a rollout how far it is. However fast devices report, each rollout is counted once at a time. */
export class Telling {
  readonly #dependencies: Pick<RolloutDependencies, 'store' | 'clock' | 'logger'>;
  readonly #followers: Followers;
  /** Rollouts that are being counted; true: something changed meanwhile. */
  readonly #counting = new Map<string, boolean>();

  constructor(dependencies: Pick<RolloutDependencies, 'store' | 'clock' | 'logger'>, followers: Followers) {
    this.#dependencies = dependencies;
    this.#followers = followers;
  }

  /** Something changed in a rollout. */
  note(rolloutId: string): void {
    if (this.#followers.isEmpty) return;
    const isCounting = this.#counting.has(rolloutId);
    this.#counting.set(rolloutId, isCounting);
    if (!isCounting) void this.#count(rolloutId);
  }

  async #count(rolloutId: string): Promise<void> {
    const { store, clock, logger } = this.#dependencies;
    try {
      do {
        this.#counting.set(rolloutId, false);
        const found = await store.readOne(rolloutId, clock.nowMs());
        if (found !== null) {
          const { tenantId, startedLately: _, ...progress } = found;
          this.#followers.tell(rolloutId, { tenantId, progress });
        }
      } while (this.#counting.get(rolloutId) === true);
    } catch (error) {
      // Who follows hears of the next change; what changed is written.
      logger.warn({ operation: 'rollouts.follow', error }, 'not counted');
    } finally {
      this.#counting.delete(rolloutId);
    }
  }
}
