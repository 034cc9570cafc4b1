import { parseUuid } from '../../proto/index.ts';
import { fromBase64Url, toBase64Url } from './base64.ts';

/** What a device proves itself with: given once, in the answer to `POST /api/v1/devices`. */
export interface DeviceCredentials {
  readonly deviceId: string;
  readonly networkId: string;
  /** Opens the connection: bearer token on WebSocket, password on MQTT. */
  readonly token: string;
  /** 32 bytes in base64url: signs every frame. */
  readonly signingKey: string;
  /**
   * The private key (X25519, 32 bytes in base64url) that others seal for, which the device made itself (`createSealKey`) and nobody else
   * has. Absent: nothing is sealed.
   */
  readonly sealKey?: string;
}

/** Credentials that can't be used. The message names the field, never its content. */
export class CredentialsError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CredentialsError';
  }
}

const KEY_BYTES = 32;

/** Reads credentials from JSON text; further fields are ignored. Throws `CredentialsError` with the first problem. */
export function parseCredentials(json: string): DeviceCredentials {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new CredentialsError('the credentials are not JSON');
  }
  if (typeof value !== 'object' || value === null)
    throw new CredentialsError('the credentials are no JSON object');
  const fields = value as Record<string, unknown>;
  const text = (name: keyof DeviceCredentials): string => {
    const field = fields[name];
    if (typeof field !== 'string' || field === '') throw new CredentialsError(`"${name}" is missing`);
    return field;
  };
  return checkCredentials({
    ...(fields.sealKey === undefined ? {} : { sealKey: text('sealKey') }),
    deviceId: text('deviceId'),
    networkId: text('networkId'),
    token: text('token'),
    signingKey: text('signingKey'),
  });
}

/** The credentials with their ids in lower case, as frames have them. Throws `CredentialsError` with the first problem. */
export function checkCredentials(credentials: DeviceCredentials): DeviceCredentials {
  const deviceId = parseUuid(credentials.deviceId);
  const networkId = parseUuid(credentials.networkId);
  if (deviceId === null) throw new CredentialsError('"deviceId" is not a UUID');
  if (networkId === null) throw new CredentialsError('"networkId" is not a UUID');
  signingSecret(credentials);
  sealSecret(credentials);
  return { ...credentials, deviceId, networkId };
}

/** The 32 bytes of the signing key. Throws `CredentialsError` for anything else. */
export function signingSecret({ signingKey }: Pick<DeviceCredentials, 'signingKey'>): Uint8Array {
  return keyOf('signingKey', signingKey);
}

/** The 32 bytes of the key that others seal for; null: there is none. Throws `CredentialsError` for anything else. */
export function sealSecret({ sealKey }: Pick<DeviceCredentials, 'sealKey'>): Uint8Array | null {
  return sealKey === undefined ? null : keyOf('sealKey', sealKey);
}

/** A new key for `DeviceCredentials.sealKey`: keep it with the credentials. */
export function createSealKey(): string {
  return toBase64Url(crypto.getRandomValues(new Uint8Array(KEY_BYTES)));
}

function keyOf(name: string, text: string): Uint8Array {
  const key = fromBase64Url(text);
  if (key === null) throw new CredentialsError(`"${name}" is not base64url`);
  if (key.length !== KEY_BYTES) throw new CredentialsError(`"${name}" is not 32 bytes`);
  return key;
}
