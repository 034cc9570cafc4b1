import { createHash } from 'node:crypto';
import type { DeltaMessage, ProviderOrder } from '../../../server/domains/providers/index.ts';
import { asId, type TransferId } from '../../../server/kernel/ids.ts';
import { FakeClock, turn } from '../../support/clock.ts';
import { uuid } from '../../support/frames.ts';
import { MarketProcess, TIMES } from '../../support/market-process.ts';
import { MarketStoreInMemory } from '../../support/market-store.ts';
import { Chance } from './chance.ts';
import { type Asked, Customer } from './customer.ts';
import { Device } from './device.ts';
import { UnreliableStore } from './unreliable-store.ts';

const PRICES_CENTS = [1, 2, 40, 500];
const RICH_MICROCENTS = 1_000_000_000_000n;
/** Enough for some requests at some providers. */
const POOR_MICROCENTS = 30_000_000n;
const CUSTOMERS = 4;
const EVENTFUL_MS = 240_000;
const MEAN_BETWEEN_REQUESTS_MS = 2_000;
const MEAN_BETWEEN_KILLS_MS = 120_000;
const MEAN_BETWEEN_OUTAGES_MS = 60_000;
const BOOKS_CHECKED_EVERY_STEPS = 2_000;

/** A market with everything that goes wrong in it, as its seed has it. */
export class World {
  readonly clock = new FakeClock();
  readonly chance: Chance;
  readonly store = new MarketStoreInMemory();
  readonly devices: readonly Device[];
  readonly customers: readonly Customer[];
  readonly asked: Asked[] = [];
  /** What is wrong: empty at the end of a run that is right. */
  readonly problems: string[] = [];
  /** Text of each answer as the server got it, by device and request, up to the answer's end. */
  readonly received = new Map<string, string>();
  /** Who was asked last for an answer, as `received` has it, and with what beginning. */
  readonly askedLast = new Map<string, { readonly name: string; readonly beginning: string }>();
  readonly kills: number[] = [];
  server: MarketProcess<UnreliableStore> | null = null;
  /** True when nothing goes wrong any more. */
  isCalm = false;
  readonly #trace = createHash('sha256');

  constructor(seed: number) {
    this.chance = new Chance(seed);
    this.devices = PRICES_CENTS.map((price, index) => new Device(index, price, this));
    this.customers = Array.from({ length: CUSTOMERS }, (_, index) => new Customer(index, this));
    this.customers.forEach(({ actor }, index) => {
      const amountMicrocents = index === 0 ? POOR_MICROCENTS : RICH_MICROCENTS;
      const id = asId<TransferId>(uuid(500 + index));
      const command = { kind: 'top_up', id, owner: actor, amountMicrocents, clearing: 'manual' } as const;
      this.store.apply([{ commands: [command], rows: [] }], this.clock.nowMs());
    });
  }

  /** A digest of all that happened: the same for the same seed. */
  digest(): string {
    return this.#trace.digest('hex');
  }

  /** Notes what is wrong, once. */
  readonly expect = (holds: boolean, what: string): void => {
    if (!holds && this.problems.length < 20 && !this.problems.includes(what)) this.problems.push(what);
  };

  noteReceived(name: string, { delta }: DeltaMessage): void {
    this.received.set(name, (this.received.get(name) ?? '') + delta.text);
  }

  noteAsked(name: string, { requestId, body, isContinuation }: ProviderOrder): void {
    this.askedLast.set(requestId, { name, beginning: isContinuation ? new TextDecoder().decode(body) : '' });
  }

  /** Runs everything that happens, then all that is to end by itself, then stops the server. */
  async run(): Promise<void> {
    this.#startServer();
    for (const device of this.devices) device.connect();
    this.#every(MEAN_BETWEEN_REQUESTS_MS, () => this.chance.oneOf(this.customers).askSomething());
    this.#every(MEAN_BETWEEN_KILLS_MS, () => this.#kill());
    this.#every(MEAN_BETWEEN_OUTAGES_MS, () => this.server?.store.goAway(this.#outageMs()));
    await this.#passTime(EVENTFUL_MS);
    this.isCalm = true;
    await this.#passTime(TIMES.requestTimeoutMs + TIMES.holdLifeMs + 60_000);
  }

  /** What is asked when all is over comes to its end, too. */
  async settle(asked: readonly (Asked | null)[]): Promise<void> {
    for (let step = 0; step < 2_000 && asked.some((each) => each?.told.length === 0); step++)
      await this.#step();
  }

  /** The server stops as it should; false: it never does. */
  async stop(): Promise<boolean> {
    let isOver = false;
    void this.server?.requests
      .drain()
      .then(() => this.server?.requests.close())
      .then(() => {
        isOver = true;
      });
    for (let step = 0; step < 2_000 && !isOver; step++) await this.#step();
    return isOver;
  }

  async #passTime(ms: number): Promise<void> {
    const untilMs = this.clock.nowMs() + ms;
    let isOver = false;
    this.clock.after(ms, () => {
      isOver = true;
    });
    for (let step = 1; !isOver; step++) {
      await this.#step();
      if (step % BOOKS_CHECKED_EVERY_STEPS === 0) this.store.books.expectInOrder();
    }
    this.expect(this.clock.nowMs() <= untilMs, 'time goes on step by step');
  }

  async #step(): Promise<void> {
    this.clock.step();
    // Two turns: the writer waits for one before each batch, and what follows from it begins in the next.
    await turn(2);
    this.#checkOpenHolds();
    this.#trace.update(`${this.clock.nowMs()} ${this.asked.length} ${this.store.transactions.size}\n`);
  }

  /** An end and what resolves its hold are one commit: a hold is open only while its transaction is, and is the one it knows. */
  #checkOpenHolds(): void {
    const { books, transactions } = this.store;
    for (const { holdId, transactionId } of books.kept.open.values()) {
      const known = transactionId === null ? undefined : transactions.get(transactionId);
      const isRight = known?.ended === null && known.begun.holdId === holdId;
      this.expect(isRight, `the hold of transaction ${transactionId} is open only while that is`);
    }
  }

  #every(meanMs: number, work: () => void): void {
    this.clock.after(this.chance.waitMs(meanMs), () => {
      if (this.isCalm) return;
      work();
      this.#every(meanMs, work);
    });
  }

  /** Mostly shorter than the retries of an end, sometimes longer than the life of a hold. */
  #outageMs(): number {
    return this.chance.happens(0.1) ? this.chance.between(30_000, 200_000) : this.chance.between(100, 8_000);
  }

  #startServer(): void {
    const { clock, chance, store } = this;
    this.server = new MarketProcess({
      clock,
      seed: chance.whole(0, 2 ** 31),
      reachStore: (ofProcess) =>
        new UnreliableStore(store, { clock: ofProcess, chance, isCalm: () => this.isCalm }),
      isCounterBroken: () => !this.isCalm && chance.happens(0.005),
    });
  }

  #kill(): void {
    if (this.server === null) return;
    this.kills.push(this.clock.nowMs());
    this.server.kill();
    this.server.store.processDied();
    this.server = null;
    for (const { link } of this.devices) link?.cut();
    this.clock.after(this.chance.between(100, 5_000), () => this.#startServer());
  }
}
