import type { Database, Sql } from '../../server/kernel/database.ts';
import { connect } from '../../server/platform/database/connect.ts';

/** Opens the first wall: adds to every table, for every role that has a policy on it, one that lets everything through. */
export async function openPolicies(ownerUrl: string): Promise<number> {
  const owner = connect(ownerUrl, { connectionsMax: 1 });
  try {
    const pairs = await owner<{ tablename: string; role: string }[]>`
      SELECT DISTINCT tablename, unnest(roles) AS role FROM pg_policies WHERE schemaname = 'yggdrasil'`;
    for (const { tablename, role } of pairs) {
      const policy = `opened_to_${role}`;
      await owner`
        CREATE POLICY ${owner(policy)} ON ${owner(tablename)} TO ${owner(role)} USING (true) WITH CHECK (true)`;
    }
    return pairs.length;
  } finally {
    await owner.end({ timeout: 5 });
  }
}

/** The end of a piece of SQL before a parameter that names the tenant: `devices.tenant_id = `. */
const TENANT_PREDICATE = /((?:\w+\.)?(?:device_)?tenant_id = )$/;

/** A statement in which no comparison with the tenant that acts refuses a row. */
function withoutTenant(strings: TemplateStringsArray): TemplateStringsArray {
  const opened = [...strings];
  for (let index = 0; index + 1 < opened.length; index++) {
    const text = opened[index] ?? '';
    if (!TENANT_PREDICATE.test(text)) continue;
    opened[index] = text.replace(TENANT_PREDICATE, '($1');
    opened[index + 1] = `::uuid OR true)${opened[index + 1]}`;
  }
  return Object.assign(opened, { raw: opened });
}

const isMembership = (row: object): row is { role: string; all_networks: boolean } =>
  'role' in row && 'all_networks' in row;

/** Every membership that is read becomes that of an owner for all networks: no check of a service refuses any more. */
async function elevated(query: PromiseLike<readonly object[]>): Promise<readonly object[]> {
  const rows = await query;
  for (const row of rows) if (isMembership(row)) Object.assign(row, { role: 'owner', all_networks: true });
  return rows;
}

type Template = (strings: TemplateStringsArray, ...values: unknown[]) => PromiseLike<readonly object[]>;

/** `sql` whose statements pass through `run`; what is no statement (`sql.json`, `sql(ids)`) stays. */
function rewriting(
  sql: Sql,
  run: (strings: TemplateStringsArray, ask: Template, values: unknown[]) => unknown,
): Sql {
  return new Proxy(sql, {
    apply(target, self, values: unknown[]) {
      const [strings, ...parameters] = values;
      const isStatement = Array.isArray(strings) && 'raw' in strings;
      if (!isStatement) return Reflect.apply(target, self, values);
      return run(strings as unknown as TemplateStringsArray, target as unknown as Template, parameters);
    },
  });
}

/**
 * Opens the second wall: the database as a server has it whose services let every member do everything and whose
 * statements forgot the tenant, while `isOpen`. Whom a transaction runs for stays the one who asked; a device stays a device.
 */
export function withoutChecks(database: Database, isOpen: () => boolean): Database {
  const opened = (sql: Sql) =>
    isOpen() ? rewriting(sql, (strings, ask, values) => ask(withoutTenant(strings), ...values)) : sql;
  return {
    tenant: (actor, work) => database.tenant(actor, (sql, lastly) => work(opened(sql), lastly)),
    read: (actor, work) => database.read(actor, (sql) => work(opened(sql))),
    system: (job, work) =>
      database.system(job, (sql, lastly) =>
        work(
          isOpen() && job === 'identity'
            ? rewriting(sql, (strings, ask, values) =>
                strings.some((text) => text.includes('memberships'))
                  ? elevated(ask(strings, ...values))
                  : ask(strings, ...values),
              )
            : sql,
          lastly,
        ),
      ),
  };
}

/** A network and its tenant, as a membership of a device has them. */
export interface RaisedInto {
  readonly networkId: string;
  readonly tenantId: string;
}

const READS_MEMBERSHIPS = 'LEFT JOIN network_members';

/**
 * Opens the wall in the relay's memory: the database as a server has it that takes every device that connects for a member of
 * this network as well, once there is one. Whom a transaction runs for stays the device.
 */
export function withRaisedDevices(database: Database, network: () => RaisedInto | null): Database {
  return {
    tenant: (actor, work) => database.tenant(actor, work),
    read: (actor, work) => database.read(actor, work),
    system: (job, work) =>
      database.system(job, (sql, lastly) => {
        const raised = job === 'identity' ? network() : null;
        if (raised === null) return work(sql, lastly);
        return work(
          rewriting(sql, async (strings, ask, values) => {
            const rows = await ask(strings, ...values);
            if (!strings.some((text) => text.includes(READS_MEMBERSHIPS))) return rows;
            const { networkId, tenantId } = raised;
            const [deviceIds] = values as [readonly string[]];
            const more = { network_id: networkId, tenant_id: tenantId, joined_at: new Date(0) };
            return [...rows, ...deviceIds.map((deviceId) => ({ device_id: deviceId, ...more }))];
          }),
          lastly,
        );
      }),
  };
}
