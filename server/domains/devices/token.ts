import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { notFound } from '../../kernel/errors.ts';
import { asId, type CredentialId, type DeviceId } from '../../kernel/ids.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { Random } from '../../kernel/random.ts';
import type { SecretBox } from '../../kernel/secret-box.ts';
import { requireOwnDevice } from './device-networks.ts';
import { DEVICE_TOKEN_BYTES, DEVICE_TOKEN_PREFIX, SIGNING_KEY_BYTES } from './limits.ts';
import type { DeviceStore, Presence, StoredToken, TokenHash } from './ports.ts';
import { signingKeyContext } from './sealed-contexts.ts';
import type { TokenEnds } from './token-ends.ts';

/** What a device shows when it connects. */
export interface DeviceToken {
  /**
   * Gives a device another token, and another signing key where that is wanted. Those that it had are worth nothing from then on, and what was
   * opened with them ends at once; or with an overlap when the device has shown the new token, and after so many milliseconds at the
   * latest. Older ones end at once. A connection is signed for with the key that goes with its token. Refuses with `forbidden`,
   * `device_not_found` and `device_of_other_tenant`.
   */
  rotateToken(
    actor: Actor,
    deviceId: DeviceId,
    wanted: { readonly overlapMs: number; readonly signingKey: boolean },
  ): Promise<NewCredentials>;
}

/** A device's credentials that were just made, with the only copies of their secrets. */
export interface NewCredentials {
  readonly token: string;
  /** Null: it stays as it is. */
  readonly signingKey: Uint8Array | null;
  /** Until when the ones before are good at most; null: they are not. */
  readonly previousUntilMs: number | null;
}

/** What making a token needs. */
interface TokenSources {
  readonly random: Random;
  readonly hash: TokenHash;
}

/** Makes a device's token: as it is kept, and itself. */
export function makeToken({ random, hash }: TokenSources): { stored: StoredToken; token: string } {
  const token = DEVICE_TOKEN_PREFIX + Buffer.from(random.bytes(DEVICE_TOKEN_BYTES)).toString('base64url');
  return { stored: { tokenId: asId<CredentialId>(random.uuid()), tokenHash: hash(token) }, token };
}

/** Builds this part of the service. */
export function createDeviceToken(
  dependencies: TokenSources & {
    readonly store: Pick<DeviceStore, 'findDevice' | 'replaceCredentials'>;
    readonly presence: Pick<Presence, 'endDevice'>;
    readonly tokenEnds: TokenEnds;
    readonly secretBox: SecretBox;
    readonly clock: Clock;
  },
): DeviceToken {
  const { store, presence, tokenEnds, secretBox, clock, random } = dependencies;
  return {
    async rotateToken(actor, deviceId, wanted) {
      const account = requirePermission(actor, 'devices.manage');
      await requireOwnDevice(store, account, deviceId);
      const { stored, token } = makeToken(dependencies);
      const signingKey = wanted.signingKey ? random.bytes(SIGNING_KEY_BYTES) : null;
      const previousUntilMs = wanted.overlapMs > 0 ? clock.nowMs() + wanted.overlapMs : null;
      const context = signingKeyContext(account.tenantId, deviceId);
      const signingKeySealed = signingKey && secretBox.seal(signingKey, context);
      const next = { ...stored, signingKeySealed, previousUntilMs };
      const replaced = await store.replaceCredentials(account, deviceId, next).catch((error: unknown) => {
        // They may be replaced all the same. A device whose token is still good comes back by itself.
        presence.endDevice(deviceId);
        throw error;
      });
      if (replaced === 'not_found') throw notFound('device');
      // After the commit: who arrives later is refused, who arrived before is found here. Nobody has the new token yet.
      const { previousTokenId, olderTokenId } = replaced;
      if (olderTokenId !== null) tokenEnds.endNow(deviceId, olderTokenId);
      if (previousUntilMs === null) presence.endDevice(deviceId);
      // A device that is connected need not show its token again.
      else tokenEnds.endAt(deviceId, previousTokenId, previousUntilMs);
      return { token, signingKey, previousUntilMs };
    },
  };
}
