import { generateKeyPairSync, sign } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { type BenchOptions, type BenchResult, round } from '../harness.ts';
import { type Product, startProduct } from '../processes/product.ts';

const PASSWORD = 'correct horse battery';
const PEOPLE = 400;
const PEOPLE_QUICK = 20;
const AT_ONCE = 20;
/** The best counts: the first one is of a server that has signed nobody in. */
const ROUNDS = 4;
/** What the server lets one account try in an hour. */
const PASSWORDS_OF_ONE = 15;
/** Callers who sign in by password at the same time: few enough that none is refused. */
const PASSWORDS_AT_ONCE = 4;
const NEIGHBOUR_MS = 20;

interface SignedUp {
  readonly email: string;
  readonly token: string;
}

/** Sign-ins by code, each traded for a signed access token, beside the signatures alone; by password, beside argon2id alone; a neighbour meanwhile. */
export async function compareSignIns(
  report: (result: BenchResult) => void,
  { quick }: BenchOptions,
): Promise<void> {
  const product = await startProduct([], {
    YGGDRASIL_SIGN_UP: 'open',
    YGGDRASIL_PASSWORDS: 'on',
    YGGDRASIL_TRUSTED_PROXIES: '127.0.0.1',
    YGGDRASIL_ABUSE_MEASURES: 'alert',
  });
  try {
    const emails = Array.from({ length: quick ? PEOPLE_QUICK : PEOPLE }, (_, n) => `p${n}@example.org`);
    const registered = await sendCodes(product, 'register', emails);
    const people = await atOnce(AT_ONCE, registered, (sent) => enter(product, sent));
    report(await byCode(product, emails));
    report(await byPassword(product, people));
  } finally {
    await product.stop();
  }
}

interface SentCode {
  readonly email: string;
  readonly codeId: string;
  readonly code: string;
}

/** From an address of its own for each: the limits are those of the server. */
const from = (email: string) => {
  const number = Number(/\d+/.exec(email)?.[0] ?? 0);
  return { 'x-forwarded-for': `10.0.${number >> 8}.${number & 255}` };
};

async function sendCodes(product: Product, way: 'register' | 'login', emails: readonly string[]) {
  const known = product.output().length;
  const ids = await atOnce(AT_ONCE, emails, async (email) => {
    const body = way === 'register' ? { email, name: 'Somebody' } : { email };
    return (await product.request<{ codeId: string }>('POST', `/api/v1/users/${way}`, body, from(email)))
      .codeId;
  });
  const shown = product.output().slice(known);
  return emails.map((email, index): SentCode => {
    const mail = shown.slice(shown.lastIndexOf(`Mail to ${email}:`));
    return { email, codeId: ids[index] ?? '', code: /\b\d{8}\b/.exec(mail)?.[0] ?? '' };
  });
}

async function enter(product: Product, { email, codeId, code }: SentCode): Promise<SignedUp> {
  const answer = await product.request<{ token: string }>(
    'POST',
    '/api/v1/users/sessions',
    { codeId, code },
    from(email),
  );
  return { email, token: answer.token };
}

/** The sign-in, and the short token that a program trades it for: the server signs it. */
async function enterAndTrade(product: Product, sent: SentCode): Promise<void> {
  const { token } = await enter(product, sent);
  const response = await fetch(`http://127.0.0.1:${product.port}/api/v1/oauth/token`, {
    method: 'POST',
    headers: from(sent.email),
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    }),
  });
  if (!response.ok) throw new Error(`the exchange: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}

async function byCode(product: Product, emails: readonly string[]): Promise<BenchResult> {
  const rounds: { readonly seconds: number; readonly serverMs: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const sent = await sendCodes(product, 'login', emails);
    const before = product.cpuSeconds();
    const begunMs = performance.now();
    await atOnce(AT_ONCE, sent, (one) => enterAndTrade(product, one));
    const seconds = (performance.now() - begunMs) / 1_000;
    rounds.push({ seconds, serverMs: ((product.cpuSeconds() - before) * 1_000) / sent.length });
  }
  const { seconds, serverMs } = rounds.reduce((best, one) => (one.seconds < best.seconds ? one : best));
  const { privateKey } = generateKeyPairSync('ed25519');
  const text = Buffer.alloc(300);
  const signedMs = performance.now();
  for (let count = 0; count < 2_000; count++) sign(null, text, privateKey);
  const signatures = 2_000_000 / (performance.now() - signedMs);
  return {
    name: 'sign-in-code',
    ours: round(emails.length / seconds),
    reference: round(signatures),
    ratio: round(emails.length / seconds / signatures),
    unit: 'sign-ins/s',
    runs: 1,
    note: `${round(serverMs)} ms of the server's processor time for each; the reference is signatures by Ed25519 a second`,
  };
}

async function byPassword(product: Product, people: readonly SignedUp[]): Promise<BenchResult> {
  const owners = people.slice(0, 20);
  for (const { token } of owners) {
    const headers = { authorization: `Bearer ${token}` };
    await product.request('PUT', '/api/v1/users/me/password', { password: PASSWORD }, headers);
  }
  const tries = owners.flatMap((owner) => Array.from({ length: PASSWORDS_OF_ONE }, () => owner));
  const alone = await neighbourP99(product, async () => {
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  });
  const times: number[] = [];
  let seconds = 0;
  const beside = await neighbourP99(product, async () => {
    const begunMs = performance.now();
    await atOnce(PASSWORDS_AT_ONCE, tries, async ({ email }) => {
      const askedMs = performance.now();
      await product.request('POST', '/api/v1/users/login', { email, password: PASSWORD }, from(email));
      times.push(performance.now() - askedMs);
    });
    seconds = (performance.now() - begunMs) / 1_000;
  });
  const kept = await hash(PASSWORD, { memoryCost: 47_104, timeCost: 1, parallelism: 1 });
  const hashedMs = performance.now();
  for (let count = 0; count < 20; count++) await verify(kept, PASSWORD);
  const hashes = 20_000 / (performance.now() - hashedMs);
  return {
    name: 'sign-in-password',
    ours: round(tries.length / seconds),
    reference: round(hashes),
    ratio: round(tries.length / seconds / hashes),
    unit: 'sign-ins/s',
    runs: 1,
    note: `p99 ${round(percentile99(times))} ms with ${PASSWORDS_AT_ONCE} at a time; a neighbour's p99 alone ${round(alone)} ms and meanwhile ${round(beside)} ms`,
  };
}

/** The p99 of somebody's reads, one each 20 ms, while something else is done. */
async function neighbourP99(product: Product, meanwhile: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  let isOver = false;
  const reads = (async () => {
    while (!isOver) {
      const askedMs = performance.now();
      await product.request('GET', '/api/v1/networks');
      times.push(performance.now() - askedMs);
      await new Promise((resolve) => setTimeout(resolve, NEIGHBOUR_MS));
    }
  })();
  await meanwhile();
  isOver = true;
  await reads;
  return percentile99(times);
}

const percentile99 = (times: readonly number[]): number =>
  [...times].sort((one, other) => one - other)[Math.ceil(times.length * 0.99) - 1] ?? 0;

/** Does the work for each of them, so many at a time. */
async function atOnce<Item, Result>(
  width: number,
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const some = async () => {
    for (let index = next++; index < items.length; index = next++)
      results[index] = await work(items[index] as Item);
  };
  await Promise.all(Array.from({ length: width }, some));
  return results;
}
