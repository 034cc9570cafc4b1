import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { UnitOfWork, UnitOutcome } from '../../../server/domains/ledger/index.ts';
import { createPricingService } from '../../../server/domains/pricing/index.ts';
import {
  createProviderService,
  type ProviderLink,
  type ProviderOrder,
} from '../../../server/domains/providers/index.ts';
import { createQualityService } from '../../../server/domains/quality/index.ts';
import { createRequestService, REQUEST_TIMES } from '../../../server/domains/requests/index.ts';
import type { AccountActor, DeviceActor } from '../../../server/kernel/actor.ts';
import { type AccountId, asId, type DeviceId, type TenantId } from '../../../server/kernel/ids.ts';
import { createSecretBox } from '../../../server/platform/secrets/index.ts';
import { FakeClock, turn } from '../../support/clock.ts';
import { createServerCore } from '../../support/core.ts';
import { silentLogger } from '../../support/logger.ts';
import { createSeededRandom } from '../../support/random.ts';

const core = createServerCore();
const BALANCE = 1_000_000_000n;

/** What may happen to a request from outside, in any order. */
const happening = fc.oneof(
  { weight: 4, arbitrary: fc.constant('delta' as const) },
  { weight: 2, arbitrary: fc.constant('result' as const) },
  fc.constantFrom('empty_result', 'failure', 'wrong_index', 'cancel', 'vanish', 'time', 'crash', 'turn'),
);

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
    store: { saveOffer: async (device) => device.deviceId },
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
      pricing: createPricingService({ commissionBasisPoints: 1_200, roundingUnitMicrocents: 1n }, { core }),
      transactions: { findOpen: async () => [] },
      keys: {
        findKey: async () => ({ kind: 'free', keys: 0, keptBytes: 0 }),
        forgetKeys: async () => {},
      },
      countTokens: async (text) => text.length,
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
  tenantId: asId<TenantId>('00000000-0000-4000-8000-000000000001'),
  accountId: asId<AccountId>('00000000-0000-4000-8000-000000000002'),
  operator: false,
  role: 'owner',
  networkIds: null,
};

describe('the life of a request', () => {
  it('has one end, gives each slot back once, resolves each hold once, and bills at most the hold', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(happening, { minLength: 1, maxLength: 12 }),
        fc.array(fc.constantFrom('none', 'none', 'none', 'before', 'after'), { maxLength: 4 }),
        fc.array(fc.constantFrom(1, 2, 500), { minLength: 1, maxLength: 3 }),
        async (happenings, failing, prices) => {
          const { clock, ledger, providers, requests } = createWorld(failing);
          const serving: { order: ProviderOrder; device: DeviceActor; link: ProviderLink; index: number }[] =
            [];
          for (const [number, price] of prices.entries()) {
            const deviceId = asId<DeviceId>(`00000000-0000-4000-8000-0000000001${number}0`);
            const device: DeviceActor = { kind: 'device', tenantId: actor.tenantId, deviceId };
            const link: ProviderLink = {
              request: (order) => serving.push({ order, device, link, index: 0 }) > 0,
              grant: () => true,
              cancel: () => true,
            };
            const models = [{ name: 'm', prices: price, contextTokens: 1_000 }];
            await providers.offer(device, link, { slots: 1, models });
          }
          const abort = new AbortController();
          const ends: string[] = [];
          const asked = requests
            .createRequest(actor, {
              model: 'm',
              body: new Uint8Array(),
              promptTokens: 10,
              completionTokensMax: 20,
              costMicrocentsMax: null,
              idempotencyKey: null,
              signal: abort.signal,
            })
            .then(
              async ({ events }) => {
                for await (const event of events) if (event.kind !== 'delta') ends.push(event.kind);
              },
              (error: unknown) => ends.push(String(error)),
            );
          for (const what of [
            ...happenings,
            'turn',
            'failure',
            'turn',
            'failure',
            'turn',
            'failure',
          ] as const) {
            await turn(2);
            const now = serving.at(-1);
            const requestId = now?.order.requestId ?? '';
            const error = { code: 'internal', message: '', status: null };
            const claim = { promptTokens: 10, cachedPromptTokens: 0, completionTokens: 10_000 };
            const ignoring = (work: () => void) => {
              try {
                work();
              } catch {
                // What comes too late is refused.
              }
            };
            ignoring(() => {
              if (what === 'cancel') abort.abort();
              else if (what === 'time') clock.advance(REQUEST_TIMES.stallTimeoutMs);
              else if (what === 'crash') providers.close();
              else if (now === undefined || what === 'turn') return;
              else if (what === 'delta' || what === 'wrong_index') {
                const index = what === 'delta' ? now.index++ : 99;
                const delta = { fields: { content: 'word' }, text: 'word', bytes: 4 };
                providers.delta(now.device, { requestId, index, delta });
              } else if (what === 'failure') {
                providers.result(now.device, { requestId, finishReason: '', claim: null, error });
              } else if (what === 'vanish') {
                providers.disconnected(now.device.deviceId, now.link);
              } else {
                providers.result(now.device, { requestId, finishReason: 'stop', claim, error: null });
              }
            });
          }
          await turn(5);
          clock.advance(REQUEST_TIMES.requestTimeoutMs);
          await turn(5);
          for (let retry = 0; retry < 6; retry++) {
            clock.advance(REQUEST_TIMES.endRetryMs);
            await turn(5);
          }
          await asked;
          await requests.close();
          expect(ends).toHaveLength(1);
          expect(ledger.open.size).toBe(0);
          let paid = 0n;
          for (const [holdId, { costMicrocents }] of ledger.resolved) {
            expect(costMicrocents).toBeLessThanOrEqual(ledger.held.get(holdId) ?? -1n);
            paid += costMicrocents;
          }
          expect(ledger.available).toBe(BALANCE - paid);
          expect(
            [...ledger.resolved.values()].filter(({ costMicrocents }) => costMicrocents > 0n).length,
          ).toBeLessThan(2);
          for (const provider of providers.offersOf('m')) expect(provider.provider.running.size).toBe(0);
        },
      ),
      { numRuns: 200 },
    );
  });
});
