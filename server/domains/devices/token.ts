import type { Actor } from '../../kernel/actor.ts';
import { notFound } from '../../kernel/errors.ts';
import { asId, type CredentialId, type DeviceId } from '../../kernel/ids.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { Random } from '../../kernel/random.ts';
import { requireOwnDevice } from './device-networks.ts';
import { DEVICE_TOKEN_BYTES, DEVICE_TOKEN_PREFIX } from './limits.ts';
import type { DeviceStore, Presence, StoredToken, TokenHash } from './ports.ts';

/** What a device shows when it connects. */
export interface DeviceToken {
  /**
   * Gives a device another token: the one it had is worth nothing from then on, and what was opened with it ends at once.
   * Refuses with `forbidden`, `device_not_found` and `device_of_other_tenant`.
   */
  rotateToken(actor: Actor, deviceId: DeviceId): Promise<string>;
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
    readonly store: Pick<DeviceStore, 'findDevice' | 'replaceToken'>;
    readonly presence: Pick<Presence, 'endDevice'>;
  },
): DeviceToken {
  const { store, presence } = dependencies;
  return {
    async rotateToken(actor, deviceId) {
      const account = requirePermission(actor, 'devices.manage');
      await requireOwnDevice(store, account, deviceId);
      const { stored, token } = makeToken(dependencies);
      const replaced = await store.replaceToken(account, deviceId, stored).catch((error: unknown) => {
        // It may be replaced all the same. A device whose token is still good comes back by itself.
        presence.endDevice(deviceId);
        throw error;
      });
      if (!replaced) throw notFound('device');
      // After the commit: who arrives later is refused, who arrived before is found here. Nobody has the new token yet.
      presence.endDevice(deviceId);
      return token;
    },
  };
}
