/**
 * A process of its own that settles as fast as it can and prints each transfer that was acknowledged. Meant to be killed.
 * Arguments: database URL, tenant, provider's tenant.
 */
import {
  createLedgerService,
  createLedgerStore,
  LEDGER_WRITER_LIMITS,
  LedgerWriter,
  transferIdFor,
} from '../../../server/domains/ledger/index.ts';
import { asId, type TenantId, type TransactionId } from '../../../server/kernel/ids.ts';
import { openDatabase } from '../../../server/platform/database/index.ts';
import { createSystemClock } from '../../../server/platform/system/clock.ts';
import { createSystemRandom } from '../../../server/platform/system/random.ts';
import { createHolds } from '../../support/holds.ts';
import { silentLogger } from '../../support/logger.ts';
import { TEST_DATABASE_SECRET } from '../../support/test-cluster.ts';

const [url = '', tenant = '', provider = ''] = process.argv.slice(2);
const clock = createSystemClock();
const random = createSystemRandom();
const open = await openDatabase(
  { source: { kind: 'server', url, secret: TEST_DATABASE_SECRET } },
  { clock, random, logger: silentLogger },
);
const store = createLedgerStore(open.database);
const writer = new LedgerWriter(LEDGER_WRITER_LIMITS, { store, clock, random, logger: silentLogger });
const directory = { findTenantOfAccount: async () => asId<TenantId>(tenant) };
const ledger = createLedgerService({ writer, store, tenants: directory, clock });
const holds = createHolds(ledger);
const payer = { tenantId: asId<TenantId>(tenant) };

const settleForever = async () => {
  for (;;) {
    const transactionId = asId<TransactionId>(random.uuid());
    const holdId = transferIdFor('hold', transactionId);
    const held = await holds.hold(payer, {
      holdId,
      amountMicrocents: 10n,
      expiresAfterMs: 3_600_000,
      transactionId,
    });
    if (!held.ok) throw new Error(held.reason);
    process.stdout.write(`${holdId}\n`);
    const posted = await holds.post({
      holdId,
      payees: [{ owner: { tenantId: asId<TenantId>(provider) }, amountMicrocents: 6n }],
      feeMicrocents: 1n,
    });
    if (!posted.ok) throw new Error(posted.reason);
    process.stdout.write(`${posted.transfer.id}\n`);
  }
};
await Promise.all(Array.from({ length: 40 }, settleForever));
