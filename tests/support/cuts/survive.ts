import { once } from 'node:events';
import OpenAI from 'openai';
import { expect } from 'vitest';
import { call } from '../crash/household.ts';
import { createSeededRandom } from '../random.ts';
import type { ServerProcess } from '../server-process.ts';
import { exactTokenizer } from '../tokenizer.ts';
import { openSeller, type Seller } from './seller.ts';
import { WHOLE, WORDS } from './words.ts';

/** Who cuts a stream, and how. */
const CUTS = ['endpoint', 'silence', 'line', 'provider', 'requester', 'server'] as const;
type Cut = (typeof CUTS)[number];

const SETTLED_TIMEOUT_MS = 30_000;
const TOP_UP_CENTS = 100_000;

interface Money {
  readonly value: string;
}

interface Bill {
  readonly state: string;
  /** Of the answer. */
  readonly completionTokens: number;
  readonly cost: Money;
  readonly fee: Money;
  readonly earnings: Money;
}

/** What became of an answer at who asked for it. */
interface Heard {
  readonly text: string;
  readonly outcome: 'whole' | 'told' | 'left' | 'lost';
  /** How the stream ended, in the client's words. */
  readonly end: string;
}

/** Where another seller can go on, who asked gets all of it, or is told why not. */
const OUTCOMES: Readonly<Record<Cut, readonly Heard['outcome'][]>> = {
  endpoint: ['whole', 'told'],
  silence: ['whole', 'told'],
  line: ['whole', 'told'],
  provider: ['whole', 'told'],
  requester: ['left'],
  server: ['lost'],
};

/**
 * Cuts a stream `rounds` times at a random word, each time by another party, while two sellers offer the same. Asserts each time
 * that what was heard is the beginning of what was said, without a gap or a word twice; that one who got it whole pays each seller
 * for its own part, to the token; that nobody pays for what no endpoint said; and that all bills agree and the books sum to zero.
 */
export async function surviveCuts(options: {
  readonly rounds: number;
  readonly seed: number;
  start(): Promise<ServerProcess>;
}): Promise<void> {
  const { rounds, seed, start } = options;
  console.log(`cuts: ${rounds} rounds, seed ${seed}`);
  const random = createSeededRandom(seed);
  let server = await start();
  const operator = await setUp(server);
  const tally = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    const cut = CUTS[round % CUTS.length] as Cut;
    const sellers = await Promise.all(
      ['100', '200'].map((price) => openSeller(server, operator.adminToken, price)),
    );
    const { heard, restarted } = await cutOnce(cut, { server, operator, sellers, random, start });
    const name = `round ${round} of seed ${seed}, cut by the ${cut}`;
    expect(OUTCOMES[cut], `${name}: ${heard.end}`).toContain(heard.outcome);
    server = restarted ?? server;
    const bills = await billsOf(server, operator, sellers);
    await verify(name, heard, sellers, bills);
    for (const seller of sellers) seller.die();
    const what = `${cut}: ${heard.outcome}${bills.sellers.filter((bill) => bill !== null).length > 1 ? ', gone on with' : ''}`;
    tally.set(what, (tally.get(what) ?? 0) + 1);
  }
  await expect
    .poll(() => call(server, 'GET', '/api/v1/ledger/trial-balance', { token: operator.adminToken }), {
      timeout: SETTLED_TIMEOUT_MS,
    })
    .toMatchObject({ entriesSum: { value: '0' }, mismatchedAccounts: 0, openHolds: 0 });
  for (const [what, times] of [...tally].sort()) console.log(`cuts: ${times} by the ${what}`);
  await server.end('SIGTERM');
}

interface Operator {
  readonly adminToken: string;
  readonly buyerToken: string;
}

async function setUp(server: ServerProcess): Promise<Operator> {
  const post = <T>(path: string, body: unknown, token?: string, idempotencyKey?: string) =>
    call<T>(server, 'POST', path, {
      body,
      ...(token === undefined ? {} : { token }),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    });
  const { token: adminToken } = await post<{ token: string }>('/api/v1/setup', {
    code: server.setupCode,
    name: 'Operator',
  });
  const buyer = await post<{ user: { id: string }; token: string }>(
    '/api/v1/users',
    { name: 'Buyer' },
    adminToken,
  );
  const topUp = { userId: buyer.user.id, amountCents: TOP_UP_CENTS };
  await post('/api/v1/ledger/top-ups', topUp, adminToken, 'cuts');
  return { adminToken, buyerToken: buyer.token };
}

interface Round {
  readonly server: ServerProcess;
  readonly operator: Operator;
  readonly sellers: readonly Seller[];
  readonly random: ReturnType<typeof createSeededRandom>;
  start(): Promise<ServerProcess>;
}

/** Asks, and cuts before a random word. */
async function cutOnce(
  cut: Cut,
  { server, operator, sellers, random, start }: Round,
): Promise<{ heard: Heard; restarted: ServerProcess | null }> {
  const at = 1 + Math.floor(random.fraction() * (WORDS.length - 1));
  const isHeardFirst = random.fraction() < 0.5;
  const left = new AbortController();
  let text = '';
  let isCut = false;
  let restarting: Promise<ServerProcess> | null = null;
  for (const seller of sellers) {
    seller.endpoint.beforeWord = async (word, response) => {
      if (isCut || word !== at) return;
      isCut = true;
      // Either what was said is with who asked, or it is on its way wherever it is.
      if (isHeardFirst)
        await expect.poll(() => text, { timeout: SETTLED_TIMEOUT_MS }).toBe(WORDS.slice(0, at).join(''));
      if (cut === 'endpoint') response.destroy();
      else if (cut === 'silence') await once(response, 'close');
      else if (cut === 'line') seller.breakLine();
      else if (cut === 'provider') seller.die();
      else if (cut === 'requester') left.abort();
      else restarting = server.end('SIGKILL').then(start);
    };
  }
  const client = new OpenAI({ apiKey: operator.buyerToken, baseURL: `${server.httpUrl}/v1`, maxRetries: 0 });
  let outcome: Heard['outcome'];
  let end: string;
  try {
    const stream = await client.chat.completions.create(
      { model: 'words', max_tokens: 400, stream: true, messages: [{ role: 'user', content: 'Say it.' }] },
      { signal: left.signal },
    );
    let finish: string | null = null;
    for await (const { choices } of stream) {
      text += choices[0]?.delta.content ?? '';
      finish = choices[0]?.finish_reason ?? finish;
    }
    outcome = finish === 'stop' ? 'whole' : left.signal.aborted ? 'left' : 'lost';
    end = `finish_reason ${finish}`;
  } catch (error) {
    end = String(error);
    if (left.signal.aborted) outcome = 'left';
    else
      outcome =
        error instanceof OpenAI.APIError && !(error instanceof OpenAI.APIConnectionError) && error.code
          ? 'told'
          : 'lost';
  }
  return { heard: { text, outcome, end }, restarted: await restarting };
}

interface Bills {
  readonly buyer: Bill;
  /** Null: it delivered nothing and is paid nothing. */
  readonly sellers: readonly (Bill | null)[];
}

/** The bill of the newest request, once it is settled. */
async function billsOf(
  server: ServerProcess,
  { buyerToken }: Operator,
  sellers: readonly Seller[],
): Promise<Bills> {
  const newest = async (token: string, role: string): Promise<Bill | null> => {
    const path = `/api/v1/marketplace/transactions?role=${role}&limit=1`;
    return (await call<{ items: Bill[] }>(server, 'GET', path, { token })).items[0] ?? null;
  };
  await expect
    .poll(async () => (await newest(buyerToken, 'requester'))?.state, { timeout: SETTLED_TIMEOUT_MS })
    .toMatch(/^(COMPLETED|FAILED|CANCELLED|REFUNDED)$/);
  return {
    buyer: (await newest(buyerToken, 'requester')) as Bill,
    sellers: await Promise.all(sellers.map(({ token }) => newest(token, 'provider'))),
  };
}

const tokensOf = async (text: string): Promise<number> =>
  (await exactTokenizer.countTokens([[text]]))[0] as number;

const amountOf = ({ value }: Money): number => Math.round(Math.abs(Number(value)) * 1e8);
const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

async function verify(
  name: string,
  heard: Heard,
  sellers: readonly Seller[],
  { buyer, sellers: paid }: Bills,
) {
  const bills = paid.filter((bill) => bill !== null);
  expect(WHOLE.startsWith(heard.text), `${name}: ${heard.text}`).toBe(true);
  expect(sumOf(bills.map(({ completionTokens }) => completionTokens)), name).toBe(buyer.completionTokens);
  expect(sumOf(bills.map(({ fee, earnings }) => amountOf(fee) + amountOf(earnings))), name).toBe(
    amountOf(buyer.cost),
  );
  for (const [index, { endpoint }] of sellers.entries()) {
    const said = sumOf(await Promise.all(endpoint.sayings.map((saying) => tokensOf(saying.said))));
    expect(paid[index]?.completionTokens ?? 0, `${name}: paid for what it did not say`).toBeLessThanOrEqual(
      said,
    );
    for (const { beginning } of endpoint.sayings) expect(WHOLE.startsWith(beginning), name).toBe(true);
  }
  if (heard.outcome === 'whole') {
    expect(heard.text, name).toBe(WHOLE);
    await expectPartsPaid(name, sellers, paid);
  }
  if (heard.outcome === 'left' && bills.length === 1)
    expect(buyer.completionTokens, name).toBeGreaterThanOrEqual(await tokensOf(heard.text));
  if (heard.outcome === 'told')
    expect(buyer.completionTokens, `${name}: pays for what it did not get`).toBeLessThanOrEqual(
      await tokensOf(heard.text),
    );
}

/** Each is paid for its part: from where it began to where the next one did. */
async function expectPartsPaid(
  name: string,
  sellers: readonly Seller[],
  paid: Bills['sellers'],
): Promise<void> {
  const begun = sellers
    .flatMap(({ endpoint }, seller) =>
      endpoint.sayings.map(({ beginning }) => ({ seller, from: beginning.length })),
    )
    .sort((one, other) => one.from - other.from);
  const parts = begun.map(({ seller, from }, index) => ({
    seller,
    text: WHOLE.slice(from, begun[index + 1]?.from ?? WHOLE.length),
  }));
  for (const [index, bill] of paid.entries()) {
    const own = parts.filter(({ seller }) => seller === index).map(({ text }) => tokensOf(text));
    expect(bill?.completionTokens ?? 0, name).toBe(sumOf(await Promise.all(own)));
  }
}
