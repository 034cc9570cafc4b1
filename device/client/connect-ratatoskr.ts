import type { DeviceSigning, MessageSigner, NoiseCrypto } from '../../proto/ratatoskr/index.ts';
import { nobleCrypto, nobleSigning } from '../../proto/ratatoskr/noble.ts';
import { fromBase64Url } from './base64.ts';
import { CredentialsError, type DeviceCredentials, signingSecret } from './credentials.ts';
import { openPlatformSession, systemClock, systemRandom } from './platform.ts';
import type { Clock, Random } from './ports.ts';
import { RatatoskrClient } from './ratatoskr-client.ts';
import type { SessionSocketOpener } from './session-socket.ts';

/** Who connects where over Ratatoskr. */
export interface RatatoskrOptions {
  /** `wss://host/ratatoskr` */
  readonly url: string;
  /** A device's credentials, or the token of a user or an API key. */
  readonly credentials: Pick<DeviceCredentials, 'token' | 'signingKey'> | { readonly token: string };
  /**
   * The private key (X25519, 32 bytes) of a device that said the public one when it was claimed, provisioned or registered. Absent: it
   * follows from the signing key.
   */
  readonly sessionKey?: Uint8Array;
  /** The tenant that a user acts in. Absent: its own. */
  readonly tenantId?: string;
  /**
   * The server's public key, in base64url, as `GET /api/v1/server` says it or an earlier session showed it
   * (`client.serverKey`). Absent: the first session takes the key that the server shows.
   */
  readonly serverKey?: string;
  /** Messages are signed but not encrypted, where the server's operator allows it: whoever is on the way reads them. */
  readonly declinesEncryption?: boolean;
}

/** What a client is built on. Only the core has no default. */
export interface RatatoskrDependencies<Key> {
  readonly core: MessageSigner<Key>;
  readonly openSocket?: SessionSocketOpener;
  /** Absent: the primitives of `@noble`, which every platform runs; Node's own are in `proto/ratatoskr/node.ts`. */
  readonly crypto?: NoiseCrypto;
  /** The same of signatures. */
  readonly signing?: DeviceSigning;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** What a device's static key is derived from its signing key with. */
const STATIC_KEY_LABEL = new TextEncoder().encode('yggdrasil ratatoskr device key');
/** And the key that its messages about money are signed with. */
const SIGNATURE_KEY_LABEL = new TextEncoder().encode('yggdrasil ratatoskr device signature key');

/**
 * A client that begins to connect. A device's keys follow from its signing key, so that it has nothing more to keep; others have a
 * new one each time. Throws `CredentialsError` for credentials that can't be used.
 */
export function connectRatatoskr<Key>(
  { url, credentials, sessionKey, tenantId = '', serverKey, declinesEncryption = false }: RatatoskrOptions,
  { core, ...given }: RatatoskrDependencies<Key>,
): RatatoskrClient<Key> {
  const {
    openSocket = openPlatformSession,
    crypto = nobleCrypto,
    signing = nobleSigning,
    clock = systemClock,
    random = systemRandom,
  } = given;
  const derived = (label: Uint8Array, keys: Pick<DeviceSigning, 'publicKeyOf'>) =>
    'signingKey' in credentials
      ? keyPairFrom(keys, crypto.hmacSha256(signingSecret(credentials), label))
      : null;
  const target = {
    url,
    token: credentials.token,
    tenantId,
    staticKey:
      sessionKey !== undefined
        ? keyPairFrom(crypto, sessionKey)
        : (derived(STATIC_KEY_LABEL, crypto) ?? crypto.generateKeyPair()),
    signatureKey: derived(SIGNATURE_KEY_LABEL, signing),
    serverKey: serverKey === undefined ? null : serverKeyOf(serverKey),
    declinesEncryption,
    ticket: null,
  };
  return new RatatoskrClient(target, { crypto, signer: core, signing, openSocket, clock, random });
}

const keyPairFrom = (keys: Pick<DeviceSigning, 'publicKeyOf'>, privateKey: Uint8Array) => ({
  privateKey,
  publicKey: keys.publicKeyOf(privateKey),
});

function serverKeyOf(text: string): Uint8Array {
  const key = fromBase64Url(text);
  if (key === null) throw new CredentialsError('"serverKey" is not base64url');
  return key;
}
