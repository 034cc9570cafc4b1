import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ConnectionRegistry } from '../../../server/domains/presence/index.ts';
import { relayError } from '../../../server/domains/relay/index.ts';
import type { AuditClass } from '../../../server/kernel/operation.ts';
import { defineRoute } from '../../../server/transports/rest/define-route.ts';
import { TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { serving } from './rest-under-test.ts';

const revoke = (connections: ConnectionRegistry) =>
  connections.end({ credentialId: TEST_CREDENTIAL_ID }, relayError('unauthenticated'));

/** A route whose service counts its calls, and does this meanwhile. */
function route(audit: AuditClass, meanwhile: () => void = () => {}) {
  const calls = { count: 0 };
  const operation = defineRoute({
    operation: 'things.create',
    method: 'POST',
    path: '/things',
    access: 'devices.read',
    cost: 100,
    audit,
    summary: 'Does it.',
    response: z.object({ done: z.literal(true) }),
    status: 201,
    errors: [],
    handle: async () => {
      calls.count++;
      meanwhile();
      return { done: true as const };
    },
  });
  return { operation, calls };
}

describe.each(['none', 'change', 'money'] as const)('a request of the class %s', (audit) => {
  it('is not served when its token is revoked while it is looked at', async () => {
    const { operation, calls } = route(audit);
    const { ask, connections } = serving(operation, { found: revoke });
    expect((await ask({ token: 'ygu_user' })).status).toBe(401);
    expect([calls.count, connections.count]).toEqual([0, 0]);
  });

  it('is not served when its token is revoked while its body arrives', async () => {
    const { operation, calls } = route(audit);
    const { ask, connections } = serving(operation, { receiving: revoke });
    expect((await ask({ token: 'ygu_user' })).status).toBe(401);
    expect([calls.count, connections.count]).toEqual([0, 0]);
  });

  it('is served when another token is revoked meanwhile', async () => {
    const { operation, calls } = route(audit);
    const other = '00000000-0000-4000-8000-0000000000c2' as typeof TEST_CREDENTIAL_ID;
    const found = (connections: ConnectionRegistry) =>
      void connections.end({ credentialId: other }, relayError('unauthenticated'));
    const { ask, connections } = serving(operation, { found });
    expect((await ask({ token: 'ygu_user' })).status).toBe(201);
    expect([calls.count, connections.count]).toEqual([1, 0]);
  });

  it('that is running is cut when its token is revoked, unless it is a change', async () => {
    let served: ConnectionRegistry | null = null;
    const ended: number[] = [];
    const { operation } = route(audit, () => {
      if (served !== null) ended.push(revoke(served));
    });
    const { ask, connections } = serving(operation);
    served = connections;
    expect((await ask({ token: 'ygu_user' })).status).toBe(audit === 'change' ? 201 : 401);
    expect([ended, connections.count]).toEqual([[1], 0]);
  });
});
