import { AppError } from '../../kernel/errors.ts';
import { GIVE_RETRY_MS } from './limits.ts';
import type { ActionDependencies, KeepOutcome } from './ports.ts';
import type { ActingDevice, Action, ActionEnd, ActionKey } from './types.ts';

type Needed = Pick<ActionDependencies, 'store' | 'outlet' | 'permissions' | 'clock' | 'logger'>;

const keyOf = ({ networkId, deviceId }: ActingDevice) => `${networkId} ${deviceId}`;
const actionKeyOf = ({ tenantId, id }: ActionKey) => `${tenantId} ${id}`;

/** Gives devices what they are asked for: one piece of work of a device at a time, so that their order stays. */
export class DeviceQueues {
  readonly #needed: Needed;
  readonly #end: (action: Action, end: ActionEnd) => Promise<void>;
  /** Devices that are being given something; true: there is more to do. */
  readonly #running = new Map<string, { again: boolean; resend: boolean }>();
  /** Actions that are on their way from who asks to their device for the first time. */
  readonly #new = new Set<string>();

  constructor(needed: Needed, end: (action: Action, end: ActionEnd) => Promise<void>) {
    this.#needed = needed;
    this.#end = end;
  }

  /** Keeps an action, and gives it to its device where it isn't in the queue. Who asks doesn't wait for that. */
  async keep(action: ActionKey & ActingDevice, keep: () => Promise<KeepOutcome>): Promise<KeepOutcome> {
    const key = actionKeyOf(action);
    this.#new.add(key);
    const kept = await keep().catch((error: unknown) => {
      this.#new.delete(key);
      throw error;
    });
    if (kept.kind === 'new' && kept.action.state === 'sent') {
      this.#give(kept.action, false)
        .catch((error: unknown) => this.#retry(action, error))
        .finally(() => this.#new.delete(key));
      return kept;
    }
    this.#new.delete(key);
    // It may have connected since it was looked for.
    if (kept.kind === 'new') this.run(action);
    return kept;
  }

  /** The device may have a place. */
  run(device: ActingDevice): void {
    this.#start(device, false);
  }

  /** The device can be told something: it is told again what it has not ended. */
  sessionBegan(device: ActingDevice): void {
    this.#start(device, true);
  }

  #start(device: ActingDevice, resend: boolean): void {
    const key = keyOf(device);
    const running = this.#running.get(key);
    if (running !== undefined) {
      running.again = true;
      running.resend ||= resend;
      return;
    }
    const work = { again: true, resend };
    this.#running.set(key, work);
    this.#work(device, work)
      .catch((error: unknown) => this.#retry(device, error))
      .finally(() => this.#running.delete(key));
  }

  #retry({ tenantId, networkId, deviceId }: ActingDevice, error: unknown): void {
    const { logger, clock } = this.#needed;
    logger.warn({ operation: 'actions.give', error }, 'actions were not given');
    clock.after(GIVE_RETRY_MS, () => this.sessionBegan({ tenantId, networkId, deviceId }));
  }

  async #work(device: ActingDevice, work: { again: boolean; resend: boolean }): Promise<void> {
    const { store, outlet, clock } = this.#needed;
    while (work.again) {
      const { resend } = work;
      work.again = false;
      work.resend = false;
      if (!outlet.isConnected(device)) continue;
      for (const action of resend ? await store.listGiven(device) : []) {
        if (!action.isInStream && !this.#new.has(actionKeyOf(action))) await this.#give(action, true);
      }
      for (const action of await store.claim(device, clock.nowMs())) await this.#give(action, false);
    }
  }

  async #give(action: Action, again: boolean): Promise<void> {
    const { store, outlet, permissions, clock } = this.#needed;
    const leftMs = action.deadlineAtMs - clock.nowMs();
    // Its time is over: the job ends it.
    if (leftMs <= 0) return;
    try {
      if (action.askedBy.kind === 'device') {
        const { id, networkId, deviceId: targetId, name, askedBy } = action;
        await permissions.requireAllowed({ id, networkId, sourceId: askedBy.id, targetId, name });
      }
      if ((await outlet.give(action, leftMs, again)) === 'kept') await store.noteInStream(action);
    } catch (error) {
      if (!(error instanceof AppError) || error.kind === 'unavailable' || error.kind === 'internal')
        throw error;
      const { code, publicMessage: message } = error;
      await this.#end(action, { state: 'refused', error: { code, message }, values: {} });
    }
  }
}
