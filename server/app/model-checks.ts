import type { Config } from '../config/index.ts';
import {
  type CheckAsker,
  type CheckedAnswer,
  createCheckService,
  createCheckStore,
} from '../domains/checks/index.ts';
import { type RepeatedJob, repeat } from '../jobs/repeat.ts';
import type { AccountActor } from '../kernel/actor.ts';
import { AppError } from '../kernel/errors.ts';
import { type AccountId, asId, type CredentialId } from '../kernel/ids.ts';
import type { JsonObject } from '../kernel/json.ts';
import { centsToMicrocents } from '../kernel/money.ts';
import { fencedDatabase } from '../platform/node/index.ts';
import { chatOrder, wholeCompletion } from '../transports/chat/completion.ts';
import { checkedChat } from '../transports/chat/read-chat-request.ts';
import type { Identity } from './identity.ts';
import type { Part } from './lifecycle.ts';
import type { Market } from './market.ts';
import type { Platform } from './platform.ts';

/** Milliseconds from the end of a check to the next one: behind a request it comes some seconds later, or much later. */
const CHECK_INTERVAL_MS = 4_000;

/** The checks of what providers serve, as the configuration lets them be made; they stop before requests do. */
export function modelChecksPart(
  config: Config,
  platform: Platform,
  { identity, market }: { readonly identity: Identity; readonly market: Market },
): Part {
  const { clock, random, logger, node } = platform;
  const accountId = config.marketCheckAccount;
  const stopped = new AbortController();
  let job: RepeatedJob | null = null;
  return {
    name: 'model-checks',
    async start() {
      if (accountId === undefined) return;
      const asker = createAsker(asId<AccountId>(accountId), identity, market, stopped.signal);
      const store = createCheckStore(platform.audit.databaseThrough((plain) => fencedDatabase(plain, node)));
      const checks = createCheckService(
        {
          microcentsPerDay: centsToMicrocents(BigInt(config.marketCheckCentsPerDay)),
          referenceProviders: new Set(config.marketReferenceProviders ?? []),
        },
        { market: market.providers, asker, store, clock, random, logger },
      );
      await checks.start();
      const work = () => checks.checkNext();
      job = repeat(
        { operation: 'marketplace.checks', intervalMs: CHECK_INTERVAL_MS, work },
        { clock, logger },
      );
    },
    async stop() {
      stopped.abort();
      await job?.stop();
    },
  };
}

/** Asks as a customer with the named account does: by a chat, which is held, dispatched and paid as any other. */
export function createAsker(
  accountId: AccountId,
  { accounts }: { readonly accounts: Pick<Identity['accounts'], 'findTenantOfAccount'> },
  { requests, tokens }: Pick<Market, 'requests' | 'tokens'>,
  signal: AbortSignal,
): CheckAsker {
  return {
    async ask({ providerId, ownerId, givesLogprobs }, { model, prompt, seed, tokensMax }, costMicrocentsMax) {
      const tenantId = await accounts.findTenantOfAccount(accountId);
      // What an owner asks of its own machines is free, and teaches nothing.
      if (tenantId === null || tenantId === ownerId) return null;
      const actor: AccountActor = {
        kind: 'account',
        tenantId,
        accountId,
        credentialId: asId<CredentialId>(accountId),
        role: 'owner',
        networkIds: null,
        operator: false,
      };
      const chat = checkedChat({
        model,
        messages: [{ role: 'user', content: prompt }],
        max_tokens: tokensMax,
        temperature: 0,
        seed,
        ...(givesLogprobs ? { logprobs: true } : {}),
        provider: { only: [providerId] },
      });
      const order = { ...chatOrder(actor, chat, { tokens }), costMicrocentsMax, idempotencyKey: null };
      try {
        const answer = await requests.createRequest(actor, { ...order, isWhole: false, signal });
        const { fields, end } = await wholeCompletion({ answer, promptTokens: 0 });
        return { answer: answerIn(fields), costMicrocents: end.costMicrocents };
      } catch (error) {
        if (error instanceof AppError) return null;
        throw error;
      }
    },
  };
}

function answerIn({ content, logprobs }: JsonObject): CheckedAnswer {
  const listed = isObject(logprobs) && Array.isArray(logprobs.content) ? logprobs.content : null;
  const tokens = (listed ?? []).flatMap((one) =>
    isObject(one) && typeof one.token === 'string' && typeof one.logprob === 'number'
      ? [{ token: one.token, logprob: one.logprob }]
      : [],
  );
  return { text: typeof content === 'string' ? content : '', tokens: tokens.length === 0 ? null : tokens };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
