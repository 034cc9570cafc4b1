import type { AccountActor, Actor } from '../../kernel/actor.ts';
import { isModelInScope, keyOf, requireModelInScope } from '../../kernel/credential-scope.ts';
import { AppError, InvariantError } from '../../kernel/errors.ts';
import { asId, type TenantId, type TransactionId } from '../../kernel/ids.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { TokenPrices } from '../pricing/index.ts';
import {
  ANY_MODEL,
  capableOffers,
  type Eligible,
  meetsNeeds,
  type ProviderService,
} from '../providers/index.ts';
import type { TransactionStore } from '../transactions/index.ts';
import { endAbandoned } from './abandoned.ts';
import { AnswerBudget } from './answer-budget.ts';
import { modelsFor } from './any-model.ts';
import { contextTokensMaxOf } from './candidates.ts';
import { EmptyBalances } from './empty-balances.ts';
import { insufficientBalance, mayAnotherModelDo, serverStopping, tooManyRunning } from './errors.ts';
import { KeyedRequests } from './keyed-requests.ts';
import {
  ACCOUNT_ANSWER_BYTES_MAX,
  ACCOUNT_RUNNING_MAX,
  KEYED_ANSWERS_KEPT_MS,
  PROCESS_ANSWER_BYTES_MAX,
  REQUEST_BODY_BYTES_MAX,
  REQUEST_TIMES,
} from './limits.ts';
import type { KeyClaim, KeyStore } from './ports.ts';
import { namesItsPrice } from './preferences.ts';
import {
  ComputeRequest,
  type RequestDependencies,
  type RequestInput,
  type RequestOptions,
} from './request.ts';
import { RunningRequests } from './running-requests.ts';
import { withSettings } from './settings.ts';
import type { RequestSettingsService } from './settings-service.ts';
import type { ComputeAnswer, ComputeOrder, KeyedRequester, StartedRequest, UncountedOrder } from './types.ts';

/** What the requests' service needs from outside. */
export interface RequestServiceDependencies
  extends Omit<RequestDependencies, 'providers' | 'budget' | 'stopped'> {
  readonly providers: Pick<ProviderService, 'takeSlot' | 'judge' | 'offersOf' | 'modelsByPrice' | 'close'>;
  readonly keys: KeyStore;
  readonly settings: Pick<RequestSettingsService, 'settingsFor'>;
  readonly transactions: Pick<TransactionStore, 'findOpen'>;
}

/** Settings: `nodeId` must be this node's alone and the same after a restart. */
export interface RequestServiceOptions
  extends Pick<RequestOptions, 'nodeId'>,
    Partial<Pick<RequestOptions, 'times'>> {}

/** Requests for computing time, as the rest of the server sees them. */
export interface RequestService {
  /**
   * Has a request served; resolves with the first piece of its answer. The prompt is counted after everything that costs less
   * was asked. Refuses with `model_not_found`, `feature_not_supported`,
   * `context_length_exceeded`, `maximum_cost_exceeded`, `insufficient_balance`, `no_provider_available`, `rate_limited`, where
   * it comes with an API key also with `api_key_scope` and `spending_limit_reached`, and with how the last provider failed; under an idempotency key also with `idempotency_key_reused`,
   * `idempotency_key_in_flight` and `limit_reached`.
   */
  createRequest(actor: Actor, order: UncountedOrder): Promise<ComputeAnswer>;
  /**
   * Ends what a crash left open: at the start of a node all that it left, later what is older than any request may be. Forgets
   * answers that were kept long enough. Returns how many transactions were ended.
   */
  endAbandoned(atStart: boolean): Promise<number>;
  /** Takes no more requests and resolves when those at work have ended by themselves. */
  drain(): Promise<void>;
  /** Ends what still runs or waits for a slot, unpaid, and resolves when that is written. */
  close(): Promise<void>;
}

/** Makes the requests' service: the one place that brings tenants together. */
export function createRequestService(
  settings: RequestServiceOptions,
  dependencies: RequestServiceDependencies,
): RequestService {
  const options = { times: REQUEST_TIMES, ...settings };
  const { providers, keys, settings: chosen, clock } = dependencies;
  const stop = new AbortController();
  const running = new RunningRequests(ACCOUNT_RUNNING_MAX);
  const begin = createBeginning(options, stop.signal, dependencies);

  return {
    async createRequest(actor, given) {
      const account = requirePermission(actor, 'market.request');
      const requester = requesterOf(account);
      const { accountId } = requester;
      const asked = { ...given, encodeBody: encodedOnce(given) };
      const settings = await chosen.settingsFor(account);
      // The models of the settings are chosen for chats: for anything else they count as far as they can do it.
      const isForTask = (model: string) =>
        asked.task.api === 'chat' ||
        providers.offersOf(model, actor.tenantId).some((offer) => meetsNeeds(offer.model, asked.task.needs));
      const order = withSettings(
        asked,
        settings,
        (model) => isModelInScope(actor, model) && (model === ANY_MODEL || isForTask(model)),
      );
      for (const model of order.models) if (model !== ANY_MODEL) requireModelInScope(actor, model);
      if (running.isClosing) throw serverStopping();
      if (!running.hasRoom(accountId)) throw tooManyRunning();
      let rest: Promise<void> = Promise.resolve();
      const models = modelsFor(order, requester, {
        models: () =>
          providers.modelsByPrice(actor.tenantId).filter(({ name }) => isModelInScope(actor, name)),
        offersOf: (name) => providers.offersOf(name, actor.tenantId),
        nowMs: clock.monotonicMs(),
      });
      const answer = begin(requester, { asked, order }, models, (ended) => {
        rest = ended;
      });
      // Until its first piece a request is work too, and shutting down waits for it.
      running.track(
        accountId,
        answer.then(ignore, ignore).then(() => rest),
      );
      return answer;
    },
    async endAbandoned(atStart) {
      const nowMs = clock.nowMs();
      const which = {
        nodeId: atStart ? options.nodeId : null,
        createdBeforeMs: nowMs - options.times.holdLifeMs,
      };
      const count = await endAbandoned(which, dependencies);
      await keys.forgetKeys(nowMs - KEYED_ANSWERS_KEPT_MS);
      return count;
    },
    drain: () => running.drained(),
    async close() {
      providers.close();
      await running.drained();
      stop.abort();
    },
  };
}

/** An order with the model that is asked for now. */
type ModelOrder = UncountedOrder & Pick<ComputeOrder, 'model'>;

/** An order as its requester gave it, which an idempotency key stands for, and with its account's settings. */
interface BegunOrder {
  readonly asked: UncountedOrder;
  readonly order: UncountedOrder;
}

/** Begins a request; `track` gets the rest of its work, where there is some. */
type Begin = (
  requester: KeyedRequester,
  order: BegunOrder,
  /** The ones that it is tried with, in their order. */
  models: readonly string[],
  track: (ended: Promise<void>) => void,
) => Promise<ComputeAnswer>;

/** Starts a request for one model. */
type Start = (
  id: TransactionId,
  requester: KeyedRequester,
  order: ModelOrder & Pick<RequestInput, 'isPriceItsOwn'>,
  claim: KeyClaim | null,
) => Promise<StartedRequest>;

/** How requests for one model start: what costs least is asked first, then the prompt is counted. */
function createStarting(
  options: RequestOptions,
  stopped: AbortSignal,
  dependencies: RequestServiceDependencies,
): Start {
  const { providers } = dependencies;
  const budget = new AnswerBudget({
    accountBytesMax: ACCOUNT_ANSWER_BYTES_MAX,
    processBytesMax: PROCESS_ANSWER_BYTES_MAX,
  });
  const emptyBalances = new EmptyBalances(dependencies.ledger);

  const requireOffers = ({ model, task }: ModelOrder | ComputeOrder, tenantId: TenantId) => {
    const offers = providers.offersOf(model, tenantId);
    if (offers.length > 0) return capableOffers(offers, task.needs);
    throw new AppError('not_found', 'model_not_found', 'No provider offers this model.');
  };
  const encodePaid = async (
    tenantId: TenantId,
    { encodeBody }: ModelOrder,
    offers: readonly Eligible[],
  ): Promise<Uint8Array> => {
    if (offers.some(({ model }) => isNothing(model.prices))) return encodeBody();
    const body = await emptyBalances.encodedUnlessEmpty(tenantId, encodeBody);
    if (body === null) throw insufficientBalance();
    return body;
  };
  const count = async (
    { accountId }: KeyedRequester,
    { countPromptTokens, encodeBody: _, ...rest }: ModelOrder,
    body: Uint8Array,
    tokensMax: number,
  ): Promise<ComputeOrder> => {
    const { length } = body;
    if (!budget.reserve(accountId, length)) throw tooManyRunning();
    try {
      const tokenizer = dependencies.tokens.tokenizerOf(rest.model);
      const counted = await countPromptTokens(tokensMax, tokenizer);
      const { all, longest } = typeof counted === 'number' ? { all: counted, longest: counted } : counted;
      const countedBy = dependencies.tokens.countedBy(tokenizer);
      return { ...rest, body, promptTokens: all, longestPromptTokens: longest, tokenizer: countedBy };
    } finally {
      budget.release(accountId, length);
    }
  };
  return async (id, requester, { isPriceItsOwn, ...uncounted }, claim) => {
    const { tenantId } = requester;
    const offered = requireOffers(uncounted, tenantId);
    const body = await encodePaid(tenantId, uncounted, offered);
    const order = await count(requester, uncounted, body, contextTokensMaxOf(offered));
    const offers = requireOffers(order, tenantId);
    const input = { id, requester, order, isPriceItsOwn, claim, offers };
    const started = new ComputeRequest(input, options, { ...dependencies, budget, stopped }).start();
    started.answer.catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'insufficient_balance') emptyBalances.note(tenantId);
    });
    return started;
  };
}

/**
 * How requests begin: with an idempotency key each once, without one whenever they come, with the first of their models that
 * somebody can serve.
 */
function createBeginning(
  options: RequestOptions,
  stopped: AbortSignal,
  dependencies: RequestServiceDependencies,
): Begin {
  const { keys, secretBox, clock, random } = dependencies;
  const keyedRequests = new KeyedRequests({ store: keys, secretBox });
  const start = createStarting(options, stopped, dependencies);

  const beginWith = (
    model: string,
    requester: KeyedRequester,
    { asked, order }: BegunOrder,
    track: (ended: Promise<void>) => void,
  ): Promise<ComputeAnswer> => {
    const id = asId<TransactionId>(random.uuid());
    const { idempotencyKey, preferences } = asked;
    // What the account's settings say of prices bounds the market's own guard, and doesn't take its place.
    const isPriceItsOwn = namesItsPrice(preferences);
    const startTracked = async (claim: KeyClaim | null) => {
      const started = await start(id, requester, { ...order, model, isPriceItsOwn }, claim);
      track(started.ended);
      return started;
    };
    if (idempotencyKey === null) return startTracked(null).then(({ answer }) => answer);
    const request = { id, createdAtMs: clock.nowMs() };
    const keyed = { ...asked, idempotencyKey, body: asked.encodeBody() };
    return keyedRequests.once(requester, keyed, request, startTracked);
  };

  return async (requester, order, models, track) => {
    const { signal } = order.asked;
    for (const [index, model] of models.entries()) {
      try {
        return await beginWith(model, requester, order, track);
      } catch (error) {
        if (index === models.length - 1 || signal.aborted || !mayAnotherModelDo(error)) throw error;
      }
    }
    throw new InvariantError('a request names no model');
  };
}

function requesterOf(actor: AccountActor): KeyedRequester {
  const { tenantId, accountId } = actor;
  return { tenantId, accountId, keyId: keyOf(actor) };
}

/** Makes the body once, for however many models it is tried with. Refuses with `too_large`. */
function encodedOnce(order: UncountedOrder): () => Uint8Array {
  let body: Uint8Array | null = null;
  return () => {
    body ??= order.encodeBody();
    if (body.length <= REQUEST_BODY_BYTES_MAX) return body;
    throw new AppError('too_large', 'too_large', `The body may have ${REQUEST_BODY_BYTES_MAX} bytes.`);
  };
}

function isNothing({ prompt, cachedPrompt, completion }: TokenPrices): boolean {
  return prompt === 0n && cachedPrompt === 0n && completion === 0n;
}

function ignore(): void {}
