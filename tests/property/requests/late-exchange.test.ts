import { describe, expect, it } from 'vitest';
import type { ProviderLink, ProviderOrder } from '../../../server/domains/providers/index.ts';
import { PLAIN_CHAT } from '../../../server/domains/providers/index.ts';
import type { ComputeEvent } from '../../../server/domains/requests/index.ts';
import { NO_PREFERENCES } from '../../../server/domains/requests/index.ts';
import type { AccountActor, DeviceActor } from '../../../server/kernel/actor.ts';
import { AppError } from '../../../server/kernel/errors.ts';
import {
  type AccountId,
  asId,
  type DeviceId,
  type TenantId,
  type TransferId,
} from '../../../server/kernel/ids.ts';
import { unavailable } from '../../../server/platform/database/failures.ts';
import { TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { FakeClock, turn } from '../../support/clock.ts';
import { uuid } from '../../support/frames.ts';
import { MarketProcess, type ReachedStore, TIMES } from '../../support/market-process.ts';
import { MarketStoreInMemory, transfersOf } from '../../support/market-store.ts';

/** What happens to one transaction of the ledger's writer; `dies`: the process, when the commit has taken place or not. */
type Fate = 'kept' | 'before' | 'after' | 'dies before' | 'dies after';

/** Every way in which the three tries of a commit can go. */
const COMMITS: readonly (readonly Fate[])[] = [
  ['kept'],
  ...both(['kept']),
  ...both(['before', 'kept'], ['after', 'kept']),
  ...both(...both(['before'], ['after'])),
];
const DEATHS: readonly (readonly Fate[])[] = [
  ['dies before'],
  ['dies after'],
  ['before', 'dies after'],
  ['after', 'dies before'],
];
/** What happens to the commit of the request's end, which is repeated until it takes place. */
const ENDS: readonly (readonly Fate[])[] = [
  ['kept'],
  ['before', 'before', 'before'],
  ['after', 'after', 'after'],
  ['dies before'],
  ['dies after'],
];
const RICH = 1_000_000_000_000n;

function both(...rest: readonly (readonly Fate[])[]): Fate[][] {
  return (['before', 'after'] as const).flatMap((first) => rest.map((fates) => [first, ...fates]));
}

const customer: AccountActor = {
  kind: 'account',
  credentialId: TEST_CREDENTIAL_ID,
  tenantId: asId<TenantId>(uuid(1)),
  accountId: asId<AccountId>(uuid(2)),
  operator: false,
  role: 'owner',
  networkIds: null,
};

/** A market in which a cheap provider fails and a dear one answers. */
class Exchange {
  readonly kept = new MarketStoreInMemory();
  readonly told: string[] = [];
  readonly #clock = new FakeClock();
  readonly #fates: Fate[];
  #server = this.#startServer();

  /** The fates of the transactions that follow the request's first. */
  constructor(fates: readonly Fate[], balanceMicrocents: bigint) {
    this.#fates = ['kept', ...fates];
    const id = asId<TransferId>(uuid(3));
    const command = {
      kind: 'top_up',
      id,
      owner: customer,
      amountMicrocents: balanceMicrocents,
      clearing: 'manual',
    } as const;
    this.kept.apply([{ commands: [command], rows: [] }], this.#clock.nowMs());
  }

  async run(): Promise<void> {
    await this.#passTime(1_000);
    await this.#offer(10, 1, ({ requestId }, device) => {
      const error = { fault: 'provider', reason: '', status: null, param: null } as const;
      this.#server.providers.result(device, { requestId, finishReason: '', claim: null, error });
    });
    const asking = this.#ask();
    // Listed when the first is chosen, so that the failover goes to it.
    await this.#offer(11, 500, ({ requestId }, device) => {
      const delta = { fields: { content: 'four' }, text: 'four', bytes: 4 };
      this.#server.providers.delta(device, { requestId, index: 0, delta });
      this.#server.providers.result(device, { requestId, finishReason: 'stop', claim: null, error: null });
    });
    void asking;
    await this.#passTime(TIMES.requestTimeoutMs + TIMES.holdLifeMs + 60_000);
  }

  #ask(): Promise<unknown> {
    const order = {
      models: ['m'],
      preferences: NO_PREFERENCES,
      encodeBody: () => new Uint8Array(),
      continuationBody: () => new Uint8Array(),
      countPromptTokens: async () => 10,
      task: PLAIN_CHAT,
      completionTokensMax: 20,
      costMicrocentsMax: null,
      idempotencyKey: null,
      isWhole: false,
      signal: new AbortController().signal,
    };
    return this.#server.requests.createRequest(customer, order).then(
      async ({ events }) => {
        for await (const event of events) if (event.kind !== 'delta') this.told.push(nameOf(event));
      },
      (error: unknown) => this.told.push(error instanceof AppError ? error.code : String(error)),
    );
  }

  async #offer(
    number: number,
    prices: number,
    serve: (order: ProviderOrder, device: DeviceActor) => void,
  ): Promise<void> {
    const [tenantId, deviceId] = [asId<TenantId>(uuid(20 + number)), asId<DeviceId>(uuid(number))];
    const device: DeviceActor = { kind: 'device', credentialId: TEST_CREDENTIAL_ID, tenantId, deviceId };
    const link: ProviderLink = {
      request: (order) => {
        this.#clock.after(10, () => serve(order, device));
        return true;
      },
      grant: () => true,
      cancel: () => true,
    };
    const models = [{ name: 'm', prices, contextTokens: 1_000 }];
    await this.#server.providers.offer(device, link, { slots: 1, models });
  }

  #startServer(): MarketProcess {
    return new MarketProcess({
      clock: this.#clock,
      seed: 1,
      reachStore: () => this.#reachStore(),
      isCounterBroken: () => false,
    });
  }

  #reachStore(): ReachedStore {
    return {
      kept: this.kept,
      read: (work) => work(),
      transaction: async (work) => {
        const fate = this.#fates.shift() ?? 'kept';
        const done = fate === 'before' || fate === 'dies before' ? null : { value: work() };
        if (fate.startsWith('dies')) await this.#restart();
        if (done === null || fate === 'after') throw unavailable();
        return done.value;
      },
    };
  }

  /** Never returns: who waits for the store is gone. */
  #restart(): Promise<never> {
    this.#server.kill();
    this.#server = this.#startServer();
    return new Promise(() => {});
  }

  async #passTime(ms: number): Promise<void> {
    const untilMs = this.#clock.nowMs() + ms;
    while (this.#clock.nowMs() < untilMs && this.#clock.step()) await turn(2);
  }
}

function nameOf(event: Exclude<ComputeEvent, { kind: 'delta' }>): string {
  return event.kind === 'end' ? `end ${event.costMicrocents}` : event.code;
}

/** No hold is open, the one transaction has ended, and what its requester was told is what was paid. */
function expectMoneyRight({ kept, told }: Exchange): { readonly paid: bigint; readonly holds: number } {
  kept.books.expectInOrder();
  expect(kept.books.kept.open.size).toBe(0);
  expect([...kept.endedWithHold]).toEqual([]);
  const [transaction] = [...kept.transactions.values()];
  expect(kept.transactions.size).toBe(1);
  const { posts, holds } = transfersOf(kept, transaction?.begun.id as never);
  const cost = (transaction?.ended?.shares ?? []).reduce((sum, share) => sum + share.costMicrocents, 0n);
  const paid = posts.reduce((sum, { amountMicrocents }) => sum + amountMicrocents, 0n);
  expect(paid).toBe(cost);
  expect(posts.length).toBe(transaction?.ended?.state === 'COMPLETED' ? 1 : 0);
  expect(told.length).toBeLessThanOrEqual(1);
  if (told[0]?.startsWith('end')) expect(told).toEqual([`end ${paid}`]);
  else if (told.length > 0 && told[0] !== 'outcome_unknown') expect(paid).toBe(0n);
  return { paid, holds: holds.length };
}

describe('a dearer provider that takes a request over', () => {
  it('is paid from a larger hold that took the place of the first', async () => {
    const exchange = new Exchange([], RICH);
    await exchange.run();
    const { paid, holds } = expectMoneyRight(exchange);
    expect(holds).toBe(2);
    expect(exchange.told).toEqual([`end ${paid}`]);
    expect(paid).toBeGreaterThan(0n);
  });

  it('gets nothing, and nothing is held, where the balance reaches for the first provider only', async () => {
    const exchange = new Exchange([], 1_000_000n);
    await exchange.run();
    expect(expectMoneyRight(exchange)).toEqual({ paid: 0n, holds: 1 });
    expect(exchange.told).toEqual(['provider_failed']);
  });

  const cases = [...COMMITS, ...DEATHS].flatMap((exchange) => ENDS.map((end) => ({ exchange, end })));
  it.each(cases)(
    'leaves the money right where the exchange is $exchange and the end is $end',
    async ({ exchange, end }) => {
      const run = new Exchange([...exchange, ...end], RICH);
      await run.run();
      expectMoneyRight(run);
      const isHeard = !exchange.concat(end).some((fate) => fate.startsWith('dies'));
      if (isHeard) expect(run.told).toHaveLength(1);
    },
  );
});
