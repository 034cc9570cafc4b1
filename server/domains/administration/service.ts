import type { Actor } from '../../kernel/actor.ts';
import { AppError } from '../../kernel/errors.ts';
import type { TenantId } from '../../kernel/ids.ts';
import { type Page, pageOf } from '../../kernel/page.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { KeptFigures, LiveFigures, LogLines, ServerSetup } from './ports.ts';
import type {
  FollowedEntry,
  HostedTenant,
  LogEntry,
  LogFilter,
  ServerFigures,
  ServerNode,
  Setting,
} from './types.ts';

/** The server, for who runs it. Each way refuses all others with `forbidden`. */
export interface AdministrationService {
  readFigures(actor: Actor): Promise<ServerFigures>;
  /** The configuration that is in force, without what is secret in it. */
  listSettings(actor: Actor): Promise<readonly Setting[]>;
  /** The servers of the database. */
  listNodes(actor: Actor): Promise<readonly ServerNode[]>;
  /** All tenants, behind `after` in the order of ids. */
  listTenants(actor: Actor, after: TenantId | null, limit: number): Promise<Page<HostedTenant, TenantId>>;
  /** Lines of the log, the newest first, and how many there are in all. */
  listLogs(
    actor: Actor,
    filter: LogFilter,
    page: { readonly offset: number; readonly limit: number },
  ): Promise<{ readonly lines: readonly LogEntry[]; readonly total: number }>;
  /**
   * Lines as they come, after those that are kept and newer than `afterSequence`, until `signal`. Refuses with
   * `limit_reached` where as many follow as may.
   */
  followLogs(
    actor: Actor,
    filter: LogFilter,
    afterSequence: number | null,
    signal: AbortSignal,
  ): AsyncIterable<FollowedEntry>;
}

/** Builds the service. */
export function createAdministrationService(dependencies: {
  readonly kept: KeptFigures;
  readonly live: LiveFigures;
  readonly logs: LogLines;
  readonly setup: ServerSetup;
}): AdministrationService {
  const { kept, live, logs, setup } = dependencies;
  return {
    async readFigures(actor) {
      requirePermission(actor, 'platform.operate');
      const [users, tenants, registered, money, running] = await Promise.all([
        kept.countUsers(),
        kept.countTenants(),
        kept.countDevices(),
        kept.readTotals(),
        live.read(),
      ]);
      const { connectedDevices: connected, ...others } = running;
      return { users, tenants, devices: { registered, connected }, money, ...others };
    },

    async listSettings(actor) {
      requirePermission(actor, 'platform.operate');
      return setup.settings;
    },

    async listNodes(actor) {
      requirePermission(actor, 'platform.operate');
      return setup.listNodes();
    },

    async listTenants(actor, after, limit) {
      requirePermission(actor, 'platform.operate');
      return pageOf(await kept.listTenants(after, limit + 1), limit, ({ id }) => id);
    },

    async listLogs(actor, filter, page) {
      requirePermission(actor, 'platform.operate');
      return logs.list(filter, page);
    },

    followLogs(actor, filter, afterSequence, signal) {
      requirePermission(actor, 'platform.operate');
      const lines = logs.follow(filter, afterSequence, signal);
      if (lines !== null) return lines;
      throw new AppError('conflict', 'limit_reached', 'As many read the log as may at the same time.');
    },
  };
}
