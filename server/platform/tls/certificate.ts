import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

/** The oldest version of TLS that is spoken. */
export type TlsVersion = '1.2' | '1.3';

/** Where a certificate lies, as PEM. */
export interface CertificateFiles {
  /** The certificate, and behind it those that lead to its authority. */
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** A certificate that fits its key. */
export interface Certificate extends CertificateFiles {
  readonly certificatePem: string;
  readonly keyPem: string;
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
}

/** The certificate that listeners show. */
export interface Tls {
  readonly versionMin: TlsVersion;
  current(): Certificate;
  /** Calls `changed` when there is another one. Connections that were made with the old one stay. What throws can't use it: it is tried again. */
  whenRenewed(changed: () => void): void;
}

/** Why two texts are no certificate with its key, for who can mend it. */
export class CertificateError extends Error {}

/** Throws CertificateError where the texts can't be used together, as while only one of them has been replaced. */
export function checkCertificate(
  files: CertificateFiles,
  pems: { readonly certificatePem: string; readonly keyPem: string },
): Certificate {
  const { certificatePem, keyPem } = pems;
  const [leaf] = (certificatePem.match(PEM_CERTIFICATE) ?? []).map((pem) => readCertificate(pem, files));
  if (leaf === undefined) throw new CertificateError(`${files.certificateFile} holds no certificate in PEM`);
  if (!leaf.checkPrivateKey(readKey(keyPem, files))) {
    throw new CertificateError(`the key in ${files.keyFile} is not that of ${files.certificateFile}`);
  }
  return { ...files, certificatePem, keyPem, expiresAtMs: Date.parse(leaf.validTo) };
}

/** RFC 7468 section 5. */
const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

function readCertificate(pem: string, { certificateFile }: CertificateFiles): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new CertificateError(`${certificateFile} holds a certificate that can't be read`);
  }
}

function readKey(keyPem: string, { keyFile }: CertificateFiles): KeyObject {
  if (keyPem.includes('ENCRYPTED')) {
    throw new CertificateError(`the key in ${keyFile} is encrypted: give it without a passphrase`);
  }
  try {
    return createPrivateKey(keyPem);
  } catch {
    throw new CertificateError(`${keyFile} holds no private key in PEM`);
  }
}
