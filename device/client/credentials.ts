/** What a device proves itself with: given once, in the answer to `POST /api/v1/devices`. */
export interface DeviceCredentials {
  readonly deviceId: string;
  readonly networkId: string;
  /** Opens the connection: bearer token on WebSocket, password on MQTT. */
  readonly token: string;
  /** 32 bytes in base64url: signs every frame. */
  readonly signingKey: string;
}

/** Credentials that can't be used. The message names the field, never its content. */
export class CredentialsError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CredentialsError';
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const SIGNING_KEY_BYTES = 32;

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
  const credentials = {
    deviceId: text('deviceId').toLowerCase(),
    networkId: text('networkId').toLowerCase(),
    token: text('token'),
    signingKey: text('signingKey'),
  };
  if (!UUID.test(credentials.deviceId)) throw new CredentialsError('"deviceId" is not a UUID');
  if (!UUID.test(credentials.networkId)) throw new CredentialsError('"networkId" is not a UUID');
  signingSecret(credentials);
  return credentials;
}

/** The 32 bytes of the signing key. Throws `CredentialsError` for anything else. */
export function signingSecret(credentials: DeviceCredentials): Uint8Array {
  let binary: string;
  try {
    binary = atob(credentials.signingKey.replaceAll('-', '+').replaceAll('_', '/'));
  } catch {
    throw new CredentialsError('"signingKey" is not base64url');
  }
  if (binary.length !== SIGNING_KEY_BYTES) throw new CredentialsError('"signingKey" is not 32 bytes');
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
