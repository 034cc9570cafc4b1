import type { Clock } from '../../kernel/clock.ts';
import type { DeviceId } from '../../kernel/ids.ts';
import type { SecretBox } from '../../kernel/secret-box.ts';
import { DEVICE_TOKEN_PREFIX } from './limits.ts';
import type { DeviceStore, FoundCredentials, Suspensions, TokenHash } from './ports.ts';
import { signingKeyContext } from './sealed-contexts.ts';
import type { TokenEnds } from './token-ends.ts';
import type { DeviceIdentity } from './types.ts';

/** What tells devices by their tokens. */
export interface DeviceAuthentication {
  /**
   * The device behind a token; null: nobody has it, or its tenant is suspended. A device that shows a new token has no use for the one before, which
   * ends then, with what was opened with it; and at its time at the latest.
   */
  authenticate(token: string): Promise<DeviceIdentity | null>;
  /** The device of this id, for whose credentials somebody else answers; null: it is gone, or its tenant is suspended. */
  findIdentity(deviceId: DeviceId): Promise<DeviceIdentity | null>;
}

/** Builds this part of the service. */
export function createDeviceAuthentication(dependencies: {
  readonly store: Pick<DeviceStore, 'findByToken' | 'findCredentials' | 'dropPreviousCredentials'>;
  readonly suspended: Suspensions;
  readonly tokenEnds: TokenEnds;
  readonly secretBox: SecretBox;
  readonly clock: Clock;
  readonly hash: TokenHash;
}): DeviceAuthentication {
  const { store, suspended, tokenEnds, secretBox, clock, hash } = dependencies;

  const endPrevious = async ({ actor, previousTokenId }: FoundCredentials) => {
    if (previousTokenId === null) return;
    await store.dropPreviousCredentials(actor.deviceId, previousTokenId);
    tokenEnds.endNow(actor.deviceId, previousTokenId);
  };

  const openKey = ({ actor, signingKeySealed }: FoundCredentials) =>
    secretBox.open(signingKeySealed, signingKeyContext(actor.tenantId, actor.deviceId));

  return {
    async findIdentity(deviceId) {
      const found = await store.findCredentials(deviceId);
      if (found === null || suspended.has(found.actor.tenantId)) return null;
      return { actor: found.actor, signingKey: openKey(found) };
    },

    async authenticate(token) {
      if (!token.startsWith(DEVICE_TOKEN_PREFIX)) return null;
      const found = await store.findByToken(hash(token));
      if (found === null || suspended.has(found.actor.tenantId)) return null;
      if (found.untilMs !== null && found.untilMs <= clock.nowMs()) return null;
      const { actor } = found;
      const signingKey = openKey(found);
      await endPrevious(found);
      if (found.untilMs !== null) tokenEnds.endAt(actor.deviceId, actor.credentialId, found.untilMs);
      return { actor, signingKey };
    },
  };
}
