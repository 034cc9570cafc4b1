import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import {
  createLedgerStore,
  LEDGER_WRITER_LIMITS,
  type LedgerCommand,
  LedgerWriter,
} from '../../server/domains/ledger/index.ts';
import { asId, type TenantId, type TransferId } from '../../server/kernel/ids.ts';
import type { Logger } from '../../server/kernel/logger.ts';
import { startEmbedded } from '../../server/platform/database/embedded/start.ts';
import { openDatabase } from '../../server/platform/database/index.ts';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { createSystemRandom } from '../../server/platform/system/random.ts';
import { LEDGER_FUNCTION_SCHEMA } from '../references/ledger-function.ts';

const SECRET = 'the secret of the bench';
/** Payers and payees; each pays in turn. */
const OWNERS = 64;
const CONNECTIONS = 10;
const RICH = 1_000_000_000_000n;
const AMOUNT = 100n;
const FEE = 12n;

const logger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error: (fields, message) => console.error(message, fields),
};

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
      const directory = mkdtempSync(join(tmpdir(), 'yggdrasil-bench-ledger-'));
      // Run as root, the database's user must pass through.
      chmodSync(directory, 0o711);
      process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
      const system = { clock: createSystemClock(), random: createSystemRandom(), logger };
      const embedded = await startEmbedded({ dataDirectory: directory, secret: SECRET }, system);
      const source = { kind: 'server', url: embedded.urls.ownerUrl, secret: SECRET } as const;
      const open = await openDatabase({ source }, system);
      await open.migrate();
      const target = new URL(embedded.urls.superuserUrl);
      const sql = postgres({
        host: target.searchParams.get('host') ?? '',
        user: target.username,
        password: target.password,
        database: 'yggdrasil',
        max: CONNECTIONS,
        onnotice: () => {},
      });
      await sql.unsafe(LEDGER_FUNCTION_SCHEMA);
      await sql`INSERT INTO bench.accounts SELECT i, ${String(RICH)}::bigint, 0 FROM generate_series(0, ${OWNERS - 1}) AS i`;
      reference = async (owner) => {
        await sql`SELECT bench.hold_and_post(${owner}, ${(owner + 1) % OWNERS}, ${String(AMOUNT)}::bigint)`;
      };
      const store = createLedgerStore(open.database, { feeShard: 0, earningsReleaseDelayMs: 0 });
      ours = await openLedger(new LedgerWriter(LEDGER_WRITER_LIMITS, { store, ...system }));
      end = async () => {
        await sql.end({ timeout: 1 });
        await open.close(1_000);
        await embedded.stop();
        rmSync(directory, { recursive: true, force: true });
      };
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

/** Pairs a second, with so many callers that each wait for their pair. */
async function repeat(
  pair: (owner: number) => Promise<void>,
  { seconds, callers }: LedgerRun,
): Promise<number> {
  let pairs = 0;
  const begunMs = performance.now();
  const deadlineMs = begunMs + seconds * 1000;
  const call = async (owner: number) => {
    while (performance.now() < deadlineMs) {
      await pair(owner);
      pairs++;
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => call(caller % OWNERS)));
  return (pairs * 1000) / (performance.now() - begunMs);
}
