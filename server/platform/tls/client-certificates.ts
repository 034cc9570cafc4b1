import type { X509Certificate } from 'node:crypto';

/** Purposes of a certificate that a client may show (RFC 5280 section 4.2.1.12): its own one, and any. */
const CLIENT_PURPOSES: ReadonlySet<string> = new Set(['1.3.6.1.5.5.7.3.2', '2.5.29.37.0']);

/** True for a certificate that the authority itself has issued, for clients where it says for whom, and that is good now. */
export function isClientOf(authority: X509Certificate, shown: X509Certificate, nowMs: number): boolean {
  if (!shown.checkIssued(authority) || !shown.verify(authority.publicKey)) return false;
  // Undefined where it names no purpose, which the library's types don't say.
  const purposes = shown.keyUsage as readonly string[] | undefined;
  if (purposes?.some((purpose) => CLIENT_PURPOSES.has(purpose)) === false) return false;
  return isInTime(shown, nowMs);
}

/** True within the times that the certificate names. */
export function isInTime({ validFrom, validTo }: X509Certificate, nowMs: number): boolean {
  return Date.parse(validFrom) <= nowMs && nowMs < Date.parse(validTo);
}
