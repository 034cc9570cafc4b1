import type { z } from 'zod';
import { ANY_MODEL, textIn } from '../../../domains/providers/index.ts';
import type { WholeAnswer } from '../../../domains/requests/index.ts';
import type { AccountActor } from '../../../kernel/actor.ts';
import { AppError } from '../../../kernel/errors.ts';
import { moneyToJson } from '../../../kernel/money.ts';
import { COSTS } from '../../../kernel/operation.ts';
import {
  type AskedOrder,
  beginCompletion,
  type ChatDependencies,
  chatOrder,
  wholeCompletion,
} from '../../chat/completion.ts';
import type { LastingEvent } from '../../chat/lasting-answers.ts';
import { need } from '../../chat/needs.ts';
import { checkedChat, requireWholeCharacters } from '../../chat/read-chat-request.ts';
import { defineRoute } from '../define-route.ts';
import { toIsoTime } from '../schemas.ts';
import { marketRequestBody, marketRequestSchema } from './request-schemas.ts';

type MarketRequest = z.output<typeof marketRequestSchema>;
type Services = Pick<ChatDependencies, 'requests' | 'tokens' | 'lasting' | 'answers'>;

/** How a request is called among the answers that last. */
export const nameOfRequest = (id: string): string => `request ${id}`;

/** A request for computing time that needs no client of OpenAI: it is worked on, and asked for by its id. */
export const createMarketRequest = (services: Services) =>
  defineRoute({
    operation: 'marketplace.requests.create',
    method: 'POST',
    path: '/api/v1/marketplace/requests',
    access: 'market.request',
    cost: COSTS.completion,
    audit: 'money',
    summary:
      'Has a prompt answered by a model, or by any that can do what is needed. The answer is at its id, for 30 days.',
    body: marketRequestBody,
    response: marketRequestSchema,
    status: 201,
    errors: ['rate_limited'],
    handle: async ({ actor, body }) => {
      const order = orderOf(actor, body, services);
      const { id, createdAtMs } = services.lasting.newId();
      const state = begunRequest(id, createdAtMs);
      // Without its start in the database there is nothing that an end could be written to.
      await services.answers.keep(actor, { kind: 'request', id, hasEnded: false, content: { ...state } });
      const header = (name: string) =>
        name === 'x-yggdrasil-max-cost-cents' ? body.maximumCostCents : undefined;
      await services.lasting.begin(actor, {
        name: nameOfRequest(id),
        fingerprint: '',
        state,
        events: (signal) => carryOut(actor, order, state, { header, signal }, services),
      });
      return state;
    },
  });

/** Refuses with `invalid_input` what is no conversation. */
function orderOf(
  actor: AccountActor,
  {
    model = ANY_MODEL,
    need: needed,
    prompt,
    messages,
    completionTokensMax,
  }: z.output<typeof marketRequestBody>,
  services: Services,
): AskedOrder {
  const conversation = messages ?? [{ role: 'user', content: prompt }];
  requireWholeCharacters(conversation);
  const chat = checkedChat({
    model,
    messages: conversation,
    max_completion_tokens: completionTokensMax,
    provider: needed?.sort === undefined ? undefined : { sort: needed.sort },
  });
  const order = chatOrder(actor, chat, services);
  const needs = (needed?.features ?? []).map((name) => need(name, 'need.features'));
  return { ...order, task: { ...order.task, needs: [...order.task.needs, ...needs] } };
}

function begunRequest(id: string, createdAtMs: number): MarketRequest {
  return {
    id,
    status: 'PENDING',
    model: null,
    answer: null,
    finishReason: null,
    cost: null,
    promptTokens: null,
    completionTokens: null,
    providersTried: [],
    transactionId: null,
    failureCode: null,
    createdAt: toIsoTime(createdAtMs),
  };
}

/** What an answer changes. */
function completed({ transactionId, model, fields, end }: Omit<WholeAnswer, 'createdAtMs'>) {
  const { finishReason, promptTokens, completionTokens, costMicrocents } = end;
  return {
    status: 'COMPLETED' as const,
    transactionId,
    model,
    answer: textIn(fields.content),
    finishReason,
    promptTokens,
    completionTokens,
    cost: { ...moneyToJson(costMicrocents) },
  };
}

async function* carryOut(
  actor: AccountActor,
  order: AskedOrder,
  begun: MarketRequest,
  asked: { readonly header: (name: string) => string | undefined; readonly signal: AbortSignal },
  services: Services,
): AsyncGenerator<LastingEvent<MarketRequest>> {
  let state = begun;
  const providersTried: string[] = [];
  const withState = (changes: Partial<MarketRequest>): LastingEvent<MarketRequest> => {
    state = { ...state, providersTried: [...providersTried], ...changes };
    return { text: JSON.stringify(state), state };
  };
  const ended = async (changes: Partial<MarketRequest>): Promise<LastingEvent<MarketRequest>> => {
    const event = withState(changes);
    await services.answers.end(actor, { kind: 'request', id: state.id, content: { ...state } });
    return event;
  };
  try {
    yield withState({ status: 'PROCESSING' });
    const watched = {
      ...order,
      asked: (providerId: string) => providersTried.push(providerId),
      keepsWhole: (whole: WholeAnswer) => {
        const content = { ...state, providersTried: [...providersTried], ...completed(whole) };
        return services.answers.billed(
          actor,
          { kind: 'request', id: state.id, content },
          whole.transactionId,
        );
      },
    };
    const frame = await beginCompletion(actor, watched, asked, true, services);
    const { transactionId, model } = frame.answer;
    yield withState({ transactionId, model });
    const { fields, end } = await wholeCompletion(frame);
    yield await ended(completed({ transactionId, model, fields, end }));
  } catch (error) {
    const failureCode = error instanceof AppError ? error.code : 'internal';
    const status = failureCode === 'request_cancelled' ? 'CANCELLED' : 'FAILED';
    yield await ended({ status, failureCode });
    // A fault of ours is for the log, too.
    if (!(error instanceof AppError)) throw error;
  }
}
