import {
  createLedgerStore,
  LEDGER_WRITER_LIMITS,
  type LedgerCommand,
  LedgerWriter,
} from '../../server/domains/ledger/index.ts';
import { asId, type TenantId, type TransferId } from '../../server/kernel/ids.ts';
import { createSystemRandom } from '../../server/platform/system/random.ts';
import { openBenchDatabase } from '../processes/database.ts';
import { cpuSecondsOfTree } from '../processes/processes.ts';
import { LEDGER_FUNCTION_SCHEMA } from '../references/ledger-function.ts';

/** Payers and payees; each pays in turn. */
const OWNERS = 64;
const CONNECTIONS = 10;
const RICH = 1_000_000_000_000n;
const AMOUNT = 100n;
const FEE = 12n;

/** What runs for how long, with how many callers at a time. */
export interface LedgerRun {
  readonly seconds: number;
  readonly callers: number;
}

/** The product's ledger and the function that it is compared with, on one embedded database. */
export function createPart() {
  let ours: (owner: number) => Promise<void> = () => Promise.reject(new Error('not open'));
  let reference = ours;
  let end = async () => {};
  return {
    open: async (_: null) => {
      const { database, sql, system, close } = await openBenchDatabase(CONNECTIONS);
      await sql.unsafe(LEDGER_FUNCTION_SCHEMA);
      await sql`INSERT INTO bench.accounts SELECT i, ${String(RICH)}::bigint, 0 FROM generate_series(0, ${OWNERS - 1}) AS i`;
      reference = async (owner) => {
        await sql`SELECT bench.hold_and_post(${owner}, ${(owner + 1) % OWNERS}, ${String(AMOUNT)}::bigint)`;
      };
      const store = createLedgerStore(database, { feeShard: 0, earningsReleaseDelayMs: 0 });
      ours = await openLedger(new LedgerWriter(LEDGER_WRITER_LIMITS, { store, ...system }));
      end = close;
    },
    runOurs: (run: LedgerRun) => repeat(ours, run),
    runReference: (run: LedgerRun) => repeat(reference, run),
    close: (_: null) => end(),
  };
}

export type LedgerPart = ReturnType<typeof createPart>;

/** Tenants with money, and what makes a hold and posts it, each in a unit of work of its own. */
async function openLedger(writer: LedgerWriter): Promise<(owner: number) => Promise<void>> {
  const random = createSystemRandom();
  const owners = Array.from({ length: OWNERS }, () => ({ tenantId: asId<TenantId>(random.uuid()) }));
  const ownerOf = (index: number) => owners[index % OWNERS] as (typeof owners)[number];
  const newId = () => asId<TransferId>(random.uuid());
  const commit = async (command: LedgerCommand) => {
    const outcome = await writer.submit({ commands: [command], rows: [] });
    if (!outcome.ok) throw new Error(`the ledger refused: ${outcome.reason}`);
  };
  for (const owner of owners) {
    await commit({ kind: 'top_up', id: newId(), owner, amountMicrocents: RICH, clearing: 'manual' });
  }
  return async (index) => {
    const holdId = newId();
    const owner = ownerOf(index);
    await commit({
      kind: 'hold',
      id: holdId,
      owner,
      amountMicrocents: AMOUNT,
      expiresAfterMs: 60_000,
      transactionId: null,
    });
    const payees = [{ owner: ownerOf(index + 1), amountMicrocents: AMOUNT - FEE }];
    await commit({ kind: 'post', id: newId(), holdId, payees, feeMicrocents: FEE });
  };
}

/** What a run made of pairs. */
export interface LedgerPairs {
  readonly perSecond: number;
  /** Processor time of a pair, of this process and the database together. */
  readonly cpuMicroseconds: number;
}

/** Pairs, with so many callers that each wait for theirs. */
async function repeat(
  pair: (owner: number) => Promise<void>,
  { seconds, callers }: LedgerRun,
): Promise<LedgerPairs> {
  let pairs = 0;
  const cpuSeconds = cpuSecondsOfTree(process.pid);
  const begunMs = performance.now();
  const deadlineMs = begunMs + seconds * 1000;
  const call = async (owner: number) => {
    while (performance.now() < deadlineMs) {
      await pair(owner);
      pairs++;
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => call(caller % OWNERS)));
  return {
    perSecond: (pairs * 1000) / (performance.now() - begunMs),
    cpuMicroseconds: ((cpuSecondsOfTree(process.pid) - cpuSeconds) * 1e6) / pairs,
  };
}
