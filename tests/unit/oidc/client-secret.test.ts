import { generateKeyPairSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { StartError } from '../../../server/kernel/start-error.ts';
import { createIssuerClient } from '../../../server/platform/oidc/index.ts';
import { FakeClock } from '../../support/clock.ts';

const optionsWith = (privateKey: string) => ({
  issuer: 'https://id.example.org',
  clientId: 'id',
  client: { teamId: 'TEAM', keyId: 'KEY', privateKey },
  scope: 'openid',
  redirectUri: 'https://home.example.org/back',
  responseMode: 'form_post' as const,
});

it('a key that is none of P-256 is refused at the start, without a word of it', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  for (const wrong of [
    rsa.export({ type: 'pkcs8', format: 'pem' }).toString(),
    '-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----',
  ]) {
    const create = () => createIssuerClient(optionsWith(wrong), { clock: new FakeClock() });
    expect(create).toThrow(StartError);
    expect(create).not.toThrow(/hush/);
  }
});
