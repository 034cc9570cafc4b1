import type { BusinessRow, LedgerStore, UnitOfWork, UnitOutcome } from '../../server/domains/ledger/index.ts';
import {
  type AnswerToKeep,
  claimedKeys,
  freedKeys,
  type KeyToFree,
  keptAnswers,
} from '../../server/domains/requests/key-rows.postgres.ts';
import type { KeyClaim, KeyState, KeyStore } from '../../server/domains/requests/ports.ts';
import {
  type BegunTransaction,
  begunTransactions,
  type EndedTransaction,
  endedTransactions,
  type OpenTransaction,
  type ReheldTransaction,
  reheldTransactions,
  type TransactionStore,
} from '../../server/domains/transactions/index.ts';
import type { TransactionId, TransferId } from '../../server/kernel/ids.ts';
import { MemoryBooks } from './memory-books.ts';

/** A transaction as it is kept: how it began, and how it ended. */
export interface KeptTransaction {
  readonly begun: BegunTransaction;
  readonly ended: EndedTransaction | null;
}

interface KeptKey extends KeyClaim {
  readonly answer: Uint8Array | null;
}

type Writer = BusinessRow['writer'];

/**
 * What the marketplace keeps, in memory: books, transactions and idempotency keys. A batch is applied whole or not at all,
 * with the same guards as the statements of the `*.postgres.ts` files.
 */
export class MarketStoreInMemory {
  readonly books = new MemoryBooks({ feeShard: 0, earningsReleaseDelayMs: 0 });
  readonly transactions = new Map<TransactionId, KeptTransaction>();
  readonly keys = new Map<TransactionId, KeptKey>();
  /** Transactions whose end left a hold of theirs open: it would give the money back only when its life is over. */
  readonly endedWithHold = new Set<TransactionId>();

  /** One transaction of the ledger's writer. Throws as PostgreSQL does (23505) where a key is another request's. */
  apply(units: readonly UnitOfWork[], nowMs: number): UnitOutcome[] {
    const rows: BusinessRow[] = [];
    const outcomes = this.books.apply(
      units.map(({ commands }) => commands),
      nowMs,
      (decided) => {
        units.forEach((unit, index) => {
          if (decided[index]?.ok) rows.push(...unit.rows);
        });
        this.#refuseForeignClaims(rowsOf(rows, claimedKeys as Writer));
      },
    );
    // In the order of the writers' names, as the ledger's store does.
    for (const claim of rowsOf<KeyClaim>(rows, claimedKeys as Writer)) this.#claim(claim);
    for (const kept of rowsOf<AnswerToKeep>(rows, keptAnswers as Writer)) this.#keepAnswer(kept);
    for (const freed of rowsOf<KeyToFree>(rows, freedKeys as Writer)) this.#free(freed);
    for (const begun of rowsOf<BegunTransaction>(rows, begunTransactions as Writer)) this.#begin(begun);
    for (const next of rowsOf<ReheldTransaction>(rows, reheldTransactions as Writer)) this.#rehold(next);
    for (const ended of rowsOf<EndedTransaction>(rows, endedTransactions as Writer)) this.#end(ended);
    return outcomes;
  }

  findOpen: TransactionStore['findOpen'] = async ({ nodeId, createdBeforeMs }, after, limit) => {
    const open = [...this.transactions.values()].flatMap(({ begun, ended }): OpenTransaction[] => {
      const isMeant = begun.nodeId === nodeId || begun.createdAtMs < createdBeforeMs;
      return ended === null && isMeant ? [begun] : [];
    });
    open.sort((a, b) => (comesBefore(a, b) ? -1 : 1));
    return open.filter((each) => after === null || comesBefore(after, each)).slice(0, limit);
  };

  findExpiredHolds: LedgerStore['findExpiredHolds'] = async (nowMs, limit) =>
    [...this.books.kept.open.values()].filter(({ expiresAtMs }) => expiresAtMs <= nowMs).slice(0, limit);

  findKey: KeyStore['findKey'] = async ({ accountId }, key): Promise<KeyState> => {
    const ofAccount = [...this.keys.values()].filter(({ requester }) => requester.accountId === accountId);
    const taken = ofAccount.find((kept) => kept.key === key);
    if (taken) {
      const { fingerprint, transactionId, answer } = taken;
      return { kind: 'taken', fingerprint, transactionId, answer };
    }
    const keptBytes = ofAccount.reduce((sum, { answer }) => sum + (answer?.length ?? 0), 0);
    return { kind: 'free', keys: ofAccount.length, keptBytes };
  };

  forgetKeys: KeyStore['forgetKeys'] = async (beforeMs) => {
    for (const [id, { createdAtMs }] of this.keys) if (createdAtMs < beforeMs) this.keys.delete(id);
  };

  #refuseForeignClaims(claims: readonly KeyClaim[]): void {
    const owners = new Map<string, TransactionId>();
    for (const claim of [...this.keys.values(), ...claims]) {
      const name = `${claim.requester.accountId} ${claim.key}`;
      const owner = owners.get(name) ?? claim.transactionId;
      if (owner !== claim.transactionId) {
        throw Object.assign(new Error('duplicate key value violates unique constraint'), { code: '23505' });
      }
      owners.set(name, owner);
    }
  }

  #claim(claim: KeyClaim): void {
    if (!this.keys.has(claim.transactionId)) this.keys.set(claim.transactionId, { ...claim, answer: null });
  }

  #keepAnswer({ transactionId, answer }: AnswerToKeep): void {
    const claim = this.keys.get(transactionId);
    if (claim) this.keys.set(transactionId, { ...claim, answer });
  }

  #free({ transactionId }: KeyToFree): void {
    if (this.keys.get(transactionId)?.answer === null) this.keys.delete(transactionId);
  }

  #begin(begun: BegunTransaction): void {
    if (!this.transactions.has(begun.id)) this.transactions.set(begun.id, { begun, ended: null });
  }

  #rehold({ id, holdId, heldMicrocents }: ReheldTransaction): void {
    const known = this.transactions.get(id);
    if (known?.ended !== null) return;
    this.transactions.set(id, { begun: { ...known.begun, holdId, heldMicrocents }, ended: null });
  }

  #end(ended: EndedTransaction): void {
    const known = this.transactions.get(ended.id);
    if (known?.ended === null) this.transactions.set(ended.id, { ...known, ended });
    const open = [...this.books.kept.open.values()];
    if (open.some(({ transactionId }) => transactionId === ended.id)) this.endedWithHold.add(ended.id);
  }
}

/** What a transfer of the books says of one transaction: every hold it took, and what was paid. */
export function transfersOf(store: MarketStoreInMemory, id: TransactionId) {
  const transfers = [...store.books.kept.transfers.values()].filter(
    ({ transactionId }) => transactionId === id,
  );
  const idsOf = (kind: string): TransferId[] =>
    transfers.filter((transfer) => transfer.kind === kind).map((transfer) => transfer.id);
  const posts = transfers.filter(({ kind }) => kind === 'post');
  return { holds: idsOf('hold'), posts };
}

function rowsOf<Row>(rows: readonly BusinessRow[], writer: Writer): Row[] {
  return rows.filter((row) => row.writer === writer).map(({ row }) => row as Row);
}

function comesBefore(
  a: { readonly createdAtMs: number; readonly id: string },
  b: { readonly createdAtMs: number; readonly id: string },
): boolean {
  return a.createdAtMs < b.createdAtMs || (a.createdAtMs === b.createdAtMs && a.id < b.id);
}
