import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  type X509Certificate,
} from 'node:crypto';

/** Who a device is on direct paths: an Ed25519 key, and a certificate that it signed itself, in PEM. */
export interface DirectIdentity {
  readonly key: string;
  readonly certificate: string;
  /** The SHA-256 of the public key, as SubjectPublicKeyInfo in DER. */
  readonly fingerprint: Uint8Array;
}

/** An identity: of this key (PKCS #8 in PEM), or of a new one. */
export function createDirectIdentity(keyPem?: string): DirectIdentity {
  const privateKey =
    keyPem === undefined ? generateKeyPairSync('ed25519').privateKey : createPrivateKey(keyPem);
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return { key, certificate: pemOf(certificateOf(privateKey, publicKey)), fingerprint: hashOf(publicKey) };
}

/** The fingerprint of who shows this certificate. */
export function fingerprintOf(certificate: X509Certificate): Uint8Array {
  return hashOf(certificate.publicKey.export({ type: 'spki', format: 'der' }));
}

const hashOf = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());

/** A value in DER (ITU-T X.690): its tag, its length, its content. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head = length < 0x80 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}

const SEQUENCE = 0x30;
/** 1.3.101.112, RFC 8410. */
const ED25519 = der(SEQUENCE, der(0x06, Buffer.from([0x2b, 0x65, 0x70])));
/** A common name, 2.5.4.3. */
const NAME = der(
  SEQUENCE,
  der(
    0x31,
    der(SEQUENCE, der(0x06, Buffer.from([0x55, 0x04, 0x03])), der(0x0c, Buffer.from('yggdrasil device'))),
  ),
);
/** Such certificates are looked at by their key alone, and have no end that counts: RFC 5280, section 4.1.2.5. */
const VALIDITY = der(
  SEQUENCE,
  der(0x17, Buffer.from('200101000000Z')),
  der(0x18, Buffer.from('99991231235959Z')),
);

/** A certificate of version 3 with nothing in it but the key: every field has one content, so that no library is needed (RFC 5280, section 4.1). */
function certificateOf(privateKey: KeyObject, publicKey: Uint8Array): Buffer {
  const version = der(0xa0, der(0x02, Buffer.from([2])));
  const serialNumber = der(0x02, Buffer.from([1]));
  const signed = der(SEQUENCE, version, serialNumber, ED25519, NAME, VALIDITY, NAME, publicKey);
  const signature = der(0x03, Buffer.from([0]), sign(null, signed, privateKey));
  return der(SEQUENCE, signed, ED25519, signature);
}

function pemOf(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
