import type { AccountActor } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import { type ActionId, asId, type CredentialId, type TenantId } from '../../kernel/ids.ts';
import { sqlPosition } from '../../kernel/page.ts';
import {
  ASKER_OPEN_MAX,
  DEVICE_OPEN_MAX,
  DEVICE_RUNNING_MAX,
  TENANT_ENDED_MAX,
  TENANT_OPEN_MAX,
} from './limits.ts';
import type { ActionStore, ActionToKeep, KeepOutcome } from './ports.ts';
import { insertEvent, takeReports, updateAction } from './reports.postgres.ts';
import { type ActionRow, type EventRow, toAction, toEvent } from './rows.ts';
import { happened, isOpen } from './rules.ts';
import type { ActingDevice } from './types.ts';

/** Actions in PostgreSQL: the role that keeps what devices say writes them, who asks reads them under the policies. */
export function createActionStore(database: Database): ActionStore {
  return { ...lookups(database), ...queues(database), ...changes(database), ...endings(database) };
}

/** An account that isn't asking at the moment: the database knows what it may. */
const AS_KEPT = {
  kind: 'account',
  credentialId: asId<CredentialId>('00000000-0000-0000-0000-000000000000'),
  role: 'guest',
  networkIds: null,
  operator: false,
} as const;

/** Where an account is a member; null: in all of the tenant. */
const networksOf = ({ networkIds }: AccountActor) => (networkIds === null ? null : [...networkIds]);

type Part<Name extends keyof ActionStore> = Pick<ActionStore, Name>;

function lookups(database: Database): Part<'mayAsk' | 'find' | 'list' | 'events'> {
  return {
    mayAsk: ({ tenantId, id, askedBy }) => {
      if (askedBy.kind !== 'account') return Promise.resolve(false);
      const account = { ...AS_KEPT, tenantId, accountId: askedBy.id };
      return database.read(account, async (sql) => {
        // Row-level security shows it while the account is a member and sees the network.
        const [row] = await sql<{ may: boolean }[]>`
          SELECT changes_devices() AS may FROM actions WHERE tenant_id = ${tenantId} AND id = ${id}`;
        return row?.may ?? false;
      });
    },

    find: (actor, id) =>
      database.read(actor, async (sql) => {
        const [deviceId, networkIds] =
          actor.kind === 'device' ? [actor.deviceId, null] : [null, networksOf(actor)];
        const [row] = await sql<ActionRow[]>`
          SELECT * FROM actions
          WHERE id = ${id} AND CASE WHEN ${deviceId}::uuid IS NULL
            THEN tenant_id = ${actor.tenantId}
              AND (${networkIds}::uuid[] IS NULL OR network_id = ANY (${networkIds}::uuid[]))
            ELSE asker_id = ${deviceId}::uuid END`;
        return row === undefined ? null : toAction(row);
      }),

    list: (actor, { deviceId, networkId, state }, after, limit) =>
      database.read(actor, async (sql) => {
        const { at, id } = sqlPosition(after);
        const networkIds = networksOf(actor);
        const rows = await sql<ActionRow[]>`
          SELECT * FROM actions
          WHERE tenant_id = ${actor.tenantId}
            AND (${networkIds}::uuid[] IS NULL OR network_id = ANY (${networkIds}::uuid[]))
            AND (${deviceId}::uuid IS NULL OR device_id = ${deviceId}::uuid)
            AND (${networkId}::uuid IS NULL OR network_id = ${networkId}::uuid)
            AND (${state}::text IS NULL OR state = ${state}::text)
            AND (${at}::timestamptz IS NULL OR (created_at, id) < (${at}::timestamptz, ${id}::uuid))
          ORDER BY created_at DESC, id DESC LIMIT ${limit}`;
        return rows.map(toAction);
      }),

    events: ({ tenantId, id }, after, limit) =>
      database.system('relay', async (sql) => {
        const rows = await sql<EventRow[]>`
          SELECT * FROM action_events
          WHERE tenant_id = ${tenantId} AND action_id = ${id} AND number > ${after}
          ORDER BY number LIMIT ${limit}`;
        return rows.map(toEvent);
      }),
  };
}

function queues(database: Database): Part<'findGiven' | 'findByCommand' | 'findQueues' | 'listGiven'> {
  return {
    findGiven: (device, id) =>
      database.system('relay', async (sql) => {
        const [row] = await sql<ActionRow[]>`
          SELECT * FROM actions
          WHERE tenant_id = ${device.tenantId} AND id = ${id} AND network_id = ${device.networkId}
            AND device_id = ${device.deviceId} AND state IN ('sent', 'begun')`;
        return row === undefined ? null : toAction(row);
      }),

    findByCommand: ({ tenantId, networkId, deviceId }, commandId) =>
      database.system('relay', async (sql) => {
        const [row] = await sql<{ id: ActionId }[]>`
          SELECT id FROM actions
          WHERE command_id = ${commandId} AND tenant_id = ${tenantId} AND network_id = ${networkId}
            AND device_id = ${deviceId}`;
        return row?.id ?? null;
      }),

    findQueues: (devices) =>
      database.system('relay', async (sql) => {
        const rows = await sql<{ place: bigint; tenant_id: TenantId }[]>`
          SELECT wanted.place, found.tenant_id
          FROM unnest(
              ${devices.map(({ networkId }) => networkId)}::uuid[],
              ${devices.map(({ deviceId }) => deviceId)}::uuid[])
              WITH ORDINALITY AS wanted (network_id, device_id, place)
            CROSS JOIN LATERAL (
              SELECT tenant_id FROM actions
              WHERE actions.network_id = wanted.network_id AND actions.device_id = wanted.device_id AND ended_at IS NULL
              LIMIT 1) AS found`;
        const owners = new Map(rows.map((row) => [Number(row.place), row.tenant_id] as const));
        return devices.map((_, index) => owners.get(index + 1) ?? null);
      }),

    listGiven: ({ tenantId, networkId, deviceId }) =>
      database.system('relay', async (sql) => {
        const rows = await sql<ActionRow[]>`
          SELECT * FROM actions
          WHERE tenant_id = ${tenantId} AND network_id = ${networkId} AND device_id = ${deviceId}
            AND state IN ('sent', 'begun')
          ORDER BY sent_at, priority DESC, created_at, id`;
        return rows.map(toAction);
      }),
  };
}

function changes(database: Database): Part<'keep' | 'claim' | 'noteInStream' | 'report'> {
  return {
    keep: (action, isConnected) =>
      database
        .system('relay', (sql) => keepAction(sql, action, isConnected))
        .catch((error: unknown): KeepOutcome => {
          // SQLSTATE 23503, foreign_key_violation: the device or the network is not there any more.
          if ((error as { code?: unknown }).code === '23503') return { kind: 'gone' };
          throw error;
        }),

    claim: (device, nowMs) =>
      database.system('relay', async (sql) => {
        await lockActions(sql, device.tenantId);
        const { given } = await countOpen(sql, device, null);
        const { tenantId, networkId, deviceId } = device;
        const rows = await sql<ActionRow[]>`
          UPDATE actions SET state = 'sent', sent_at = ${new Date(nowMs)}
          WHERE tenant_id = ${tenantId} AND id IN (
            SELECT id FROM actions
            WHERE tenant_id = ${tenantId} AND network_id = ${networkId} AND device_id = ${deviceId}
              AND state = 'queued' AND deadline_at > ${new Date(nowMs)}
            ORDER BY priority DESC, created_at, id LIMIT ${Math.max(0, DEVICE_RUNNING_MAX - given)})
          RETURNING *`;
        return rows.map(toAction).sort((a, b) => b.priority - a.priority || a.createdAtMs - b.createdAtMs);
      }),

    noteInStream: ({ tenantId, id }) =>
      database.system('relay', async (sql) => {
        await sql`UPDATE actions SET in_stream = true WHERE tenant_id = ${tenantId} AND id = ${id}`;
      }),

    report: (reports, nowMs) => database.system('relay', (sql) => takeReports(sql, reports, nowMs)),
  };
}

function endings(database: Database): Part<'end' | 'listExpired' | 'nextOverAtMs' | 'removeEnded'> {
  return {
    end: ({ tenantId, id }, end, nowMs) =>
      database.system('relay', async (sql) => {
        const [row] = await sql<ActionRow[]>`
          SELECT * FROM actions WHERE tenant_id = ${tenantId} AND id = ${id} FOR UPDATE`;
        if (row === undefined || !isOpen(row.state)) return null;
        const { action, event } = happened(toAction(row), { kind: 'end', ...end }, nowMs);
        await updateAction(sql, action);
        if (event !== null) await insertEvent(sql, action, event);
        return { action, before: row.state };
      }),

    listExpired: (nowMs, limit) =>
      database.system('relay', async (sql) => {
        const rows = await sql<{ tenant_id: TenantId; id: ActionId }[]>`
          SELECT tenant_id, id FROM actions WHERE ended_at IS NULL AND deadline_at <= ${new Date(nowMs)}
          ORDER BY deadline_at LIMIT ${limit}`;
        return rows.map(({ tenant_id: tenantId, id }) => ({ tenantId, id }));
      }),

    nextOverAtMs: () =>
      database.system('relay', async (sql) => {
        const [row] = await sql<{ at: Date | null }[]>`
          SELECT min(deadline_at) AS at FROM actions WHERE ended_at IS NULL`;
        return row?.at?.getTime() ?? null;
      }),

    removeEnded: (beforeMs, limit) =>
      database.system('relay', async (sql) => {
        const removed = await sql`
          DELETE FROM actions USING (
            SELECT tenant_id, id FROM (
              SELECT tenant_id, id, ended_at,
                row_number() OVER (PARTITION BY tenant_id ORDER BY ended_at DESC, id) AS place
              FROM actions WHERE ended_at IS NOT NULL) AS ended
            WHERE ended_at < ${new Date(beforeMs)} OR place > ${TENANT_ENDED_MAX} LIMIT ${limit}) AS old
          WHERE actions.tenant_id = old.tenant_id AND actions.id = old.id`;
        return removed.count;
      }),
  };
}

/** One transaction of a tenant's queues at a time, or two could take the last place. */
async function lockActions(sql: Sql, tenantId: TenantId): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`actions:${tenantId}`}, 0))`;
}

/** What is open: of the tenant, of who asks, of the device, and of that what it was given. */
async function countOpen(sql: Sql, { tenantId, networkId, deviceId }: ActingDevice, askerId: string | null) {
  const [row] = await sql<{ tenant: bigint; asker: bigint; device: bigint; given: bigint }[]>`
    SELECT count(*) AS tenant,
      count(*) FILTER (WHERE asker_id = ${askerId}) AS asker,
      count(*) FILTER (WHERE network_id = ${networkId} AND device_id = ${deviceId}) AS device,
      count(*) FILTER (WHERE network_id = ${networkId} AND device_id = ${deviceId} AND state <> 'queued') AS given
    FROM actions WHERE tenant_id = ${tenantId} AND ended_at IS NULL`;
  return {
    tenant: Number(row?.tenant),
    asker: Number(row?.asker),
    device: Number(row?.device),
    given: Number(row?.given),
  };
}

async function keepAction(sql: Sql, action: ActionToKeep, isConnected: boolean): Promise<KeepOutcome> {
  const { tenantId, networkId, deviceId, id, askedBy, name, priority, timeoutMs } = action;
  await lockActions(sql, tenantId);
  const given = sql.json({ ...action.arguments });
  const [known] = await sql<(ActionRow & { is_same: boolean })[]>`
    SELECT *, network_id = ${networkId} AND device_id = ${deviceId} AND asker_id = ${askedBy.id} AND name = ${name}
      AND arguments = ${given}::jsonb AND priority = ${priority} AND timeout_ms = ${timeoutMs} AS is_same
    FROM actions WHERE tenant_id = ${tenantId} AND id = ${id}`;
  if (known !== undefined)
    return known.is_same ? { kind: 'known', action: toAction(known) } : { kind: 'taken' };
  const open = await countOpen(sql, action, askedBy.id);
  const isFull =
    open.tenant >= TENANT_OPEN_MAX || open.asker >= ASKER_OPEN_MAX || open.device >= DEVICE_OPEN_MAX;
  if (isFull) return { kind: 'full' };
  // Nobody is overtaken: where the device has a place, its queue is empty.
  const isGiven = isConnected && open.given < DEVICE_RUNNING_MAX && open.device === open.given;
  const createdAt = new Date(action.createdAtMs);
  const [row] = await sql<ActionRow[]>`
    INSERT INTO actions (id, tenant_id, network_id, device_id, asker_kind, asker_id, chain, name, arguments, priority,
      timeout_ms, command_id, state, created_at, deadline_at, sent_at)
    VALUES (${id}, ${tenantId}, ${networkId}, ${deviceId}, ${askedBy.kind}, ${askedBy.id}, ${[...action.chain]}::uuid[], ${name},
      ${given}::jsonb, ${priority}, ${timeoutMs}, ${action.commandId}, ${isGiven ? 'sent' : 'queued'}, ${createdAt},
      ${new Date(action.deadlineAtMs)}, ${isGiven ? createdAt : null})
    RETURNING *`;
  return { kind: 'new', action: toAction(row as ActionRow) };
}
