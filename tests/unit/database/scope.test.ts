import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Actor } from '../../../server/kernel/actor.ts';
import { asId, type DeviceId } from '../../../server/kernel/ids.ts';
import { SIGNED_SCOPES_MAX } from '../../../server/platform/database/limits.ts';
import { createScopeSigner } from '../../../server/platform/database/scope.ts';
import { newOwner, serverFor, TEST_CREDENTIAL_ID } from '../../support/actors.ts';

const key = Buffer.alloc(32, 7);
const signed = (content: string) => `${content}|${createHmac('sha256', key).update(content).digest('hex')}`;

test('each actor gets its own scope, the first time and later, however many others were asked for meanwhile', () => {
  const scopeOf = createScopeSigner(key);
  const owner = newOwner();
  const { tenantId, accountId, credentialId } = owner;
  const deviceId = asId<DeviceId>(accountId);
  const device: Actor = { kind: 'device', credentialId, tenantId, deviceId };
  const colleague = { ...newOwner(), tenantId, credentialId: TEST_CREDENTIAL_ID };
  for (let round = 0; round < 2; round++) {
    expect(scopeOf(owner)).toBe(signed(`${tenantId}|${accountId}|`));
    expect(scopeOf(device)).toBe(signed(`${tenantId}||${deviceId}`));
    expect(scopeOf(colleague)).toBe(signed(`${tenantId}|${colleague.accountId}|`));
    expect(scopeOf(serverFor(tenantId))).toBe(signed(`${tenantId}||`));
    for (let other = 0; other <= SIGNED_SCOPES_MAX; other++) scopeOf(serverFor(asId(`${round}-${other}`)));
  }
});
