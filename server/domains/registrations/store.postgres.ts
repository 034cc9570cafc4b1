import type { Database, Sql } from '../../kernel/database.ts';
import { notFound } from '../../kernel/errors.ts';
import type { DeviceId, TenantId } from '../../kernel/ids.ts';
import { pageOf } from '../../kernel/page.ts';
import { addedDecisions, decisionsAbout, lastWordOfOperator, newestDecisions } from '../decisions/index.ts';
import type { ProviderId } from '../providers/index.ts';
import { alreadyRegistered } from './errors.ts';
import type { RegisteredDevice, RegistrationStore } from './ports.ts';
import { type KeptTerms, keptTerms, readTerms } from './terms-json.ts';
import type {
  DecisionDraft,
  RegistrationChange,
  RegistrationState,
  StoredRegistration,
  TestResult,
} from './types.ts';

interface RegistrationRow {
  provider_id: ProviderId;
  tenant_id: TenantId;
  device_id: DeviceId;
  origin: 'owner' | 'device';
  terms: KeptTerms;
  is_active: boolean;
  state: RegistrationState;
  last_test: TestResult | null;
  created_at: Date;
  changed_at: Date;
  removed_at: Date | null;
}

const toRegistration = (row: RegistrationRow): StoredRegistration => ({
  providerId: row.provider_id,
  tenantId: row.tenant_id,
  deviceId: row.device_id,
  origin: row.origin,
  terms: readTerms(row.terms),
  isActive: row.is_active,
  state: row.state,
  lastTest: row.last_test,
  createdAtMs: row.created_at.getTime(),
  changedAtMs: row.changed_at.getTime(),
  removedAtMs: row.removed_at?.getTime() ?? null,
});

/** Registrations in PostgreSQL. The server writes them, each with its decision; a tenant reads its own. */
export function createRegistrationStore(database: Database): RegistrationStore {
  return {
    find: async (actor, id) => {
      const [row] = await database.read(
        actor,
        (sql) => sql<RegistrationRow[]>`
          SELECT * FROM marketplace_registrations
          WHERE tenant_id = ${actor.tenantId} AND (provider_id = ${id} OR device_id = ${id}) AND removed_at IS NULL`,
      );
      return row === undefined ? null : toRegistration(row);
    },
    page: async (actor, after, limit) => {
      const rows = await database.read(
        actor,
        (sql) => sql<RegistrationRow[]>`
          SELECT * FROM marketplace_registrations
          WHERE tenant_id = ${actor.tenantId} AND removed_at IS NULL
            AND (${after}::uuid IS NULL OR provider_id > ${after}::uuid)
          ORDER BY provider_id LIMIT ${limit + 1}`,
      );
      return pageOf(rows.map(toRegistration), limit, ({ providerId }) => providerId);
    },
    decisionsOf: (actor, id, limit) => database.read(actor, (sql) => decisionsAbout(sql, id, limit)),
    change: (device, newId, nowMs, change) =>
      database.system('money', async (sql) => {
        const before = await findLocked(sql, device);
        const isRefusedByOperator =
          before !== null && (await lastWordOfOperator(sql, before.providerId)) === 'refused';
        const count =
          before === null || before.removedAtMs !== null ? await countOf(sql, device.tenantId) : 0;
        const changed = change(before && { ...before, isRefusedByOperator }, count);
        if (changed === null && before !== null) return before;
        if (changed === null) throw notFound('provider');
        return write(sql, device, before?.providerId ?? newId, changed, nowMs);
      }),
    saveTest: (id, test) =>
      database.system('money', async (sql) => {
        await sql`
          UPDATE marketplace_registrations SET last_test = ${JSON.stringify(test)}::text::jsonb WHERE provider_id = ${id}`;
      }),
    ...operatorRows(database),
  };
}

/** What operators see and decide. */
function operatorRows(database: Database): Pick<RegistrationStore, 'pageInState' | 'decide'> {
  return {
    pageInState: (state, after, limit) =>
      database.system('money', async (sql) => {
        const rows = await sql<RegistrationRow[]>`
          SELECT * FROM marketplace_registrations
          WHERE state = ${state} AND removed_at IS NULL AND (${after}::uuid IS NULL OR provider_id > ${after}::uuid)
          ORDER BY provider_id LIMIT ${limit + 1}`;
        const decisions = await newestDecisions<RegistrationState>(
          sql,
          rows.map(({ provider_id }) => provider_id),
        );
        const found = rows.map((row) => ({
          ...toRegistration(row),
          decision: decisions.get(row.provider_id) ?? null,
        }));
        return pageOf(found, limit, ({ providerId }) => providerId);
      }),
    decide: (id, decision, nowMs) =>
      database.system('money', async (sql) => {
        const [row] = await sql<RegistrationRow[]>`
          UPDATE marketplace_registrations SET state = ${decision.outcome}
          WHERE provider_id = ${id} AND removed_at IS NULL RETURNING *`;
        if (row === undefined) return null;
        const decided = toRegistration(row);
        await addDecision(sql, decided, decision, nowMs);
        return decided;
      }),
  };
}

async function findLocked(
  sql: Sql,
  { tenantId, deviceId }: RegisteredDevice,
): Promise<StoredRegistration | null> {
  const [row] = await sql<RegistrationRow[]>`
    SELECT * FROM marketplace_registrations WHERE tenant_id = ${tenantId} AND device_id = ${deviceId} FOR UPDATE`;
  return row === undefined ? null : toRegistration(row);
}

/** The registrations of a tenant that are not removed. Others that add one to the same tenant wait for the end of the transaction. */
async function countOf(sql: Sql, tenantId: TenantId): Promise<number> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended('marketplace_registrations ' || ${tenantId}::text, 0))`;
  const [row] = await sql<{ count: bigint }[]>`
    SELECT count(*) FROM marketplace_registrations WHERE tenant_id = ${tenantId} AND removed_at IS NULL`;
  return Number(row?.count ?? 0n);
}

/** Refuses with `provider_already_registered` where somebody else has registered the device meanwhile. */
async function write(
  sql: Sql,
  { tenantId, deviceId }: RegisteredDevice,
  providerId: ProviderId,
  changed: RegistrationChange,
  nowMs: number,
): Promise<StoredRegistration> {
  const { origin, isActive, state, removedAtMs, decision } = changed;
  const terms = JSON.stringify(keptTerms(changed.terms));
  const removedAt = removedAtMs === null ? null : new Date(removedAtMs);
  const [row] = await sql<RegistrationRow[]>`
    INSERT INTO marketplace_registrations (provider_id, tenant_id, device_id, origin, terms, is_active, state,
      created_at, changed_at, removed_at)
    VALUES (${providerId}, ${tenantId}, ${deviceId}, ${origin}, ${terms}::text::jsonb, ${isActive}, ${state},
      ${new Date(nowMs)}, ${new Date(nowMs)}, ${removedAt})
    ON CONFLICT (device_id) DO UPDATE SET origin = excluded.origin, terms = excluded.terms,
      is_active = excluded.is_active, state = excluded.state, changed_at = excluded.changed_at,
      removed_at = excluded.removed_at
      WHERE marketplace_registrations.provider_id = excluded.provider_id
        AND marketplace_registrations.tenant_id = excluded.tenant_id
    RETURNING *`;
  if (row === undefined) throw alreadyRegistered();
  const written = toRegistration(row);
  if (decision !== null) await addDecision(sql, written, decision, nowMs);
  return written;
}

function addDecision(
  sql: Sql,
  { providerId, tenantId }: StoredRegistration,
  decision: DecisionDraft,
  atMs: number,
): Promise<void> {
  return addedDecisions.write(sql, [
    { subject: { kind: 'registration', id: providerId }, tenantId, decision, atMs },
  ]);
}
