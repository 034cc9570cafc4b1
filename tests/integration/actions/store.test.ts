import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createActionStore } from '../../../server/domains/actions/index.ts';
import {
  ASKER_OPEN_MAX,
  DEVICE_OPEN_MAX,
  DEVICE_RUNNING_MAX,
  RESULT_BYTES_MAX,
} from '../../../server/domains/actions/limits.ts';
import type { ActionStore, ActionToKeep } from '../../../server/domains/actions/ports.ts';
import type { ActingDevice, ActionChange } from '../../../server/domains/actions/types.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { type ActionId, asId, type DeviceId, type NetworkId } from '../../../server/kernel/ids.ts';
import { createSystemRandom } from '../../../server/platform/system/random.ts';
import { addOwner, newOwner } from '../../support/actors.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const NOW_MS = Date.UTC(2026, 5, 1);
const random = createSystemRandom();
let testDatabase: TestDatabase;
let store: ActionStore;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  store = createActionStore(testDatabase.database);
});
afterAll(() => testDatabase.close());

/** A device of a network. */
async function addDevice(owner: AccountActor, networkId: NetworkId): Promise<DeviceId> {
  const deviceId = asId<DeviceId>(random.uuid());
  await testDatabase.database.tenant(owner, async (sql) => {
    await sql`
      INSERT INTO devices (id, tenant_id, name, world_type, token_id, token_hash, signing_key_sealed)
      VALUES (${deviceId}, ${owner.tenantId}, 'Device', 'jotunheim', ${deviceId},
        ${Buffer.from(deviceId.replaceAll('-', '').repeat(2), 'hex')}, ${Buffer.alloc(1)})`;
    await sql`
      INSERT INTO network_members (tenant_id, network_id, device_tenant_id, device_id)
      VALUES (${owner.tenantId}, ${networkId}, ${owner.tenantId}, ${deviceId})`;
  });
  return deviceId;
}

/** A network with a device, and actions for it. */
async function home() {
  const { database } = testDatabase;
  const owner = newOwner();
  const networkId = asId<NetworkId>(random.uuid());
  await addOwner(database, owner);
  await database.tenant(
    owner,
    (sql) => sql`INSERT INTO networks (id, tenant_id, name) VALUES (${networkId}, ${owner.tenantId}, 'Home')`,
  );
  const deviceId = await addDevice(owner, networkId);
  const device: ActingDevice = { tenantId: owner.tenantId, networkId, deviceId };
  const action = (changes: Partial<ActionToKeep> = {}): ActionToKeep => ({
    ...device,
    id: asId<ActionId>(random.uuid()),
    askedBy: { kind: 'account', id: owner.accountId },
    chain: [],
    commandId: random.uuid(),
    name: 'led.blink',
    arguments: { times: 3 },
    priority: 5,
    timeoutMs: 60_000,
    createdAtMs: NOW_MS,
    deadlineAtMs: NOW_MS + 60_000,
    ...changes,
  });
  const say = (id: ActionId, number: number | null, change: ActionChange) =>
    store.report([{ device, id, report: { number, change } }], NOW_MS);
  return { owner, device, action, say };
}

const end: ActionChange = { kind: 'end', state: 'done', error: null, values: {} };

describe('actions in the database', () => {
  it('are the first one for the same id and body, and nobody’s for another body', async () => {
    const { action } = await home();
    const first = action();
    const [kept, again, other] = [
      await store.keep(first, true),
      await store.keep({ ...first, createdAtMs: NOW_MS + 5 }, true),
      await store.keep({ ...first, arguments: { times: 4 } }, true),
    ];
    expect([kept.kind, again.kind, other.kind]).toEqual(['new', 'known', 'taken']);
    expect('action' in again && again.action).toMatchObject({ createdAtMs: NOW_MS, state: 'sent' });
  });

  it('are given a few at a time, by priority, and never past the bounds, however many ask at once', async () => {
    const { device, action } = await home();
    const priorities = Array.from({ length: DEVICE_OPEN_MAX + 10 }, (_, index) => index % 10);
    const outcomes = await Promise.all(priorities.map((priority) => store.keep(action({ priority }), true)));
    const states = outcomes.map((outcome) => ('action' in outcome ? outcome.action.state : outcome.kind));
    const count = (state: string) => states.filter((each) => each === state).length;
    expect([count('sent'), count('queued'), count('full')]).toEqual([
      DEVICE_RUNNING_MAX,
      DEVICE_OPEN_MAX - DEVICE_RUNNING_MAX,
      10,
    ]);
    expect(await store.claim(device, NOW_MS)).toEqual([]);
    const [first] = await store.listGiven(device);
    await store.end(first as ActionToKeep, { state: 'cancelled', error: null, values: {} }, NOW_MS);
    const claimed = await store.claim(device, NOW_MS);
    expect(claimed.map(({ priority }) => priority)).toEqual([9]);
    expect(await store.findQueues([device, { ...device, deviceId: asId<DeviceId>(random.uuid()) }])).toEqual([
      device.tenantId,
      null,
    ]);
  });

  it('leave places for others, however much one asks of other devices', async () => {
    const { owner, device, action } = await home();
    const asker = asId<DeviceId>(random.uuid());
    const another = await addDevice(owner, device.networkId);
    await testDatabase.database.system(
      'relay',
      (sql) => sql`
        INSERT INTO actions (id, tenant_id, network_id, device_id, asker_kind, asker_id, chain, name, arguments, priority,
          timeout_ms, command_id, state, created_at, deadline_at)
        SELECT gen_random_uuid(), ${owner.tenantId}, ${device.networkId}, ${another}, 'device', ${asker}, '{}', 'led.blink', '{}',
          5, 60000, gen_random_uuid(), 'queued', ${new Date(NOW_MS)}, ${new Date(NOW_MS + 60_000)}
        FROM generate_series(1, ${ASKER_OPEN_MAX})`,
    );
    const greedy = action({ askedBy: { kind: 'device', id: asker } });
    expect(await store.keep(greedy, true)).toEqual({ kind: 'full' });
    expect(await store.keep(action(), true)).toMatchObject({ kind: 'new' });
  });

  it('take each report once, in one transaction, and nothing that is too large or too late', async () => {
    const { device, action, say } = await home();
    const asked = action();
    await store.keep(asked, true);
    const content = new Uint8Array(16_384).fill(7);
    const chunks = Array.from({ length: RESULT_BYTES_MAX / content.length }, (_, index) => ({
      device,
      id: asked.id,
      report: { number: index + 1, change: { kind: 'chunk', content } as const },
    }));
    const outcomes = await store.report([...chunks, ...chunks.slice(0, 2)], NOW_MS);
    expect(outcomes.map((outcome) => outcome?.kind)).toEqual([
      ...chunks.map(() => 'taken'),
      'known',
      'known',
    ]);
    const [tooMuch] = await say(asked.id, chunks.length + 1, { kind: 'chunk', content: Uint8Array.of(1) });
    expect(tooMuch).toMatchObject({
      action: { state: 'failed', error: { code: 'action_result_too_large' } },
    });
    expect(await say(asked.id, null, end)).toMatchObject([{ kind: 'over' }]);
    const events = await store.events(asked, chunks.length - 1, 10);
    expect(events.map(({ kind, number }) => [kind, number])).toEqual([
      ['chunk', chunks.length],
      ['end', chunks.length + 1],
    ]);
  });

  it('keep what a device says with what no text of the database can hold', async () => {
    const { action, say } = await home();
    const asked = action();
    await store.keep(asked, true);
    await say(asked.id, 1, { kind: 'progress', fraction: Number.NaN, text: 'a\0b' });
    const values = { 'na\0me': 'te\0xt', level: 3 };
    const error = { code: 'command_failed', message: `\ud800${'x'.repeat(600)}` } as const;
    const [outcome] = await say(asked.id, 2, { kind: 'end', state: 'failed', error, values });
    expect(outcome).toMatchObject({
      action: {
        progress: { fraction: null, text: 'a\ufffdb' },
        values: { 'na\ufffdme': 'te\ufffdxt', level: 3 },
        error: { code: 'command_failed', message: `\ufffd${'x'.repeat(499)}` },
      },
    });
  });

  it('may be asked for as long as who asked is a member that may, and sees the network', async () => {
    const { owner, device, action } = await home();
    const { database } = testDatabase;
    const kept = await store.keep(action(), false);
    const asked = 'action' in kept ? kept.action : null;
    if (asked === null) throw new Error('it was not kept');
    const { tenantId, accountId } = owner;
    const mayAs = async (role: string, allNetworks: boolean) => {
      await database.system('identity', async (sql) => {
        await sql`
          UPDATE memberships SET role = ${role}, all_networks = ${allNetworks}
          WHERE tenant_id = ${tenantId} AND account_id = ${accountId}`;
      });
      return store.mayAsk(asked);
    };
    const answers = [await mayAs('owner', true), await mayAs('guest', false), await mayAs('member', false)];
    await database.system('identity', async (sql) => {
      await sql`
        INSERT INTO membership_networks (tenant_id, account_id, network_id)
        VALUES (${tenantId}, ${accountId}, ${device.networkId})`;
    });
    answers.push(await mayAs('member', false));
    await database.tenant(owner, async (sql) => {
      await sql`DELETE FROM memberships WHERE tenant_id = ${tenantId} AND account_id = ${accountId}`;
    });
    answers.push(await store.mayAsk(asked));
    expect(answers).toEqual([true, false, false, true, false]);
  });

  it('are seen by their tenant alone, end with their time, and are removed long after', async () => {
    const { owner, action, say } = await home();
    const stranger: AccountActor = (await home()).owner;
    const [open, ended] = [action(), action()];
    await store.keep(open, true);
    await store.keep(ended, true);
    await say(ended.id, 1, end);
    const seen = (actor: AccountActor) =>
      store.list(actor, { deviceId: null, networkId: null, state: null }, null, 10);
    expect([(await seen(owner)).length, (await seen(stranger)).length]).toEqual([2, 0]);
    expect([await store.find(owner, open.id), await store.find(stranger, open.id)]).toMatchObject([{}, null]);
    const due = await store.listExpired(NOW_MS + 60_000, 1_000);
    expect(due.filter(({ tenantId }) => tenantId === owner.tenantId)).toEqual([
      { tenantId: owner.tenantId, id: open.id },
    ]);
    expect(await store.removeEnded(NOW_MS, 10)).toBe(0);
    expect(await store.removeEnded(NOW_MS + 1, 10)).toBeGreaterThan(0);
    expect([await store.find(owner, open.id), await store.find(owner, ended.id)]).toMatchObject([{}, null]);
  });
});
