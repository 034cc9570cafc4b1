import { transfersOf } from '../../support/market-store.ts';
import type { Asked, Told } from './customer.ts';
import type { World } from './world.ts';

/** Codes that a request may be refused with when everything that can go wrong does. */
const REFUSALS: ReadonlySet<string> = new Set([
  'model_not_found',
  'insufficient_balance',
  'no_provider_available',
  'idempotency_key_in_flight',
  'provider_failed',
  'provider_stalled',
  'provider_vanished',
  'provider_answer_malformed',
  'request_cancelled',
  'request_timed_out',
  'reader_stalled',
  'unavailable',
]);

/** What must be true when everything has come to its end. */
export async function checkInvariants(world: World): Promise<void> {
  const { store, asked } = world;
  store.books.expectInOrder();
  world.expect(store.books.kept.open.size === 0, 'no hold is open after its life');
  world.expect(store.endedWithHold.size === 0, 'whoever ends a transaction gives its hold back with it');
  for (const each of asked) checkTold(world, each);
  checkTransactions(world);
  checkSlots(world);
  await checkKeptAnswers(world);
  world.expect(await world.stop(), 'the server stops');
}

/** Every request ends exactly once, and what its customer heard of it is what was billed. */
function checkTold(world: World, asked: Asked): void {
  const { told, server, promptTokens, answer, text } = asked;
  const name = `request ${promptTokens}`;
  world.expect(told.length < 2, `${name} is told one end`);
  world.expect(told.length === 1 || !server.isAlive, `${name} has an end`);
  const [end] = told;
  const isRead = !asked.abort.signal.aborted && !asked.stoppedReading && server.isAlive;
  world.expect(end?.kind !== 'nothing' || !isRead, `${name} is told how it ended`);
  const delivered = deliveredTo(world, asked);
  if (end?.kind === 'refused')
    world.expect(REFUSALS.has(end.code), `${name} is refused with ${end.code}: ${String(end.error)}`);
  if (answer !== null && !answer.isReplay) {
    world.expect(delivered.startsWith(text), `${name} is given what its providers sent`);
    if (end?.kind === 'end') world.expect(delivered === text, `${name} is given the whole answer`);
  }
  checkBilled(world, asked, end);
}

function checkBilled(world: World, { promptTokens, answer }: Asked, end: Told | undefined): void {
  const { store } = world;
  const name = `request ${promptTokens}`;
  const own = [...store.transactions.values()].filter(({ begun }) => begun.promptTokens === promptTokens);
  world.expect(own.length < 2, `${name} has one transaction`);
  const id = end?.kind === 'end' ? answer?.transactionId : own[0]?.begun.id;
  const posts = id === undefined ? [] : transfersOf(store, id).posts;
  if (end?.kind === 'end') {
    world.expect(posts.length === 1, `${name} was told that it is completed and billed once`);
    world.expect(posts[0]?.amountMicrocents === end.costMicrocents, `${name} was billed what it was told`);
  } else if (end !== undefined && !mayBeBilled(end)) {
    world.expect(posts.length === 0, `${name} was told ${JSON.stringify(end.kind)} and not billed`);
  }
}

/** Who left, stopped reading, or was told that the outcome isn't known may have to pay. */
function mayBeBilled(end: Told): boolean {
  if (end.kind === 'nothing') return true;
  if (end.kind === 'refused') return end.code === 'request_cancelled';
  if (end.kind !== 'failed') return false;
  return ['outcome_unknown', 'request_cancelled', 'reader_stalled'].includes(end.code);
}

/** What its providers sent: the beginning that the last one was given to go on with, and all of that one. */
function deliveredTo({ received, askedLast }: World, { answer }: Asked): string {
  const last = askedLast.get(answer?.transactionId ?? '');
  return last === undefined ? '' : last.beginning + (received.get(last.name) ?? '');
}

/** Each transaction has ended, with the money that its row says. */
function checkTransactions(world: World): void {
  for (const [id, { begun, ended }] of world.store.transactions) {
    const name = `transaction ${id}`;
    const { posts, holds } = transfersOf(world.store, id);
    world.expect(ended !== null, `${name} has ended`);
    world.expect(holds.includes(begun.holdId), `${name} knows its hold`);
    const cost = (ended?.shares ?? []).reduce((sum, { costMicrocents }) => sum + costMicrocents, 0n);
    const paid = posts.reduce((sum, { amountMicrocents }) => sum + amountMicrocents, 0n);
    world.expect(paid === cost, `${name}: ${paid} was paid, its row says ${cost} (${ended?.state})`);
    world.expect(posts.length < 2, `${name} is billed once`);
    if (ended?.state === 'COMPLETED') world.expect(posts.length === 1, `${name} is completed and paid`);
    if (ended?.state === 'FAILED') world.expect(posts.length === 0, `${name} failed and is not paid`);
  }
}

/** Slots taken are slots given back, and everybody is there again. */
function checkSlots({ server, devices, expect }: World): void {
  const offers = server?.providers.offersOf('m') ?? [];
  expect(offers.length === devices.length, 'every device is listed again');
  for (const { provider } of offers) {
    expect(provider.running.size === 0, 'no slot is taken when nothing is at work');
    expect(provider.standing.probe === null, 'nobody is being probed when nothing is at work');
  }
  for (const { link } of devices) expect(link?.outstanding.size === 0, 'no device is left with a request');
}

/** Whoever repeats a request gets the answer that was paid for, as it was delivered, and pays nothing. */
async function checkKeptAnswers(world: World): Promise<void> {
  const { store, customers, asked } = world;
  const kept = [...store.keys.values()];
  world.expect(
    kept.every(({ answer }) => answer !== null),
    'no key is left to a request that is over',
  );
  const transactions = store.transactions.size;
  for (const { key, requester, transactionId } of kept) {
    const customer = customers.find(({ actor }) => actor.accountId === requester.accountId);
    const repeated = customer?.ask(key) ?? null;
    await world.settle([repeated]);
    const name = `the answer under ${key}`;
    world.expect(
      repeated?.answer?.isReplay === true,
      `${name} is given again, not ${JSON.stringify(repeated?.told, inText)}`,
    );
    world.expect(repeated?.answer?.transactionId === transactionId, `${name} is that of its request`);
    if (repeated === null) continue;
    world.expect(repeated.text === deliveredTo(world, repeated), `${name} is what its provider sent`);
    checkBilled(world, repeated, repeated.told[0]);
    const first = asked.find(
      ({ answer }) => answer?.isReplay === false && answer.transactionId === transactionId,
    );
    if (first?.told[0]?.kind !== 'end') continue;
    world.expect(repeated.text === first.text, `${name} is what was delivered`);
    world.expect(
      JSON.stringify(repeated.told[0], inText) === JSON.stringify(first.told[0], inText),
      `${name} ends as it did`,
    );
  }
  world.expect(store.transactions.size === transactions, 'an answer that is given again costs nothing');
}

// JSON has no bigint.
function inText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
