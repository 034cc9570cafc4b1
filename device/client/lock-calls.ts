import type { RatatoskrClient } from './ratatoskr-client.ts';
import { readText } from './session-answer.ts';

/** What was answered to a call about locks. */
export interface LockAnswer {
  readonly status: number;
  readonly body: unknown;
}

/**
 * Asks the server for an operation on locks: `acquire`, `renew` or `release`, all of which may be asked twice. `claimId` is undefined
 * with `acquire`. Rejects where no answer came in time.
 */
export type LockCalls = (
  verb: 'acquire' | 'renew' | 'release',
  call: { readonly claimId?: string; readonly body?: unknown; readonly timeoutMs: number },
) => Promise<LockAnswer>;

/** Locks over HTTP, by the platform's `fetch`, with the token of a user, an API key or a device. */
export function locksOverHttp({
  url,
  token,
  tenantId,
}: {
  /** `https://host` */
  readonly url: string;
  readonly token: string;
  /** The tenant that a user acts in. Absent: its own. */
  readonly tenantId?: string;
}): LockCalls {
  const wayOf = (verb: Parameters<LockCalls>[0], claimId: string) => {
    if (verb === 'acquire') return { method: 'POST', path: '/api/v1/locks' };
    const path = `/api/v1/locks/claims/${claimId}`;
    return verb === 'renew' ? { method: 'POST', path: `${path}/renew` } : { method: 'DELETE', path };
  };
  return async (verb, { claimId = '', body, timeoutMs }) => {
    const { method, path } = wayOf(verb, claimId);
    const response = await fetch(new URL(path, url), {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(tenantId === undefined ? {} : { 'x-tenant-id': tenantId }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { status: response.status, body: readJson(await response.text()) };
  };
}

/** Locks over a session of Ratatoskr. */
export function locksOverRatatoskr(client: Pick<RatatoskrClient, 'open'>): LockCalls {
  return async (verb, { claimId, body, timeoutMs }) => {
    const input = {
      ...(claimId === undefined ? {} : { params: { claimId } }),
      ...(body === undefined ? {} : { body }),
    };
    const answer = await client.open(`locks.${verb}`, input, { timeoutMs, isIdempotent: true });
    return { status: answer.status, body: readJson(await readText(answer)) };
  };
}

/** Null for what is no JSON: something between us and the server has answered. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
