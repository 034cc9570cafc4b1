import { expect } from 'vitest';
import type { ServerProcess } from '../server-process.ts';
import { type CrashHousehold, call } from './household.ts';
import { clientOf, type Evidence, onReading, topUp } from './load.ts';

/** Micro-cents of a cent, as amounts in euros have eight places. */
const EURO_PLACES = 8;
const CENT = 1_000_000n;

/** A stream of which nothing comes for so long, though there is more, is not read on. */
const STALL_TIMEOUT_MS = 20_000;

interface Money {
  readonly value: string;
}

interface TrialBalance {
  readonly entriesSum: Money;
  readonly mismatchedAccounts: number;
  readonly openHolds: number;
}

interface Transaction {
  readonly id: string;
  readonly state: string;
  readonly cost: Money;
}

function microcentsOf({ value }: Money): bigint {
  const [whole = '0', fraction = ''] = value.replace('-', '').split('.');
  const amount = BigInt(whole + fraction.padEnd(EURO_PLACES, '0'));
  return value.startsWith('-') ? -amount : amount;
}

/** What was found after the crashes so far. */
export interface Findings {
  /** The stream as a device reads it that was never there during the load. */
  readonly stream: Map<number, string>;
  readonly transactions: Map<string, Transaction>;
  /** The stream's, which stays the same unless the stream was lost. */
  epoch: string | null;
}

export const createFindings = (): Findings => ({ stream: new Map(), transactions: new Map(), epoch: null });

/**
 * Asserts, on a server that has just been started after a crash, that nothing acknowledged was lost, that each device's
 * readings are in their order, that the books sum to zero and no hold stays open, and that secrets can be read: without
 * them no device could sign in.
 */
export async function verifyAfterCrash(
  server: ServerProcess,
  household: CrashHousehold,
  evidence: Evidence,
  findings: Findings,
): Promise<void> {
  await readStream(server, household, findings);
  expectReadings(evidence, findings);
  await verifyBooks(server, household, evidence, findings);
}

async function readStream(server: ServerProcess, household: CrashHousehold, findings: Findings) {
  const archive = clientOf(server, household.archive);
  let last = 0;
  onReading(archive, (offset, text) => {
    const known = findings.stream.get(offset);
    if (known !== undefined && known !== text) throw new Error(`${offset} was ${known} and is ${text}`);
    findings.stream.set(offset, text);
    last = offset;
  });
  const { head, recovered } = await archive.connect();
  // As long as it goes on: how fast depends on the machine.
  while (last < head.offset) {
    const before = last;
    await expect.poll(() => last, { timeout: STALL_TIMEOUT_MS }).not.toBe(before);
  }
  // The position that the server keeps is behind what was read until it knows all of it.
  await expect
    .poll(() => archive.position?.offset ?? 0, { timeout: STALL_TIMEOUT_MS })
    .toBeGreaterThanOrEqual(head.offset);
  archive.close();
  expect(recovered).toBe(true);
  expect(head.epoch).toBe(findings.epoch ?? head.epoch);
  findings.epoch = head.epoch;
}

/** Says how many there are, and shows the first and the last. */
function expectNone(missing: readonly unknown[]): void {
  const shown = missing.length === 0 ? [] : [missing.length, missing[0], missing.at(-1)];
  expect(shown).toEqual([]);
}

function expectReadings(evidence: Evidence, { stream }: Findings): void {
  const stored = new Set(stream.values());
  expectNone([...evidence.acceptedReadings].filter((reading) => !stored.has(reading)));
  for (const places of [evidence.acceptedAt, evidence.heardAt]) {
    expectNone([...places].filter(([offset, reading]) => stream.get(offset) !== reading));
  }
  const last = new Map<string, number>();
  for (const offset of [...stream.keys()].sort((a, b) => a - b)) {
    const [name = '', number] = (stream.get(offset) ?? '').split(':');
    expect(Number(number), `${name} at ${offset}`).toBeGreaterThan(last.get(name) ?? 0);
    last.set(name, Number(number));
  }
}

async function verifyBooks(
  server: ServerProcess,
  household: CrashHousehold,
  evidence: Evidence,
  findings: Findings,
): Promise<void> {
  const { adminToken, token } = household;
  const books = () =>
    call<TrialBalance>(server, 'GET', '/api/v1/ledger/trial-balance', { token: adminToken });
  const isZero = { entriesSum: { value: '0', currency: 'EUR' }, mismatchedAccounts: 0 };
  expect(await books()).toMatchObject(isZero);
  // A hold whose request was not yet written down when the server died stays until it expires, and no longer.
  await expect.poll(books, { timeout: 20_000 }).toMatchObject({ ...isZero, openHolds: 0 });

  await readTransactions(server, token, findings.transactions);
  const transactions = [...findings.transactions.values()];
  const completed = transactions.filter(({ state }) => state === 'COMPLETED');
  const completedIds = new Set(completed.map(({ id }) => id));
  expect([...evidence.paid].filter((id) => !completedIds.has(id))).toEqual([]);
  expect(transactions.filter(({ state }) => state === 'PENDING' || state === 'PROCESSING')).toEqual([]);

  // What was not acknowledged may be there or not: asked again, it is there once.
  for (const [key, acknowledged] of evidence.topUps) {
    if (acknowledged) continue;
    await topUp(server, household, key);
    evidence.topUps.set(key, true);
  }
  const { available, held } = await call<{ available: Money; held: Money }>(
    server,
    'GET',
    '/api/v1/ledger/balance',
    { token },
  );
  const cost = completed.reduce((sum, transaction) => sum + microcentsOf(transaction.cost), 0n);
  expect(microcentsOf(held)).toBe(0n);
  expect(microcentsOf(available)).toBe(BigInt(evidence.topUps.size) * CENT - cost);
}

/** Reads the newest transactions, back to those that were known already. */
async function readTransactions(
  server: ServerProcess,
  token: string,
  known: Map<string, Transaction>,
): Promise<void> {
  let after = '';
  for (;;) {
    const path = `/api/v1/marketplace/transactions?limit=100${after}`;
    const page = await call<{ items: Transaction[]; next: string | null }>(server, 'GET', path, { token });
    const isNew = page.items.some(({ id }) => !known.has(id));
    for (const transaction of page.items) known.set(transaction.id, transaction);
    if (!isNew || page.next === null) return;
    after = `&after=${page.next}`;
  }
}
