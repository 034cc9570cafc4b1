import { expect, it } from 'vitest';
import { createDeviceAuthentication } from '../../../server/domains/devices/authenticate.ts';
import type { FoundCredentials } from '../../../server/domains/devices/ports.ts';
import { signingKeyContext } from '../../../server/domains/devices/sealed-contexts.ts';
import { TokenEnds } from '../../../server/domains/devices/token-ends.ts';
import { asId, type CredentialId, type DeviceId, type TenantId } from '../../../server/kernel/ids.ts';
import { createSecretBox } from '../../../server/platform/secrets/index.ts';
import { FakeClock } from '../../support/clock.ts';

const tenantId = asId<TenantId>('00000000-0000-4000-8000-000000000001');
const deviceId = asId<DeviceId>('00000000-0000-4000-8000-000000000002');
const [oldId, newId] = ['old', 'new'].map((id) => asId<CredentialId>(id)) as [CredentialId, CredentialId];
const secretBox = createSecretBox(new Uint8Array(32).fill(1));
const sealed = (byte: number) =>
  secretBox.seal(new Uint8Array(32).fill(byte), signingKeyContext(tenantId, deviceId));

/** A device with a new token and an old one, which is good for a minute. */
function rotated() {
  const clock = new FakeClock();
  const untilMs = clock.nowMs() + 60_000;
  const ended: string[] = [];
  const actorOf = (credentialId: CredentialId) =>
    ({ kind: 'device', tenantId, deviceId, credentialId }) as const;
  const credentials = new Map<string, FoundCredentials>([
    ['ygd_old', { actor: actorOf(oldId), signingKeySealed: sealed(1), untilMs, previousTokenId: null }],
    [
      'ygd_new',
      { actor: actorOf(newId), signingKeySealed: sealed(2), untilMs: null, previousTokenId: oldId },
    ],
  ]);
  const devices = createDeviceAuthentication({
    store: {
      findByToken: async (hash) => credentials.get(new TextDecoder().decode(hash)) ?? null,
      findCredentials: async () => null,
      dropPreviousCredentials: async () => void credentials.delete('ygd_old'),
    },
    suspended: { has: () => false },
    tokenEnds: new TokenEnds({ presence: { endToken: (_, tokenId) => void ended.push(tokenId) }, clock }),
    secretBox,
    clock,
    hash: (token) => new TextEncoder().encode(token),
  });
  const keyOf = async (token: string) => (await devices.authenticate(token))?.signingKey[0] ?? null;
  return { clock, ended, keyOf };
}

it('an old token has its own key until its time, and what was opened with it ends then, once', async () => {
  const { clock, ended, keyOf } = rotated();
  for (let times = 0; times < 3; times++) expect(await keyOf('ygd_old')).toBe(1);
  clock.advance(59_999);
  expect([await keyOf('ygd_old'), ended]).toEqual([1, []]);
  clock.advance(1);
  expect(ended).toEqual([oldId]);
  expect(await keyOf('ygd_old')).toBeNull();
  expect(await keyOf('ygd_new')).toBe(2);
});

it('an old token ends when the new one is shown', async () => {
  const { ended, keyOf } = rotated();
  expect(await keyOf('ygd_old')).toBe(1);
  expect(await keyOf('ygd_new')).toBe(2);
  expect(ended).toEqual([oldId]);
  expect(await keyOf('ygd_old')).toBeNull();
});
