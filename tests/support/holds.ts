import {
  type LedgerService,
  type Payee,
  transferIdFor,
  type UnitOfWork,
} from '../../server/domains/ledger/index.ts';
import type { TenantId, TransactionId, TransferId } from '../../server/kernel/ids.ts';

/** Holds money and resolves holds in a ledger, each by a unit of one command without rows. */
export function createHolds(ledger: Pick<LedgerService, 'commit'>) {
  const commitOne = async (unit: Omit<UnitOfWork, 'rows'>) => {
    const outcome = await ledger.commit({ ...unit, rows: [] });
    if (!outcome.ok) return { ok: false, reason: outcome.reason } as const;
    const [result] = outcome.results;
    if (result === undefined) throw new Error('a command has no result');
    return { ok: true, transfer: result.transfer } as const;
  };
  return {
    hold(
      { tenantId }: { readonly tenantId: TenantId },
      hold: {
        holdId: TransferId;
        amountMicrocents: bigint;
        expiresAfterMs: number;
        transactionId: TransactionId;
      },
    ) {
      const { holdId: id, ...rest } = hold;
      return commitOne({ tenantId, commands: [{ kind: 'hold', id, owner: { tenantId }, ...rest }] });
    },
    post: (post: { holdId: TransferId; payees: readonly Payee[]; feeMicrocents: bigint }) =>
      commitOne({ commands: [{ kind: 'post', id: transferIdFor('post', post.holdId), ...post }] }),
    void: (holdId: TransferId) =>
      commitOne({ commands: [{ kind: 'void', id: transferIdFor('void', holdId), holdId }] }),
  };
}
