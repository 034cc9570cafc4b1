import type { Actor } from '../../kernel/actor.ts';
import { AppError } from '../../kernel/errors.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { KeptFigures, LiveFigures, LogLines } from './ports.ts';
import type { FollowedEntry, LogEntry, LogFilter, ServerFigures } from './types.ts';

/** The server, for who runs it. Each way refuses all others with `forbidden`. */
export interface AdministrationService {
  readFigures(actor: Actor): Promise<ServerFigures>;
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
}): AdministrationService {
  const { kept, live, logs } = dependencies;
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
