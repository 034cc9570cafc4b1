import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  webcrypto,
  type X509Certificate,
} from 'node:crypto';

/** Who a device is on direct paths: an Ed25519 key, and a certificate that it signed itself, in PEM. */
export interface DirectIdentity {
  readonly key: string;
  readonly certificate: string;
  /** The SHA-256 of the public key, as SubjectPublicKeyInfo in DER. */
  readonly fingerprint: Uint8Array;
}

/** Certificates are looked at by their key alone, and have no end that counts: RFC 5280, section 4.1.2.5. */
const NOT_AFTER = new Date('9999-12-31T23:59:59Z');
const NOT_BEFORE = new Date('2020-01-01T00:00:00Z');

/** An identity: of this key (PKCS #8 in PEM), or of a new one. */
export async function createDirectIdentity(keyPem?: string): Promise<DirectIdentity> {
  // Loaded where it is needed: most programs have no direct paths.
  const { X509CertificateGenerator } = await import('@peculiar/x509');
  const privateKey =
    keyPem === undefined ? generateKeyPairSync('ed25519').privateKey : createPrivateKey(keyPem);
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const keys = {
    privateKey: await webcrypto.subtle.importKey(
      'pkcs8',
      privateKey.export({ type: 'pkcs8', format: 'der' }),
      'Ed25519',
      true,
      ['sign'],
    ),
    publicKey: await webcrypto.subtle.importKey('spki', spki, 'Ed25519', true, ['verify']),
  };
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: '01',
      name: 'CN=yggdrasil device',
      notBefore: NOT_BEFORE,
      notAfter: NOT_AFTER,
      signingAlgorithm: { name: 'Ed25519' },
      keys,
    },
    webcrypto as never,
  );
  return { key, certificate: certificate.toString('pem'), fingerprint: hashOf(spki) };
}

/** The fingerprint of who shows this certificate. */
export function fingerprintOf(certificate: X509Certificate): Uint8Array {
  return hashOf(certificate.publicKey.export({ type: 'spki', format: 'der' }));
}

const hashOf = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());
