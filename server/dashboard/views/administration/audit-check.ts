import {
  type AuditLogRecord,
  fromHex,
  hashRecord,
  isContinued,
  isIncluded,
  isSame,
  type Sha256,
} from '../../../../proto/audit-log.ts';
import { ask } from '../../api/http.ts';
import type { AuditHead, AuditRecord } from '../../api/types.ts';

/** What a check of the log has found. */
export interface AuditCheck {
  /** Records of the log by now. */
  readonly size: number;
  /** Shown records whose hashes were worked out anew. */
  readonly checked: number;
  /** As many records as this browser has seen before, which are still the same; null: it looks for the first time. */
  readonly since: number | null;
  /** What is wrong; null: nothing is. */
  readonly fault: 'record_changed' | 'record_missing' | 'log_rewritten' | 'key_changed' | null;
}

/** What this browser keeps of the last head: a server that shows it another past later is found out. */
type Remembered = Pick<AuditHead, 'size' | 'root' | 'publicKey'>;

const HASH_BYTES = 32;
const keyOf = (tenantId: string): string => `yggdrasil-audit-${tenantId}`;
const bytesOf = (hex: string): Uint8Array => fromHex(hex, HASH_BYTES) ?? new Uint8Array();

const sha256: Sha256 = async (bytes) =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes)));

/** False where the browser gives no hashes: over plain HTTP from another machine. */
export const canCheck = (): boolean => crypto.subtle !== undefined;

/**
 * Checks the log of a tenant, of which `records` are shown, the last first: that each follows from the one before (its hash is worked
 * out here), that the last is in the log under the head that the server signs now, and that what this browser saw before is its
 * beginning (RFC 9162 sections 2.1.3.2 and 2.1.4.2).
 */
export async function checkAudit(records: readonly AuditRecord[]): Promise<AuditCheck | null> {
  const { head } = await ask<{ head: AuditHead | null }>('GET', '/audit/heads/last');
  if (head === null) return null;
  const remembered = readRemembered(head.tenantId);
  const fault =
    (await findChanged(records)) ?? (await findMissing(records)) ?? (await findRewritten(remembered, head));
  if (fault === null) localStorage.setItem(keyOf(head.tenantId), JSON.stringify(rememberOf(head)));
  return {
    size: head.size,
    checked: Math.max(records.length - 1, 0),
    since: remembered?.size ?? null,
    fault,
  };
}

const rememberOf = ({ size, root, publicKey }: AuditHead): Remembered => ({ size, root, publicKey });

function readRemembered(tenantId: string): Remembered | null {
  const text = localStorage.getItem(keyOf(tenantId));
  return text === null ? null : (JSON.parse(text) as Remembered);
}

async function findChanged(records: readonly AuditRecord[]): Promise<AuditCheck['fault']> {
  for (const [place, record] of records.entries()) {
    const before = records[place + 1];
    if (before === undefined) return null;
    const hash = await hashRecord(toLogRecord(record), bytesOf(before.hash), sha256);
    if (!isSame(hash, bytesOf(record.hash))) return 'record_changed';
  }
  return null;
}

async function findMissing([last]: readonly AuditRecord[]): Promise<AuditCheck['fault']> {
  if (last === undefined) return null;
  const { head, path } = await ask<{ head: AuditHead; path: readonly string[] }>(
    'GET',
    `/audit/proofs/${last.index}`,
  );
  const of = { hash: bytesOf(last.hash), index: last.index };
  const within = { size: head.size, root: bytesOf(head.root) };
  return (await isIncluded(of, within, path.map(bytesOf), sha256)) ? null : 'record_missing';
}

async function findRewritten(before: Remembered | null, head: AuditHead): Promise<AuditCheck['fault']> {
  if (before === null) return null;
  if (before.publicKey !== head.publicKey) return 'key_changed';
  if (before.size > head.size) return 'log_rewritten';
  const query = `from=${before.size}&to=${head.size}`;
  const { path } = await ask<{ path: readonly string[] }>('GET', `/audit/consistency?${query}`);
  const older = { size: before.size, root: bytesOf(before.root) };
  const newer = { size: head.size, root: bytesOf(head.root) };
  return (await isContinued(older, newer, path.map(bytesOf), sha256)) ? null : 'log_rewritten';
}

const toLogRecord = ({ at, contentHash, hash: _, ...record }: AuditRecord): AuditLogRecord => ({
  ...record,
  atMs: Date.parse(at),
  contentHash: contentHash === null ? null : bytesOf(contentHash),
});
