import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** A passkey of an authenticator, with what a test may spoil. */
export interface SoftPasskey {
  readonly id: string;
  readonly privateKey: KeyObject;
  userHandle: string;
  signCount: number;
}

/** What a browser and its authenticator put into an answer. */
interface Ceremony {
  readonly challenge: string;
  /** Where the page is. */
  readonly origin: string;
  readonly rpId: string;
  /** Flags of the authenticator: user present 1, user verified 4, backup eligible 8, backed up 16. */
  readonly flags?: number;
}

const PRESENT_VERIFIED = 5;
const ATTESTED = 0x40;

const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest();

/** CBOR (RFC 8949) of what attestations and keys are made of. */
function cbor(value: number | string | Uint8Array | Map<number | string, unknown>): Buffer {
  const head = (major: number, length: number) =>
    length < 24
      ? Buffer.from([(major << 5) | length])
      : length < 256
        ? Buffer.from([(major << 5) | 24, length])
        : Buffer.from([(major << 5) | 25, length >> 8, length & 255]);
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'string')
    return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value]);
  const entries = [...value].flatMap(([key, item]) => [cbor(key), cbor(item as Parameters<typeof cbor>[0])]);
  return Buffer.concat([head(5, value.size), ...entries]);
}

const clientData = (type: string, { challenge, origin }: Ceremony) =>
  Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));

function authenticatorData(
  { rpId, flags = PRESENT_VERIFIED }: Ceremony,
  more: number,
  signCount: number,
): Buffer {
  const data = Buffer.alloc(37);
  sha256(rpId).copy(data);
  data[32] = flags | more;
  data.writeUInt32BE(signCount, 33);
  return data;
}

/** Makes a passkey (Web Authentication Level 3, section 6.5), and what the browser answers. */
export function makePasskey(ceremony: Ceremony, userHandle: string, format: 'none' | 'packed' = 'none') {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const cose = cbor(
    new Map<number, unknown>([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, Buffer.from(x, 'base64url')],
      [-3, Buffer.from(y, 'base64url')],
    ]),
  );
  const rawId = randomBytes(16);
  const passkey: SoftPasskey = { id: base64url(rawId), privateKey, userHandle, signCount: 0 };
  const authData = Buffer.concat([
    authenticatorData(ceremony, ATTESTED, 0),
    Buffer.alloc(16),
    Buffer.from([0, rawId.length]),
    rawId,
    cose,
  ]);
  const statement = format === 'none' ? new Map() : new Map([['x5c', Buffer.from('a certificate')]]);
  const attestation = cbor(
    new Map<string, unknown>([
      ['fmt', format],
      ['attStmt', statement],
      ['authData', authData],
    ]),
  );
  const response = {
    clientDataJSON: base64url(clientData('webauthn.create', ceremony)),
    attestationObject: base64url(attestation),
    transports: ['internal'],
  };
  return { passkey, answer: answerOf(passkey, response) };
}

/** Uses a passkey (section 6.3.3). It counts one further, unless it never counts. */
export function usePasskey(passkey: SoftPasskey, ceremony: Ceremony, counts = true) {
  if (counts) passkey.signCount++;
  const data = clientData('webauthn.get', ceremony);
  const authData = authenticatorData(ceremony, 0, passkey.signCount);
  const response = {
    clientDataJSON: base64url(data),
    authenticatorData: base64url(authData),
    signature: base64url(sign('sha256', Buffer.concat([authData, sha256(data)]), passkey.privateKey)),
    userHandle: passkey.userHandle,
  };
  return answerOf(passkey, response);
}

const answerOf = <Response>({ id }: SoftPasskey, response: Response) => ({
  id,
  rawId: id,
  type: 'public-key' as const,
  clientExtensionResults: {},
  response,
});
