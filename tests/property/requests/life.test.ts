import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { UnitOfWork, UnitOutcome } from '../../../server/domains/ledger/index.ts';
import { createPricingService } from '../../../server/domains/pricing/index.ts';
import {
  createProviderService,
  PLAIN_CHAT,
  type ProviderLink,
  type ProviderOrder,
} from '../../../server/domains/providers/index.ts';
import { createQualityService } from '../../../server/domains/quality/index.ts';
import {
  createRequestService,
  NO_PREFERENCES,
  NO_SETTINGS,
  REQUEST_TIMES,
} from '../../../server/domains/requests/index.ts';
import type { AccountActor, DeviceActor } from '../../../server/kernel/actor.ts';
import { AppError } from '../../../server/kernel/errors.ts';
import { type AccountId, asId, type DeviceId, type TenantId } from '../../../server/kernel/ids.ts';
import { createSecretBox } from '../../../server/platform/secrets/index.ts';
import { TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { FakeClock, turn } from '../../support/clock.ts';
import { createServerCore } from '../../support/core.ts';
import { silentLogger } from '../../support/logger.ts';
import { createSeededRandom } from '../../support/random.ts';
import { sellsWhatItAnnounces } from '../../support/selling.ts';
import { countingBy } from '../../support/tokenizer.ts';

const core = createServerCore();
const BALANCE = 1_000_000_000n;

/** What may happen to a request from outside, in any order. */
const HAPPENINGS = [
  'delta',
  'result',
  'failure',
  'wrong_index',
  'cancel',
  'vanish',
  'time',
  'crash',
  'turn',
  'empty_result',
  'whole_answer',
] as const;
const happening = fc.oneof(
  { weight: 4, arbitrary: fc.constant('delta' as const) },
  { weight: 2, arbitrary: fc.constant('result' as const) },
  fc.constantFrom(...HAPPENINGS.slice(2)),
);

/** Ends whatever is at work after that. */
const FAILURES = ['turn', 'failure', 'turn', 'failure', 'turn', 'failure'] as const;

/** A ledger in memory: a hold is resolved once, a commit may fail before or after it took place. */
class MemoryLedger {
  available = BALANCE;
  readonly open = new Map<string, bigint>();
  readonly resolved = new Map<string, { id: string; costMicrocents: bigint }>();
  readonly held = new Map<string, bigint>();
  #failing: readonly ('none' | 'before' | 'after')[];

  constructor(failing: readonly ('none' | 'before' | 'after')[]) {
    this.#failing = failing;
  }

  async hasMoney(): Promise<boolean> {
    return this.available > 0n;
  }

  async commit(unit: UnitOfWork): Promise<UnitOutcome> {
    const [failure = 'none', ...rest] = this.#failing;
    this.#failing = rest;
    await Promise.resolve();
    if (failure === 'before') throw new Error('the database is away');
    const outcome = this.#carryOut(unit);
    if (failure === 'after') throw new Error('the commit was not heard of');
    return outcome;
  }

  #carryOut({ commands }: UnitOfWork): UnitOutcome {
    for (const [index, command] of commands.entries()) {
      const refused = (reason: 'hold_resolved' | 'hold_not_found' | 'insufficient_balance'): UnitOutcome => ({
        ok: false,
        reason,
        command: index,
      });
      if (command.kind === 'hold') {
        if (this.held.has(command.id)) continue;
        if (command.amountMicrocents > this.available) return refused('insufficient_balance');
        this.available -= command.amountMicrocents;
        this.open.set(command.id, command.amountMicrocents);
        this.held.set(command.id, command.amountMicrocents);
      } else if (command.kind === 'post' || command.kind === 'void' || command.kind === 'expire') {
        const before = this.resolved.get(command.holdId);
        if (before?.id === command.id) continue;
        if (before) return refused('hold_resolved');
        const amount = this.open.get(command.holdId);
        if (amount === undefined) return refused('hold_not_found');
        const paid =
          command.kind === 'post'
            ? command.payees.reduce((sum, payee) => sum + payee.amountMicrocents, command.feeMicrocents)
            : 0n;
        this.open.delete(command.holdId);
        this.available += amount - paid;
        this.resolved.set(command.holdId, { id: command.id, costMicrocents: paid });
      }
    }
    return { ok: true, results: [] };
  }
}

function createWorld(failing: readonly ('none' | 'before' | 'after')[]) {
  const clock = new FakeClock();
  const random = createSeededRandom(1);
  const ledger = new MemoryLedger(failing);
  const logger = silentLogger;
  const store = { find: async () => null, save: async () => {} };
  const quality = createQualityService({ core, store, clock, logger });
  const providers = createProviderService({
    store: { saveOffer: async () => {} },
    registrations: sellsWhatItAnnounces,
    payoutStanding: { canBePaid: async () => true },
    quality,
    core,
    clock,
    random,
    logger,
  });
  const requests = createRequestService(
    { nodeId: 'n' },
    {
      providers,
      ledger,
      pricing: createPricingService(
        { commissionBasisPoints: 1_200, roundingUnitMicrocents: 1n, ownRequestMicrocents: 0n },
        { core },
      ),
      transactions: { findOpen: async () => [] },
      keys: {
        findKey: async () => ({ kind: 'free', keys: 0, keptBytes: 0 }),
        forgetKeys: async () => {},
      },
      settings: { settingsFor: async () => NO_SETTINGS },
      tokens: countingBy(async (_, text) => text.length),
      secretBox: createSecretBox(new Uint8Array(32)),
      clock,
      random,
      logger,
    },
  );
  return { clock, ledger, providers, requests };
}

const actor: AccountActor = {
  kind: 'account',
  credentialId: TEST_CREDENTIAL_ID,
  tenantId: asId<TenantId>('00000000-0000-4000-8000-000000000001'),
  accountId: asId<AccountId>('00000000-0000-4000-8000-000000000002'),
  operator: false,
  role: 'owner',
  networkIds: null,
};

type World = ReturnType<typeof createWorld>;
type Happening = (typeof HAPPENINGS)[number];

/** What a provider was asked, and how many pieces of an answer it gave. */
interface Served {
  readonly order: ProviderOrder;
  readonly device: DeviceActor;
  readonly link: ProviderLink;
  index: number;
}

/** One provider with one slot for each price. Returns what they are asked, in order. */
async function offerAt(prices: readonly number[], { providers }: World): Promise<Served[]> {
  const serving: Served[] = [];
  for (const [number, price] of prices.entries()) {
    const deviceId = asId<DeviceId>(`00000000-0000-4000-8000-0000000001${number}0`);
    const device: DeviceActor = {
      kind: 'device',
      credentialId: TEST_CREDENTIAL_ID,
      tenantId: actor.tenantId,
      deviceId,
    };
    const link: ProviderLink = {
      request: (order) => serving.push({ order, device, link, index: 0 }) > 0,
      grant: () => true,
      cancel: () => true,
    };
    const models = [{ name: 'm', prices: price, contextTokens: 100_000, continuesAnswers: true }];
    await providers.offer(device, link, { slots: 1, models });
  }
  return serving;
}

/** Asks, and reads the answer to its end. `ends` gets every end that the requester sees. */
function ask(
  { requests }: World,
  completionTokensMax: number | null,
  signal: AbortSignal,
  ends: string[],
): Promise<unknown> {
  const order = {
    models: ['m'],
    preferences: NO_PREFERENCES,
    encodeBody: () => new Uint8Array(),
    continuationBody: () => new Uint8Array(),
    countPromptTokens: async () => 10,
    task: PLAIN_CHAT,
    completionTokensMax,
    costMicrocentsMax: null,
    idempotencyKey: null,
    isWhole: false,
    signal,
  };
  return requests.createRequest(actor, order).then(
    async ({ events }) => {
      for await (const event of events) if (event.kind !== 'delta') ends.push(event.kind);
    },
    (error: unknown) => ends.push(String(error)),
  );
}

/** Lets one thing happen. What comes too late is refused, and changes nothing. */
function happen(what: Happening, now: Served | undefined, abort: AbortController, world: World): void {
  const { clock, providers } = world;
  if (what === 'cancel') abort.abort();
  else if (what === 'time') clock.advance(REQUEST_TIMES.stallTimeoutMs);
  else if (what === 'crash') providers.close();
  else if (now !== undefined && what !== 'turn') {
    try {
      send(what, now, world);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
    }
  }
}

function send(
  what: Exclude<Happening, 'cancel' | 'time' | 'crash' | 'turn'>,
  now: Served,
  world: World,
): void {
  const { providers } = world;
  const { order, device, link } = now;
  const { requestId } = order;
  const error = { fault: 'provider', reason: '', status: null, param: null } as const;
  const claim = { promptTokens: 10, cachedPromptTokens: 0, completionTokens: 10_000, reasoningTokens: 0 };
  if (what === 'whole_answer') {
    send('delta', now, world);
    send('result', now, world);
  } else if (what === 'delta' || what === 'wrong_index') {
    const index = what === 'delta' ? now.index++ : 99;
    // Of an answer without a limit one piece takes more than half of what is held first.
    const text = order.completionTokensMax === null ? 'word'.repeat(500) : 'word';
    providers.delta(device, {
      requestId,
      index,
      delta: { fields: { content: text }, text, bytes: text.length },
    });
  } else if (what === 'failure') {
    providers.result(device, { requestId, finishReason: '', claim: null, error });
  } else if (what === 'vanish') {
    providers.disconnected(device.deviceId, link);
  } else {
    providers.result(device, { requestId, finishReason: 'stop', claim, error: null });
  }
}

/** Long enough for every limit of a request, and for every retry of its end. */
async function letTimePass({ clock }: World): Promise<void> {
  await turn(5);
  clock.advance(REQUEST_TIMES.requestTimeoutMs);
  await turn(5);
  for (let retry = 0; retry < 6; retry++) {
    clock.advance(REQUEST_TIMES.endRetryMs);
    await turn(5);
  }
}

function expectOneEnd({ ledger, providers }: World, ends: readonly string[]): void {
  expect(ends).toHaveLength(1);
  expect(ledger.open.size).toBe(0);
  const costs = [...ledger.resolved].map(([holdId, { costMicrocents }]) => {
    expect(costMicrocents).toBeLessThanOrEqual(ledger.held.get(holdId) ?? -1n);
    return costMicrocents;
  });
  expect(ledger.available).toBe(BALANCE - costs.reduce((sum, cost) => sum + cost, 0n));
  expect(costs.filter((cost) => cost > 0n).length).toBeLessThan(2);
  for (const { provider } of providers.offersOf('m')) expect(provider.running.size).toBe(0);
}

describe('the life of a request', () => {
  it('has one end, gives each slot back once, resolves each hold once, and bills at most the hold', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(happening, { minLength: 1, maxLength: 12 }),
        fc.array(fc.constantFrom('none', 'none', 'none', 'before', 'after'), { maxLength: 4 }),
        fc.array(fc.constantFrom(1, 2, 500), { minLength: 1, maxLength: 3 }),
        fc.constantFrom(20, null),
        async (happenings, failing, prices, completionTokensMax) => {
          const world = createWorld(failing);
          const serving = await offerAt(prices, world);
          const abort = new AbortController();
          const ends: string[] = [];
          const asked = ask(world, completionTokensMax, abort.signal, ends);
          for (const what of [...happenings, ...FAILURES]) {
            await turn(2);
            happen(what, serving.at(-1), abort, world);
          }
          await letTimePass(world);
          await asked;
          await world.requests.close();
          expectOneEnd(world, ends);
        },
      ),
      {
        numRuns: 300,
        // An exchange of holds that didn't take place, and one that was not heard of.
        examples: [
          [['failure', 'delta'], ['none', 'before'], [1, 2], 20],
          [['failure', 'delta'], ['none', 'before'], [2, 1], 20],
          [['failure', 'delta'], ['none', 'after'], [2, 1], 20],
          [['failure', 'delta'], ['none', 'before', 'before'], [2, 1], 20],
          // A larger hold for a growing answer that did take place, and was not heard of.
          [['delta', 'delta', 'result'], ['none', 'after'], [1], null],
          // The same, and one that did not take place, while the answer ends.
          [['whole_answer'], ['none', 'after'], [1], null],
          [['whole_answer'], ['none', 'before'], [1], null],
        ],
      },
    );
  });
});
