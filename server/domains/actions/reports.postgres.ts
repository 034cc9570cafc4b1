import type { Sql } from '../../kernel/database.ts';
import type { ReportOf } from './ports.ts';
import { type ActionRow, eventColumns, toAction } from './rows.ts';
import { type ReportOutcome, takeReport } from './rules.ts';
import type { Action, ActionEvent, ActionKey } from './types.ts';

const keyOf = ({ tenantId, id }: ActionKey) => `${tenantId} ${id}`;

/** Takes reports in their order. Null for one of an action that this device was never given in this network. */
export async function takeReports(
  sql: Sql,
  reports: readonly ReportOf[],
  nowMs: number,
): Promise<(ReportOutcome | null)[]> {
  const actions = await lockActionsOf(sql, reports);
  const changed = new Map<string, Action>();
  const events: [ActionKey, ActionEvent][] = [];
  const outcomes = reports.map(({ device, id, report }) => {
    const key = keyOf({ tenantId: device.tenantId, id });
    const action = actions.get(key);
    const isOfDevice = action?.deviceId === device.deviceId && action.networkId === device.networkId;
    if (action === undefined || !isOfDevice || action.sentAtMs === null) return null;
    const outcome = takeReport(action, report, nowMs);
    if (outcome.kind !== 'taken') return outcome;
    actions.set(key, outcome.action);
    changed.set(key, outcome.action);
    if (outcome.event !== null) events.push([outcome.action, outcome.event]);
    return outcome;
  });
  await Promise.all([
    ...[...changed.values()].map((action) => updateAction(sql, action)),
    ...events.map(([key, event]) => insertEvent(sql, key, event)),
  ]);
  return outcomes;
}

/** In the order of their keys, so that two transactions don't wait for each other. */
async function lockActionsOf(sql: Sql, reports: readonly ReportOf[]): Promise<Map<string, Action>> {
  const rows = await sql<ActionRow[]>`
    SELECT actions.* FROM actions JOIN unnest(
        ${reports.map(({ device }) => device.tenantId)}::uuid[],
        ${reports.map(({ id }) => id)}::uuid[]) AS wanted (tenant_id, id)
      ON actions.tenant_id = wanted.tenant_id AND actions.id = wanted.id
    ORDER BY actions.tenant_id, actions.id FOR UPDATE OF actions`;
  return new Map(rows.map((row) => [keyOf({ tenantId: row.tenant_id, id: row.id }), toAction(row)] as const));
}

/** Writes what changes of an action. */
export async function updateAction(sql: Sql, action: Action): Promise<void> {
  const { progress, error, begunAtMs, endedAtMs } = action;
  await sql`
    UPDATE actions SET
      state = ${action.state}, fraction = ${progress?.fraction ?? null}, progress_text = ${progress?.text ?? null},
      result = ${sql.json({ ...action.values })}, error_code = ${error?.code ?? null}, error_message = ${error?.message ?? null},
      begun_at = ${begunAtMs === null ? null : new Date(begunAtMs)}, ended_at = ${endedAtMs === null ? null : new Date(endedAtMs)},
      last_event = ${action.lastEvent}, last_report = ${action.lastReport}, result_bytes = ${action.resultBytes}
    WHERE tenant_id = ${action.tenantId} AND id = ${action.id}`;
}

/** Adds an event. */
export async function insertEvent(sql: Sql, { tenantId, id }: ActionKey, event: ActionEvent): Promise<void> {
  const columns = eventColumns(event);
  await sql`
    INSERT INTO action_events (tenant_id, action_id, number, at, kind, fraction, text, content, state, error_code, result)
    VALUES (${tenantId}, ${id}, ${event.number}, ${new Date(event.atMs)}, ${columns.kind}, ${columns.fraction}, ${columns.text},
      ${columns.content}, ${columns.state}, ${columns.error_code},
      ${columns.result === null ? null : sql.json({ ...columns.result })})`;
}
