import {
  type BookingOptions,
  createLedgerService,
  createLedgerStore,
  LEDGER_WRITER_LIMITS,
  LedgerWriter,
  type UnitOfWork,
} from '../../server/domains/ledger/index.ts';
import type { AccountActor } from '../../server/kernel/actor.ts';
import { asId, type TransferId } from '../../server/kernel/ids.ts';
import { createSystemRandom } from '../../server/platform/system/random.ts';
import { addOwner, newOwner } from './actors.ts';
import { FakeClock } from './clock.ts';
import type { TestDatabase } from './database.ts';
import { silentLogger } from './logger.ts';

const random = createSystemRandom();

/** An id for a transfer that nobody else has. */
export const newTransferId = () => asId<TransferId>(random.uuid());

/** A ledger on a real database, as one node of several has it. */
export function createLedgerNode(
  db: TestDatabase,
  options: Partial<BookingOptions> & { readonly clock?: FakeClock } = {},
) {
  const { clock = new FakeClock(Date.now()), feeShard = 0, earningsReleaseDelayMs = 0 } = options;
  const store = createLedgerStore(db.database, { feeShard, earningsReleaseDelayMs });
  const writer = new LedgerWriter(LEDGER_WRITER_LIMITS, { store, clock, random, logger: silentLogger });
  const tenants = { findTenantOfAccount: async () => null };
  const ledger = createLedgerService({ writer, store, tenants, clock });
  return {
    clock,
    store,
    writer,
    ledger,
    /** Commits a unit that must not be refused. */
    async commit(unit: UnitOfWork) {
      const outcome = await ledger.commit(unit);
      if (!outcome.ok) throw new Error(`refused: ${outcome.reason}`);
      return outcome.results;
    },
    /** A new owner who has `amountMicrocents`. */
    async rich(amountMicrocents: bigint): Promise<AccountActor> {
      const owner = newOwner();
      await addOwner(db.database, owner);
      const command = {
        kind: 'top_up',
        id: newTransferId(),
        owner,
        amountMicrocents,
        clearing: 'stripe',
      } as const;
      await this.commit({ commands: [command], rows: [] });
      return owner;
    },
  };
}
