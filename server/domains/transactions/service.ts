import type { Actor } from '../../kernel/actor.ts';
import { keyOf } from '../../kernel/credential-scope.ts';
import { notFound } from '../../kernel/errors.ts';
import type { TransactionId } from '../../kernel/ids.ts';
import { byCreation, type ListPosition, type Page, pageOf } from '../../kernel/page.ts';
import { requirePermission } from '../../kernel/permission.ts';
import { TRANSACTIONS_PAGE_MAX } from './limits.ts';
import type { TransactionStore } from './ports.ts';
import type { Generation, Transaction } from './types.ts';

/** What both sides of a transaction read afterwards. */
export interface TransactionService {
  /** A transaction the actor asked for or whose provider it owns. Refuses with `transaction_not_found`. */
  getTransaction(actor: Actor, id: TransactionId): Promise<Transaction>;
  /**
   * A transaction the actor asked for; an API key sees what came with it, not what others of its account made. Refuses with
   * `transaction_not_found`.
   */
  getGeneration(actor: Actor, id: TransactionId): Promise<Generation>;
  /** The actor's transactions in one role, newest first, at most 100 a page. */
  listTransactions(
    actor: Actor,
    query: {
      readonly role: 'requester' | 'provider';
      readonly after: ListPosition<TransactionId> | null;
      readonly limit: number;
    },
  ): Promise<Page<Transaction, ListPosition<TransactionId>>>;
}

/** Makes the transactions' service. */
export function createTransactionService({
  store,
}: {
  readonly store: TransactionStore;
}): TransactionService {
  return {
    async getTransaction(actor, id) {
      const transaction = await store.findTransaction(requirePermission(actor, 'money.read'), id);
      if (!transaction) throw notFound('transaction');
      return transaction;
    },
    async getGeneration(actor, id) {
      const account = requirePermission(actor, 'market.request');
      const generation = await store.findGeneration(account, id, keyOf(account));
      if (!generation) throw notFound('transaction');
      return generation;
    },
    async listTransactions(actor, { role, after, limit }) {
      const bounded = Math.min(Math.max(limit, 1), TRANSACTIONS_PAGE_MAX);
      const account = requirePermission(actor, 'money.read');
      return pageOf(await store.listTransactions(account, role, after, bounded + 1), bounded, byCreation);
    },
  };
}
