import { createHash, type KeyObject, verify, X509Certificate } from 'node:crypto';
import { isClientOf, isInTime } from './client-certificates.ts';

/** What a device shows: its certificate, that of the authority that issued it, and what it signed. */
export interface ShownCertificate {
  /** Both as PEM. */
  readonly certificate: string;
  readonly authority: string;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

/** The fewest bits of a key of RSA (RFC 9325 section 4.5). */
const RSA_BITS_MIN = 2_048;

/**
 * Certificates of devices (RFC 5280), without revocation lists: who is not to come in any more has its device removed. The authority itself issues
 * devices' certificates: there are none in between.
 */
export const deviceCertificates = {
  /** The SHA-256 of an authority's certificate; null: it is none that may issue others, or its time isn't now. */
  fingerprintOf(pem: string, nowMs: number): Uint8Array | null {
    const authority = readCertificate(pem);
    return authority?.ca === true && isInTime(authority, nowMs) ? fingerprint(authority) : null;
  },

  /**
   * The fingerprint of the authority and the name (CN) in the device's certificate, once everything about them is right: who issued it, that it is
   * not for servers alone, their times, and that the signature is by its key. Null otherwise.
   */
  check(
    shown: ShownCertificate,
    nowMs: number,
  ): { readonly authority: Uint8Array; readonly name: string } | null {
    const [device, authority] = [readCertificate(shown.certificate), readCertificate(shown.authority)];
    if (device === null || authority?.ca !== true || device.ca) return null;
    if (!isInTime(authority, nowMs) || !isClientOf(authority, device, nowMs)) return null;
    if (!isSignedBy(device.publicKey, shown)) return null;
    const name = device.toLegacyObject().subject.CN;
    return typeof name === 'string' ? { authority: fingerprint(authority), name } : null;
  },
};

function readCertificate(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}

const fingerprint = ({ raw }: X509Certificate): Uint8Array => createHash('sha256').update(raw).digest();

/** By Ed25519, ECDSA with SHA-256 (DER) or RSA (PKCS #1 1.5) with SHA-256. */
function isSignedBy(key: KeyObject, { signed, signature }: ShownCertificate): boolean {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  try {
    if (type === 'ed25519') return verify(null, signed, key, signature);
    if (type === 'ec') return verify('sha256', signed, key, signature);
    const isLong = (details?.modulusLength ?? 0) >= RSA_BITS_MIN;
    return type === 'rsa' && isLong && verify('sha256', signed, key, signature);
  } catch {
    return false;
  }
}
