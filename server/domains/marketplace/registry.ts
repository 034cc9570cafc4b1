import type { Clock } from '../../kernel/clock.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import type { DeviceId } from '../../kernel/ids.ts';
import type { Attempt } from './attempt.ts';
import { ENDED_REQUESTS_REMEMBERED, STANDINGS_REMEMBERED } from './limits.ts';
import { LiveProvider, ProviderStanding } from './live-provider.ts';
import type { Eligible } from './selection.ts';
import type { Offer, ProviderChannel, ProviderDevice, ProviderId } from './types.ts';
import { WaitingRoom } from './waiting-room.ts';

/** Who is connected, what they serve, and what they work on. In memory: a provider offers again when it reconnects. */
export class ProviderRegistry {
  /** Who waits for a slot. */
  readonly waitingRoom: WaitingRoom;
  readonly #byDevice = new Map<DeviceId, LiveProvider>();
  readonly #standings = new Map<ProviderId, ProviderStanding>();
  /** Attempts at work, by device and request. */
  readonly #attempts = new Map<string, Attempt>();
  /** How attempts ended lately: late frames of theirs are no offence. */
  readonly #endedLately = new Map<string, 'result' | 'failed'>();
  #isClosed = false;

  constructor(clock: Clock) {
    this.waitingRoom = new WaitingRoom(clock);
  }

  /** Lists a provider, or replaces what it serves. */
  list(id: ProviderId, device: ProviderDevice, channel: ProviderChannel, offer: Offer): void {
    const { deviceId, tenantId } = device;
    let provider = this.#byDevice.get(deviceId);
    if (provider?.channel === channel) {
      provider.replaceOffer(offer);
    } else {
      const identity = { id, deviceId, owner: { tenantId }, channel };
      provider = new LiveProvider(identity, this.#standingOf(id), offer);
      this.#byDevice.set(deviceId, provider);
    }
    this.waitingRoom.slotFreed(provider);
  }

  /** Takes a provider from the list; what it works on goes on. Returns it, or null when it wasn't listed. */
  unlist(deviceId: DeviceId, channel?: ProviderChannel): LiveProvider | null {
    const present = this.#byDevice.get(deviceId);
    if (!present || (channel !== undefined && present.channel !== channel)) return null;
    this.#byDevice.delete(deviceId);
    return present;
  }

  providers(): Iterable<LiveProvider> {
    return this.#byDevice.values();
  }

  findProvider(id: ProviderId): LiveProvider | null {
    for (const provider of this.#byDevice.values()) if (provider.id === id) return provider;
    return null;
  }

  /** Every listed provider of a model. */
  offering(model: string): Eligible[] {
    const eligible: Eligible[] = [];
    for (const provider of this.#byDevice.values()) {
      const offered = provider.findModel(model);
      if (offered) eligible.push({ provider, model: offered });
    }
    return eligible;
  }

  track(attempt: Attempt): void {
    this.#attempts.set(keyOf(attempt.provider.deviceId, attempt.order.requestId), attempt);
  }

  untrack(attempt: Attempt, end: 'result' | 'failed'): void {
    const key = keyOf(attempt.provider.deviceId, attempt.order.requestId);
    this.#attempts.delete(key);
    this.#endedLately.set(key, end);
    forgetOldest(this.#endedLately, ENDED_REQUESTS_REMEMBERED);
    const provider = this.#byDevice.get(attempt.provider.deviceId);
    if (provider) this.waitingRoom.slotFreed(provider);
  }

  /**
   * The attempt a frame belongs to; null when it ended a moment ago without the provider knowing. Refuses with
   * `transaction_not_found` a request this device was never given, and with `provider_answer_malformed` a frame after
   * the device's own result.
   */
  attemptOf(deviceId: DeviceId, requestId: string): Attempt | null {
    const key = keyOf(deviceId, requestId);
    const attempt = this.#attempts.get(key);
    if (attempt) return attempt;
    const end = this.#endedLately.get(key);
    if (end === 'failed') return null;
    if (end === 'result') {
      throw new AppError('invalid', 'provider_answer_malformed', 'The answer to this request has ended.');
    }
    throw notFound('transaction');
  }

  attempts(): readonly Attempt[] {
    return [...this.#attempts.values()];
  }

  /** From now on nobody gets a slot: ends every attempt with `unavailable`, and lets those who wait see it. */
  close(): void {
    this.#isClosed = true;
    for (const attempt of this.attempts()) attempt.fail('unavailable');
    this.waitingRoom.wakeAll();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  #standingOf(id: ProviderId): ProviderStanding {
    const standing = this.#standings.get(id) ?? new ProviderStanding();
    this.#standings.delete(id);
    this.#standings.set(id, standing);
    forgetOldest(this.#standings, STANDINGS_REMEMBERED);
    return standing;
  }
}

function keyOf(deviceId: DeviceId, requestId: string): string {
  return `${deviceId}/${requestId}`;
}

function forgetOldest(map: Map<string, unknown>, max: number): void {
  if (map.size <= max) return;
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}
