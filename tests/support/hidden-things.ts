import { connect } from '../../server/platform/database/connect.ts';
import { allowPublisher, makeRelease, upload } from './releases.ts';
import type { TestServer } from './server.ts';
import { createDevice } from './world.ts';

/** The tables with the victim's rows, without what changes by itself: her own device attacks her, too. */
const VICTIM_TABLES = [
  'networks',
  'devices',
  'network_members',
  'memberships',
  'membership_networks',
  'ledger_accounts',
  'ledger_entries',
  'marketplace_transactions',
  'pairings',
  'pairing_rules',
  'pairing_asking_devices',
  'network_path_rules',
  'device_path_rules',
  'device_groups',
  'device_group_members',
  'locks',
  'lock_claims',
  'actions',
  'action_events',
  'joint_actions',
  'joint_action_parts',
  'marketplace_registrations',
  'marketplace_decisions',
  'release_keys',
  'releases',
  'release_parts',
  'rollouts',
  'rollout_devices',
] as const;

/** A connection to this device from another one, and a group that it is in. */
export async function hideConnections(
  server: TestServer,
  token: string,
  networkId: string,
  deviceId: string,
): Promise<{ readonly connectionId: string; readonly groupId: string }> {
  const heater = await createDevice(server, token, networkId, 'Secret heater');
  const connection = await server.post<{ id: string }>(
    '/api/v1/connections',
    { networkId, sourceId: heater.deviceId, targetId: deviceId, reason: 'Secret reason' },
    token,
  );
  const groups = `/api/v1/networks/${networkId}/groups`;
  const group = await server.post<{ id: string }>(groups, { name: 'Secret group' }, token);
  await server.request('POST', `${groups}/${group.id}/members`, {
    body: { deviceIds: [deviceId] },
    token,
    expect: 200,
  });
  return { connectionId: connection.id, groupId: group.id };
}

/** A lock in a network, which is held. */
export async function hideLock(server: TestServer, token: string, networkId: string) {
  const { body: lock } = await server.request('POST', '/api/v1/locks', {
    body: { name: 'Secret lock', networkId, leaseSeconds: 3_600 },
    token,
    expect: 200,
  });
  return { lockId: String(lock.lockId), claimId: String(lock.id) };
}

/** What a device of the network that is away is asked to do: it waits. */
export async function hideAction(server: TestServer, token: string, networkId: string) {
  const { deviceId } = await createDevice(server, token, networkId, 'Secret lamp');
  const { body: action } = await server.request('POST', `/api/v1/devices/${deviceId}/actions`, {
    body: { name: 'secret.action', arguments: { recipe: 'Secret argument' }, timeoutSeconds: 86_400 },
    token,
    expect: 202,
  });
  const { body: joint } = await server.request('POST', `/api/v1/networks/${networkId}/actions`, {
    body: { name: 'secret.action', deviceIds: [deviceId], timeoutSeconds: 86_400 },
    token,
    expect: 202,
  });
  return { actionId: String(action.id), jointId: String(joint.id) };
}

/** What the user says to be wrong with a request. */
export async function hideDispute(server: TestServer, token: string, transactionId: string): Promise<string> {
  const { body: dispute } = await server.request(
    'POST',
    `/api/v1/marketplace/transactions/${transactionId}/disputes`,
    { body: { reason: 'other', text: 'Secret complaint' }, token, expect: 201 },
  );
  return String(dispute.id);
}

/** What a device is sold for, which its owner alone sees: its program isn't connected. */
export async function hideRegistration(server: TestServer, token: string, deviceId: string): Promise<void> {
  await server.post(
    '/api/v1/marketplace/providers/register',
    { deviceId, models: [{ name: 'Secret-model', prices: '73.129' }], slots: 1 },
    token,
  );
}

/** A release, and a rollout of it to a device, which is paused. */
export async function hideRelease(server: TestServer, token: string, deviceId: string) {
  const releaseKeyId = await allowPublisher(server, token);
  const releaseId = await upload(server, token, makeRelease('"Secret firmware"', { name: 'secret' }));
  const order = { releaseId, filter: { deviceIds: [deviceId], firmware: null } };
  const { id: rolloutId } = await server.post<{ id: string }>('/api/v1/rollouts', order, token);
  await server.request('POST', `/api/v1/rollouts/${rolloutId}/pause`, { token, expect: 200 });
  return { releaseKeyId, releaseId, rolloutId };
}

/** The victim's rows as text, by table: read as the owner, whom no policy holds for this one transaction. */
export async function victimRows(server: TestServer, tenantId: string): Promise<ReadonlyMap<string, string>> {
  const owner = connect(server.databaseUrl, { connectionsMax: 1 });
  const rows = new Map<string, string>();
  const takenBack = new Error('taken back');
  try {
    await owner.begin(async (sql) => {
      for (const table of VICTIM_TABLES) {
        await sql`ALTER TABLE ${sql(table)} NO FORCE ROW LEVEL SECURITY`;
        const [row] = await sql<{ rows: string | null }[]>`
          SELECT string_agg(text, ' ' ORDER BY text) AS rows FROM (
            SELECT (to_jsonb(t) - 'last_seen_at' - 'capabilities' - 'session_key' - 'session_key_token_id' - 'signature_key')::text AS text FROM ${sql(table)} t
            WHERE tenant_id = ${tenantId}) AS victim`;
        rows.set(table, row?.rows ?? '');
      }
      await sql`ALTER TABLE account_tokens NO FORCE ROW LEVEL SECURITY`;
      const [tokens] = await sql<{ rows: string | null }[]>`
        SELECT string_agg(to_jsonb(t)::text, ' ' ORDER BY id) AS rows FROM account_tokens t
        WHERE account_id IN (SELECT account_id FROM memberships WHERE tenant_id = ${tenantId} AND role = 'owner')`;
      rows.set('account_tokens', tokens?.rows ?? '');
      await sql`ALTER TABLE relayed_pairs NO FORCE ROW LEVEL SECURITY`;
      const [pairs] = await sql<{ rows: string | null }[]>`
        SELECT string_agg(to_jsonb(t)::text, ' ' ORDER BY first_id, second_id) AS rows FROM relayed_pairs t
        WHERE network_id IN (SELECT id FROM networks WHERE tenant_id = ${tenantId})`;
      rows.set('relayed_pairs', pairs?.rows ?? '');
      throw takenBack;
    });
  } catch (error) {
    if (error !== takenBack) throw error;
  } finally {
    await owner.end({ timeout: 5 });
  }
  return rows;
}
