import { describe, expect, it } from 'vitest';
import { type AccountId, asId, type CredentialId } from '../../../server/kernel/ids.ts';
import { createAccessTokenFormat } from '../../../server/platform/access-tokens/index.ts';
import { ed25519 } from '../../../server/platform/secrets/index.ts';

const privateKey = new Uint8Array(32).fill(7);
const key = { id: '0123456789abcdef', publicKey: ed25519.publicKeyOf(privateKey), privateKey };
const NOW = 1_700_000_000_000;
const claims = {
  accountId: asId<AccountId>('0b9d3c1e-0000-4000-8000-000000000001'),
  credentialId: asId<CredentialId>('0b9d3c1e-0000-4000-8000-000000000002'),
  issuedAtMs: NOW,
  expiresAtMs: NOW + 600_000,
};
const format = createAccessTokenFormat('https://yggdrasil.example');

describe('an access token', () => {
  it('says what was signed, until it ends', async () => {
    const token = await format.sign(key, claims);
    expect(await format.read(token, [key], NOW)).toEqual(claims);
    expect(await format.read(token, [key], NOW + 599_000)).toEqual(claims);
    expect(await format.read(token, [key], NOW + 600_000)).toBe('ended');
  });

  it('bears a clock that went back by seconds, and no token from the future', async () => {
    const token = await format.sign(key, claims);
    expect(await format.read(token, [key], NOW - 5_000)).toEqual(claims);
    expect(await format.read(token, [key], NOW - 6_000)).toBeNull();
  });

  it('is good under its own key and at its own issuer alone', async () => {
    const token = await format.sign(key, claims);
    const other = { ...key, publicKey: ed25519.publicKeyOf(new Uint8Array(32).fill(8)) };
    expect(await format.read(token, [other], NOW)).toBeNull();
    expect(await format.read(token, [{ ...key, id: 'fedcba9876543210' }], NOW)).toBeNull();
    expect(await format.read(token, [], NOW)).toBeNull();
    const elsewhere = createAccessTokenFormat('https://other.example');
    expect(await elsewhere.read(token, [key], NOW)).toBeNull();
    expect(await format.read(await elsewhere.sign(key, claims), [key], NOW)).toBeNull();
  });
});
