import { AppError } from '../../kernel/errors.ts';
import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import { Later } from './later.ts';
import type { ActionDependencies, KeepOutcome } from './ports.ts';
import type { ActingDevice, Action, ActionEnd, ActionKey } from './types.ts';

type Needed = Pick<ActionDependencies, 'store' | 'outlet' | 'permissions' | 'clock' | 'logger'>;
type DeviceInNetwork = Pick<ActingDevice, 'networkId' | 'deviceId'>;

/** A device that is being given something. */
interface Work {
  /** There is more to do. */
  again: boolean;
  resend: boolean;
  /** Actions that have ended since it was read what there is to give. */
  readonly ended: Set<string>;
}

const keyOf = ({ networkId, deviceId }: DeviceInNetwork) => `${networkId} ${deviceId}`;
const actionKeyOf = ({ tenantId, id }: ActionKey) => `${tenantId} ${id}`;

/** Gives devices what they are asked for: one piece of work of a device at a time, so that their order stays. */
export class DeviceQueues {
  readonly #needed: Needed;
  readonly #end: (action: Action, end: ActionEnd) => Promise<void>;
  readonly #running = new Map<string, Work>();
  /** Actions that are on their way from who asks to their device for the first time; whether they have ended meanwhile. */
  readonly #new = new Map<string, { isOver: boolean }>();
  readonly #later: Later;

  constructor(needed: Needed, end: (action: Action, end: ActionEnd) => Promise<void>) {
    this.#needed = needed;
    this.#end = end;
    this.#later = new Later(needed);
  }

  /** Keeps an action, and gives it to its device where it isn't in the queue. Who asks doesn't wait for that. */
  async keep(action: ActionKey & ActingDevice, keep: () => Promise<KeepOutcome>): Promise<KeepOutcome> {
    const key = actionKeyOf(action);
    const way = { isOver: false };
    this.#new.set(key, way);
    const arrived = () => {
      if (this.#new.get(key) === way) this.#new.delete(key);
    };
    const kept = await keep().catch((error: unknown) => {
      arrived();
      throw error;
    });
    if (kept.kind === 'new' && kept.action.state === 'sent') {
      this.#give(kept.action, false, () => !way.isOver)
        .catch((error: unknown) => this.#retry(action, error))
        .finally(arrived);
      return kept;
    }
    arrived();
    // It may have connected since it was looked for.
    if (kept.kind === 'new') this.run(action);
    return kept;
  }

  /** The device may have a place. */
  run(device: ActingDevice): void {
    this.#start(device, false);
  }

  /** An action has ended: its device isn't given it any more, and has a place. */
  ended(action: Action): void {
    const key = actionKeyOf(action);
    this.#running.get(keyOf(action))?.ended.add(key);
    const way = this.#new.get(key);
    if (way !== undefined) way.isOver = true;
    this.run(action);
  }

  /** The device can be told something: it is told again what it has not ended. */
  sessionBegan(device: ActingDevice): void {
    this.#start(device, true);
  }

  /** Does the work for a device a while after it failed. */
  tryAgain(
    device: { readonly networkId: NetworkId; readonly deviceId: DeviceId },
    error: unknown,
    work: () => void,
  ): void {
    this.#later.again(keyOf(device), error, work);
  }

  /** What failed is not tried any more. */
  close(): void {
    this.#later.close();
  }

  #start(device: ActingDevice, resend: boolean): void {
    const key = keyOf(device);
    const running = this.#running.get(key);
    if (running !== undefined) {
      running.again = true;
      running.resend ||= resend;
      return;
    }
    const work: Work = { again: true, resend, ended: new Set() };
    this.#running.set(key, work);
    this.#work(device, work).catch((error: unknown) => this.#retry(device, error));
  }

  #retry({ tenantId, networkId, deviceId }: ActingDevice, error: unknown): void {
    const device = { tenantId, networkId, deviceId };
    this.tryAgain(device, error, () => this.sessionBegan(device));
  }

  async #work(device: ActingDevice, work: Work): Promise<void> {
    try {
      while (work.again) {
        const { resend } = work;
        work.again = false;
        work.resend = false;
        work.ended.clear();
        if (this.#needed.outlet.isConnected(device)) await this.#giveAll(device, work, resend);
      }
    } finally {
      // In the same step as the last look at `again`: what comes later begins anew.
      this.#running.delete(keyOf(device));
    }
  }

  async #giveAll(device: ActingDevice, { ended }: Work, resend: boolean): Promise<void> {
    const { store, clock } = this.#needed;
    const isWanted = (action: Action) => () => !ended.has(actionKeyOf(action));
    for (const action of resend ? await store.listGiven(device) : []) {
      if (!action.isInStream && !this.#new.has(actionKeyOf(action)))
        await this.#give(action, true, isWanted(action));
    }
    for (const action of await store.claim(device, clock.nowMs())) {
      if (action.askedBy.kind === 'device' || (await store.mayAsk(action)))
        await this.#give(action, false, isWanted(action));
      else await this.#end(action, NOT_ALLOWED);
    }
  }

  async #give(action: Action, again: boolean, isWanted: () => boolean): Promise<void> {
    const { store, outlet, permissions, clock } = this.#needed;
    const leftMs = action.deadlineAtMs - clock.nowMs();
    // Its time is over: the job ends it.
    if (leftMs <= 0) return;
    try {
      if (action.askedBy.kind === 'device') {
        const { id, networkId, deviceId: targetId, name, askedBy } = action;
        await permissions.requireAllowed({ id, networkId, sourceId: askedBy.id, targetId, name });
      }
      const given = await outlet.give(action, { leftMs, again, isWanted });
      if (given === 'kept') await store.noteInStream(action);
    } catch (error) {
      if (!(error instanceof AppError) || error.kind === 'unavailable' || error.kind === 'internal')
        throw error;
      const { code, publicMessage: message } = error;
      await this.#end(action, { state: 'refused', error: { code, message }, values: {} });
    }
  }
}

const NOT_ALLOWED: ActionEnd = {
  state: 'refused',
  error: { code: 'forbidden', message: 'Who asked for it may not do so any more.' },
  values: {},
};
