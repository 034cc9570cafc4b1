import type { AccountActor } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import type { ActionId, NetworkId, TenantId } from '../../kernel/ids.ts';
import { outcomeOf } from './joint-rules.ts';
import type { JointAction, JointOutcome, JointPart, JointStore, KeepJointOutcome } from './joint-types.ts';
import { JOINT_KEPT_MAX, JOINT_OPEN_MAX } from './limits.ts';
import { type ActionRow, type JointRow, type PartRow, toAction } from './rows.ts';
import type { ActionKey, EndState } from './types.ts';

/** Actions of several devices in PostgreSQL, with their parts, which are actions. */
export function createJointStore(database: Database): JointStore {
  return {
    keep: (joint) =>
      database
        .system('relay', (sql) => keepJoint(sql, joint))
        .catch((error: unknown): KeepJointOutcome => {
          // SQLSTATE 23503, foreign_key_violation: the network is not there any more.
          if ((error as { code?: unknown }).code === '23503') return { kind: 'gone' };
          throw error;
        }),

    find: (actor: AccountActor, networkId, id) =>
      database.read(actor, async (sql) => {
        const { tenantId } = actor;
        const networkIds = actor.networkIds === null ? null : [...actor.networkIds];
        // All at once: a reading transaction takes no statement after it was waited for one.
        const [[row], parts] = await Promise.all([
          sql<JointRow[]>`
            SELECT * FROM joint_actions
            WHERE tenant_id = ${tenantId} AND id = ${id} AND network_id = ${networkId}
              AND (${networkIds}::uuid[] IS NULL OR network_id = ANY (${networkIds}::uuid[]))`,
          partsOf(sql, { tenantId, id }),
        ]);
        return row === undefined ? null : toJoint(row, parts);
      }),

    settle: (key, ended, nowMs) =>
      database.system('relay', async (sql) => {
        const row = await lockJoint(sql, key);
        if (row === null) return null;
        await takeOverEnds(sql, key);
        for (const { deviceId, state, error } of ended)
          await sql`
            UPDATE joint_action_parts
            SET state = ${state}, error_code = ${error?.code ?? null}, error_message = ${error?.message ?? null}
            WHERE tenant_id = ${key.tenantId} AND joint_id = ${key.id} AND device_id = ${deviceId} AND state IS NULL`;
        // Nobody asks for it any more: who asked is gone, or everything is decided.
        if (row.outcome !== null || row.deadline_at.getTime() <= nowMs)
          await endUnasked(sql, key, row.outcome === null ? 'timed_out' : 'cancelled');
        return decided(sql, row, nowMs, null);
      }),

    cancel: (key, nowMs) =>
      database.system('relay', async (sql) => {
        const row = await lockJoint(sql, key);
        if (row === null || row.outcome !== null) return null;
        await takeOverEnds(sql, key);
        const joint = await decided(sql, row, nowMs, 'cancelled');
        await endUnasked(sql, key, 'cancelled');
        return joint;
      }),

    ...jobs(database),
  };
}

function jobs(database: Database): Pick<JointStore, 'listOpen' | 'removeDecided'> {
  return {
    listOpen: () =>
      database.system('relay', async (sql) => {
        const rows = await sql<
          (PartRow & { tenant_id: TenantId; joint_id: ActionId; network_id: NetworkId })[]
        >`
          SELECT * FROM joint_action_parts WHERE state IS NULL`;
        return rows.map((row) => ({
          tenantId: row.tenant_id,
          id: row.joint_id,
          networkId: row.network_id,
          deviceId: row.device_id,
          actionId: row.action_id,
        }));
      }),

    removeDecided: (beforeMs) =>
      database.system('relay', async (sql) => {
        await sql`
          DELETE FROM joint_actions USING (
            SELECT tenant_id, id FROM (
              SELECT tenant_id, id, decided_at,
                row_number() OVER (PARTITION BY tenant_id ORDER BY decided_at DESC, id) AS place
              FROM joint_actions WHERE decided_at IS NOT NULL) AS kept
            WHERE decided_at < ${new Date(beforeMs)} OR place > ${JOINT_KEPT_MAX}) AS old
          WHERE joint_actions.tenant_id = old.tenant_id AND joint_actions.id = old.id`;
      }),
  };
}

async function keepJoint(sql: Sql, joint: JointAction): Promise<KeepJointOutcome> {
  const { tenantId, networkId, id, askerId, name, priority, timeoutMs, needed } = joint;
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`joint actions:${tenantId}`}, 0))`;
  const given = sql.json({ ...joint.arguments });
  const deviceIds = joint.parts.map(({ deviceId }) => deviceId);
  const [known] = await sql<(JointRow & { is_same: boolean })[]>`
    SELECT *, network_id = ${networkId} AND asker_id = ${askerId} AND name = ${name} AND arguments = ${given}::jsonb
      AND priority = ${priority} AND timeout_ms = ${timeoutMs} AND needed = ${needed}
      AND ${deviceIds}::uuid[] = ARRAY (SELECT device_id FROM joint_action_parts AS part
        WHERE part.tenant_id = joint_actions.tenant_id AND part.joint_id = joint_actions.id ORDER BY place) AS is_same
    FROM joint_actions WHERE tenant_id = ${tenantId} AND id = ${id}`;
  if (known !== undefined)
    return known.is_same
      ? { kind: 'known', joint: toJoint(known, await partsOf(sql, joint)) }
      : { kind: 'taken' };
  const [open] = await sql<{ count: bigint }[]>`
    SELECT count(*) AS count FROM joint_actions WHERE tenant_id = ${tenantId} AND outcome IS NULL`;
  if (Number(open?.count) >= JOINT_OPEN_MAX) return { kind: 'full' };
  await sql`
    INSERT INTO joint_actions (id, tenant_id, network_id, asker_id, name, arguments, priority, timeout_ms, needed, created_at,
      deadline_at)
    VALUES (${id}, ${tenantId}, ${networkId}, ${askerId}, ${name}, ${given}::jsonb, ${priority}, ${timeoutMs}, ${needed},
      ${new Date(joint.createdAtMs)}, ${new Date(joint.deadlineAtMs)})`;
  await sql`
    INSERT INTO joint_action_parts (tenant_id, joint_id, network_id, place, device_id, action_id)
    SELECT ${tenantId}, ${id}, ${networkId}, place, device_id, action_id
    FROM unnest(${deviceIds}::uuid[], ${joint.parts.map(({ actionId }) => actionId)}::uuid[])
      WITH ORDINALITY AS part (device_id, action_id, place)`;
  return { kind: 'new', joint };
}

async function lockJoint(sql: Sql, { tenantId, id }: ActionKey): Promise<JointRow | null> {
  const [row] = await sql<JointRow[]>`
    SELECT * FROM joint_actions WHERE tenant_id = ${tenantId} AND id = ${id} FOR UPDATE`;
  return row ?? null;
}

/** Parts end as their actions did. */
async function takeOverEnds(sql: Sql, { tenantId, id }: ActionKey): Promise<void> {
  await sql`
    UPDATE joint_action_parts AS part
    SET state = actions.state, error_code = actions.error_code, error_message = actions.error_message
    FROM actions
    WHERE part.tenant_id = ${tenantId} AND part.joint_id = ${id} AND part.state IS NULL
      AND actions.tenant_id = part.tenant_id AND actions.id = part.action_id AND actions.ended_at IS NOT NULL`;
}

/** Parts that are no actions end, too. */
async function endUnasked(sql: Sql, { tenantId, id }: ActionKey, state: EndState): Promise<void> {
  await sql`
    UPDATE joint_action_parts AS part SET state = ${state}
    WHERE part.tenant_id = ${tenantId} AND part.joint_id = ${id} AND part.state IS NULL
      AND NOT EXISTS (SELECT FROM actions WHERE actions.tenant_id = part.tenant_id AND actions.id = part.action_id)`;
}

/** The action with what its parts decide, or with `outcome`, where nothing is decided yet. */
async function decided(
  sql: Sql,
  row: JointRow,
  nowMs: number,
  outcome: JointOutcome | null,
): Promise<JointAction> {
  const joint = toJoint(row, await partsOf(sql, { tenantId: row.tenant_id, id: row.id }));
  if (joint.outcome !== null) return joint;
  const found =
    outcome ??
    outcomeOf(
      joint.needed,
      joint.parts.map(({ state }) => state),
    );
  if (found === null) return joint;
  await sql`
    UPDATE joint_actions SET outcome = ${found}, decided_at = ${new Date(nowMs)}
    WHERE tenant_id = ${joint.tenantId} AND id = ${joint.id}`;
  return { ...joint, outcome: found, decidedAtMs: nowMs };
}

async function partsOf(sql: Sql, { tenantId, id }: ActionKey): Promise<readonly JointPart[]> {
  const [parts, rows] = await Promise.all([
    sql<PartRow[]>`
      SELECT * FROM joint_action_parts WHERE tenant_id = ${tenantId} AND joint_id = ${id} ORDER BY place`,
    sql<ActionRow[]>`
      SELECT actions.* FROM joint_action_parts AS part JOIN actions
        ON actions.tenant_id = part.tenant_id AND actions.id = part.action_id
      WHERE part.tenant_id = ${tenantId} AND part.joint_id = ${id}`,
  ]);
  const actions = new Map(rows.map((row) => [row.id, toAction(row)] as const));
  return parts.map((part) => ({
    deviceId: part.device_id,
    actionId: part.action_id,
    state: part.state,
    error: part.error_code === null ? null : { code: part.error_code, message: part.error_message ?? '' },
    action: actions.get(part.action_id) ?? null,
  }));
}

const toJoint = (row: JointRow, parts: readonly JointPart[]): JointAction => ({
  id: row.id,
  tenantId: row.tenant_id,
  networkId: row.network_id,
  askerId: row.asker_id,
  name: row.name,
  arguments: row.arguments,
  priority: row.priority,
  timeoutMs: row.timeout_ms,
  needed: row.needed,
  outcome: row.outcome,
  createdAtMs: row.created_at.getTime(),
  deadlineAtMs: row.deadline_at.getTime(),
  decidedAtMs: row.decided_at?.getTime() ?? null,
  parts,
});
