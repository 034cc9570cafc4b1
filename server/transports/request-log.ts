import type { Actor } from '../kernel/actor.ts';
import type { Logger } from '../kernel/logger.ts';
import type { HttpRequestHead } from '../platform/http/types.ts';
import { errorTable, toAppError } from './error-table.ts';

/** How a request ended. `failure` null: it was served. */
export interface RequestOutcome {
  readonly operation: string;
  readonly status: number;
  readonly durationMs: number;
  readonly actor: Actor | null;
  readonly failure: unknown;
  /** True for what a machine asks all the time: logged at `debug`. */
  readonly quiet: boolean;
}

/** One line a request. Path, query and headers stay out of it: they may hold secrets. */
export function logRequest(
  logger: Logger,
  request: Pick<HttpRequestHead, 'requestId' | 'remoteAddress'>,
  outcome: RequestOutcome,
): void {
  const { operation, status, durationMs, actor, failure, quiet } = outcome;
  const fields = {
    operation,
    status,
    durationMs: Math.round(durationMs * 10) / 10,
    requestId: request.requestId,
    remoteAddress: request.remoteAddress,
    ...(actor === null ? {} : { tenantId: actor.tenantId }),
    ...(actor?.kind === 'account' ? { accountId: actor.accountId } : {}),
    ...(actor?.kind === 'device' ? { deviceId: actor.deviceId } : {}),
  };
  if (failure === null) {
    logger[quiet ? 'debug' : 'info'](fields, 'request');
    return;
  }
  const { kind, code, cause } = toAppError(failure);
  const { logLevel } = errorTable[kind];
  const reason = logLevel === 'error' ? { error: cause ?? failure } : {};
  logger[quiet && logLevel !== 'error' ? 'debug' : logLevel]({ ...fields, code, ...reason }, 'request');
}
