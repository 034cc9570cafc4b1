import { SIGNATURE_KEY_BYTES } from './limits.ts';

/**
 * Public keys of Ed25519 whose points have a small order, in every encoding that OpenSSL takes, the sign of x left out. For them anybody makes
 * signatures, of any text: they prove nothing ("Taming the many EdDSAs", Chalkias, Garillot, Nikolaenko 2020, table 1).
 */
const WEAK_KEYS: ReadonlySet<string> = new Set([
  `00${'00'.repeat(31)}`,
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
]);
const LAST = SIGNATURE_KEY_BYTES - 1;

/** True for a key of the right length whose signatures can be its owner's alone. */
export function canSignAlone(publicKey: Uint8Array): boolean {
  if (publicKey.length !== SIGNATURE_KEY_BYTES) return false;
  const withoutSign = publicKey.with(LAST, (publicKey[LAST] ?? 0) & 0x7f);
  return !WEAK_KEYS.has(Buffer.from(withoutSign).toString('hex'));
}
