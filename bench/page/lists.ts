import type { Browser } from 'playwright-core';
import { type BenchOptions, type BenchResult, median, round } from '../harness.ts';
import type { Product } from '../processes/product.ts';
import { launchBrowser, openBare, openOurs, type SignedIn, signIn } from './browser.ts';
import { BARE_LIST, findLast, openList } from './in-page.ts';

const HOUSEHOLD = 5_000;
const MANY = 10_000;
/** Of which each begins with a page that nobody has seen. */
const ROUNDS = 5;
/** So many requests register devices at the same time. */
const REGISTERING = 16;
/** As many times slower as a cheap tablet. */
const SLOWDOWN = 4;

/** When a list was seen, in milliseconds: its first rows, all of it, and all of it after the server's last answer. */
interface Seen {
  readonly first: number;
  readonly all: number;
  readonly afterAnswer: number;
  /** The bare page: since it began to load. */
  readonly fromStart?: number;
}

type Report = (result: BenchResult) => void;

/** A household on a slow processor, then twice as many devices on a fast one, each beside a bare page that writes a row for each. */
export async function compareLists(product: Product, report: Report, options: BenchOptions): Promise<void> {
  const [household, many] = options.quick ? [400, 800] : [HOUSEHOLD, MANY];
  const networkId = await product.createNetwork('Household');
  await register(product, networkId, 0, household);
  const browser = await launchBrowser();
  try {
    await compareHousehold(browser, product, report, {
      devices: household,
      rounds: options.quick ? 1 : ROUNDS,
    });
    await register(product, networkId, household, many);
    await compareLongList(browser, product, report, { devices: many, rounds: options.quick ? 1 : ROUNDS });
  } finally {
    await browser.close();
  }
}

const nameOf = (index: number): string => `Sensor ${index}`;

async function register(product: Product, networkId: string, from: number, to: number): Promise<void> {
  let next = from;
  const work = async () => {
    while (next < to) await product.createDevice(networkId, nameOf(next++));
  };
  await Promise.all(Array.from({ length: REGISTERING }, work));
}

interface Run {
  readonly devices: number;
  readonly rounds: number;
}

async function compareHousehold(browser: Browser, product: Product, report: Report, run: Run): Promise<void> {
  const visitor = await signIn(browser, product);
  await visitor.devtools.send('Emulation.setCPUThrottlingRate', { rate: SLOWDOWN });
  const ours = async (): Promise<Seen> => {
    await openOurs(visitor, '#/devices');
    return visitor.page.evaluate(findLast(nameOf(run.devices - 1))) as Promise<Seen>;
  };
  const [seen, bare] = await inTurns(run, ours, () => openBareList(visitor, run.devices));
  await visitor.close();
  const all = median(seen.map((one) => one.all));
  const reference = median(bare.map(({ fromStart = 0 }) => fromStart));
  report({
    ...figure('page-household', all, reference, run),
    note: `${run.devices} devices, processor ${SLOWDOWN} times slower; first rows after ${round(median(seen.map(({ first }) => first)))} ms, reference ${round(median(bare.map(({ first }) => first)))}`,
  });
}

async function compareLongList(browser: Browser, product: Product, report: Report, run: Run): Promise<void> {
  const visitor = await signIn(browser, product);
  const ours = async (): Promise<Seen> => {
    await openOurs(visitor, '#/account');
    await visitor.page.getByRole('navigation', { name: 'Areas' }).waitFor();
    return visitor.page.evaluate(openList(run.devices)) as Promise<Seen>;
  };
  const [seen, bare] = await inTurns(run, ours, () => openBareList(visitor, run.devices));
  await visitor.close();
  const after = (all: readonly Seen[]) => median(all.map(({ afterAnswer }) => afterAnswer));
  report({
    ...figure('page-list', after(seen), after(bare), run),
    note: `${run.devices} devices; all after ${round(median(seen.map(({ all }) => all)))} ms with the server's part, reference ${round(median(bare.map(({ all }) => all)))}`,
  });
}

async function openBareList(visitor: SignedIn, devices: number): Promise<Seen> {
  await openBare(visitor, BARE_LIST);
  return visitor.page.evaluate(`load(${devices})`) as Promise<Seen>;
}

async function inTurns(
  { rounds }: Run,
  ours: () => Promise<Seen>,
  reference: () => Promise<Seen>,
): Promise<[Seen[], Seen[]]> {
  // Both have been seen once: files are in the browser's memory, and code is compiled.
  await ours();
  await reference();
  const [seen, bare]: [Seen[], Seen[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    seen.push(await ours());
    bare.push(await reference());
  }
  return [seen, bare];
}

const figure = (name: string, ours: number, reference: number, { rounds }: Run): BenchResult => ({
  name,
  ours: round(ours),
  reference: round(reference),
  ratio: round(reference / ours),
  unit: 'ms',
  runs: rounds,
});
