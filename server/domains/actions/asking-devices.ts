import type { DeviceActor } from '../../kernel/actor.ts';
import type { DeviceId } from '../../kernel/ids.ts';
import { tooManyResumes } from './errors.ts';
import { RESUMES_INTERVAL_MS, RESUMES_MAX } from './limits.ts';
import type { ActionDependencies } from './ports.ts';
import type { ActionReaders } from './readers.ts';
import type { Action, ActionKey, EventCredit } from './types.ts';

interface Following {
  until: number;
  wake: () => void;
  readonly end: AbortController;
}

type Dependencies = Pick<ActionDependencies, 'outlet' | 'logger' | 'clock'>;

const keyOf = ({ tenantId, id }: ActionKey): string => `${tenantId} ${id}`;

/** Devices that are told what happens to the actions they asked for, each as far as it has given credit. */
export class AskingDevices {
  readonly #readers: ActionReaders;
  readonly #dependencies: Dependencies;
  /** Of each device those by the keys of their actions. */
  readonly #following = new Map<DeviceId, Map<string, Following>>();
  /** How often each had kept events sent, since when: the oldest first. */
  readonly #resumes = new Map<DeviceId, { readonly sinceMs: number; count: number }>();

  constructor(readers: ActionReaders, dependencies: Dependencies) {
    this.#readers = readers;
    this.#dependencies = dependencies;
  }

  /**
   * The device has every event up to `received`, and takes those up to `until`. `resume`: what was sent behind `received` is lost,
   * and comes again. Refuses with `limit_reached`, `rate_limited`.
   */
  take(device: DeviceActor, action: Action, credit: EventCredit): void {
    const { deviceId } = device;
    const key = keyOf(action);
    const known = this.#following.get(deviceId)?.get(key);
    if (known !== undefined && !credit.resume) {
      known.until = Math.max(known.until, credit.until);
      known.wake();
      return;
    }
    if (!credit.isFirst) this.#countResume(deviceId);
    known?.end.abort();
    const principal = { id: deviceId, tenantId: device.tenantId };
    this.#readers.requireRoom(principal);
    const following: Following = { until: credit.until, wake: () => undefined, end: new AbortController() };
    const ofDevice = this.#following.get(deviceId) ?? new Map<string, Following>();
    this.#following.set(deviceId, ofDevice.set(key, following));
    const events = this.#readers.read(action, principal, credit.received, following.end.signal);
    this.#tell(device, action, events, following)
      .catch((error: unknown) =>
        this.#dependencies.logger.warn({ operation: 'actions.tell', error }, 'not told'),
      )
      .finally(() => {
        if (ofDevice.get(key) === following) ofDevice.delete(key);
        if (ofDevice.size === 0 && this.#following.get(deviceId) === ofDevice)
          this.#following.delete(deviceId);
      });
  }

  /** The device is gone. When it returns it says which events it has. */
  disconnected(deviceId: DeviceId): void {
    for (const { end } of this.#following.get(deviceId)?.values() ?? []) end.abort();
  }

  #countResume(deviceId: DeviceId): void {
    const nowMs = this.#dependencies.clock.monotonicMs();
    for (const [id, { sinceMs }] of this.#resumes) {
      if (nowMs - sinceMs < RESUMES_INTERVAL_MS) break;
      this.#resumes.delete(id);
    }
    const resumes = this.#resumes.get(deviceId) ?? { sinceMs: nowMs, count: 0 };
    if (resumes.count >= RESUMES_MAX) throw tooManyResumes(resumes.sinceMs + RESUMES_INTERVAL_MS - nowMs);
    resumes.count++;
    this.#resumes.set(deviceId, resumes);
  }

  async #tell(
    { deviceId }: DeviceActor,
    action: Action,
    events: ReturnType<ActionReaders['read']>,
    following: Following,
  ): Promise<void> {
    const { signal } = following.end;
    for await (const event of events) {
      while (event.number > following.until && !signal.aborted) await credit(following);
      // A device that isn't connected says where to go on when it is.
      if (signal.aborted || !this.#dependencies.outlet.tell(deviceId, action, event)) return;
    }
  }

  /** Nobody is told any more. */
  close(): void {
    for (const deviceId of this.#following.keys()) this.disconnected(deviceId);
  }
}

function credit(following: Following): Promise<void> {
  const { signal } = following.end;
  return new Promise((resolve) => {
    following.wake = () => {
      signal.removeEventListener('abort', following.wake);
      resolve();
    };
    signal.addEventListener('abort', following.wake, { once: true });
  });
}
