import type { Clock } from '../../kernel/clock.ts';
import type { CredentialId, DeviceId } from '../../kernel/ids.ts';
import type { Presence } from './ports.ts';

/** Ends what devices opened with tokens that are good no more: at once, or at a time, by one timer for each token. */
export class TokenEnds {
  readonly #presence: Pick<Presence, 'endToken'>;
  readonly #clock: Clock;
  readonly #waiting = new Map<CredentialId, () => void>();

  constructor({ presence, clock }: { readonly presence: Pick<Presence, 'endToken'>; readonly clock: Clock }) {
    this.#presence = presence;
    this.#clock = clock;
  }

  /** What the device opened with the token, before now or later, ends at `untilMs`. The first time that is given counts. */
  endAt(deviceId: DeviceId, tokenId: CredentialId, untilMs: number): void {
    if (this.#waiting.has(tokenId)) return;
    const end = () => this.endNow(deviceId, tokenId);
    this.#waiting.set(tokenId, this.#clock.after(untilMs - this.#clock.nowMs(), end));
  }

  /** What the device opened with the token ends. */
  endNow(deviceId: DeviceId, tokenId: CredentialId): void {
    this.#waiting.get(tokenId)?.();
    this.#waiting.delete(tokenId);
    this.#presence.endToken(deviceId, tokenId);
  }
}
