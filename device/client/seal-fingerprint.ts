import { fingerprintOf, type NoiseCrypto, SEAL_KEY_BYTES } from '../../proto/ratatoskr/index.ts';
import { nobleCrypto } from '../../proto/ratatoskr/noble.ts';
import { fromBase64Url } from './base64.ts';
import { checkCredentials, type DeviceCredentials, sealSecret } from './credentials.ts';
import { BifrostError } from './errors.ts';
import { requireUuid } from './frame-channel.ts';

/**
 * As `client.peers.fingerprint`, without a client: 60 digits of this device's key and of another one's (base64url), for people to compare.
 * Null: the credentials have no `sealKey`. Throws `CredentialsError`, and `invalid_input` for an id or a key that is none.
 */
export function sealFingerprint(
  credentials: DeviceCredentials,
  peer: { readonly deviceId: string; readonly key: string },
  crypto: NoiseCrypto = nobleCrypto,
): string | null {
  const { deviceId } = checkCredentials(credentials);
  const secret = sealSecret(credentials);
  const publicKey = fromBase64Url(peer.key);
  if (publicKey?.length !== SEAL_KEY_BYTES)
    throw new BifrostError('invalid_input', 'A key is 32 bytes in base64url.');
  if (secret === null) return null;
  const own = { deviceId, publicKey: crypto.publicKeyOf(secret) };
  return fingerprintOf(own, { deviceId: requireUuid(peer.deviceId), publicKey }, crypto);
}
