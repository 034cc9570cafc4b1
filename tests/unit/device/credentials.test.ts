import { describe, expect, it } from 'vitest';
import { CredentialsError, parseCredentials, signingSecret } from '../../../device/client/index.ts';
import { madeUpCredentials } from '../../support/bifrost-server.ts';

const good = madeUpCredentials(251);

describe('credentials', () => {
  it('are read from what REST gives, with fields that are not known here', () => {
    expect(parseCredentials(JSON.stringify({ ...good, more: 1 }))).toEqual(good);
    expect(signingSecret(good)).toEqual(new Uint8Array(32).fill(251));
  });

  it('have their ids in lower case, as frames do', () => {
    const shouted = {
      ...good,
      deviceId: good.deviceId.toUpperCase(),
      networkId: good.networkId.toUpperCase(),
    };
    expect(parseCredentials(JSON.stringify(shouted))).toEqual(good);
  });

  it.each([
    ['not JSON', '{'],
    ['no object', '5'],
    ['null', 'null'],
    ['no token', JSON.stringify({ ...good, token: '' })],
    ['a device id that is none', JSON.stringify({ ...good, deviceId: 'x' })],
    ['a network id that is none', JSON.stringify({ ...good, networkId: 5 })],
    ['a short key', JSON.stringify({ ...good, signingKey: 'AAAA' })],
    ['a key that is not base64url', JSON.stringify({ ...good, signingKey: '*'.repeat(43) })],
  ])('with %s are refused without showing them', (_what, json) => {
    expect(() => parseCredentials(json)).toThrow(CredentialsError);
    try {
      parseCredentials(json);
    } catch (error) {
      expect((error as Error).message).not.toContain(good.signingKey);
    }
  });
});
