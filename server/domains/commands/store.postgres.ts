import type { Database } from '../../kernel/database.ts';
import type { AccountId, DeviceId, NetworkId } from '../../kernel/ids.ts';
import { LOGGED_PER_DEVICE_MAX } from './limits.ts';
import type { CommandLogStore } from './ports.ts';
import type { DescribedCommand } from './types.ts';

interface CommandRow {
  readonly id: string;
  readonly device_id: DeviceId;
  readonly network_id: NetworkId;
  readonly account_id: AccountId;
  readonly sent_at: Date;
  readonly name: string;
  readonly arguments: DescribedCommand['arguments'];
  readonly answered_at: Date | null;
  readonly error_code: string | null;
}

/** The log in PostgreSQL: written and read in transactions of who sends, and by the role that keeps what devices say. */
export function createCommandLogStore(database: Database): CommandLogStore {
  return {
    add: (actor, command) =>
      database.tenant(actor, async (sql) => {
        const { id, deviceId, networkId, accountId, sentAtMs, name } = command;
        await sql`
          INSERT INTO sent_commands (id, device_id, network_id, tenant_id, account_id, sent_at, name, arguments)
          VALUES (${id}, ${deviceId}, ${networkId}, ${actor.tenantId}, ${accountId}, ${new Date(sentAtMs)}, ${name},
            ${JSON.stringify(command.arguments)}::text::jsonb)`;
        await sql`
          DELETE FROM sent_commands WHERE tenant_id = ${actor.tenantId} AND id IN (
            SELECT id FROM sent_commands WHERE tenant_id = ${actor.tenantId} AND device_id = ${deviceId}
            ORDER BY sent_at DESC, id DESC OFFSET ${LOGGED_PER_DEVICE_MAX})`;
      }),

    list: (actor, deviceId) =>
      database.tenant(actor, async (sql) => {
        const rows = await sql<CommandRow[]>`
          SELECT id, device_id, network_id, account_id, sent_at, name, arguments, answered_at, error_code
          FROM sent_commands WHERE tenant_id = ${actor.tenantId} AND device_id = ${deviceId}
          ORDER BY sent_at DESC, id DESC LIMIT ${LOGGED_PER_DEVICE_MAX}`;
        return rows.map((row) => ({
          id: row.id,
          deviceId: row.device_id,
          networkId: row.network_id,
          accountId: row.account_id,
          sentAtMs: row.sent_at.getTime(),
          name: row.name,
          arguments: row.arguments,
          answeredAtMs: row.answered_at?.getTime() ?? null,
          errorCode: row.error_code,
        }));
      }),

    settle: ({ id, deviceId, atMs, errorCode }) =>
      database.system('relay', async (sql) => {
        await sql`
          UPDATE sent_commands SET answered_at = ${new Date(atMs)}, error_code = ${errorCode}
          WHERE id = ${id} AND device_id = ${deviceId} AND answered_at IS NULL`;
      }),
  };
}
