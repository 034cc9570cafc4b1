import type { ListedModel, ProviderService } from '../../domains/providers/index.ts';
import type { AccountActor } from '../../kernel/actor.ts';
import { AppError, invalidInput } from '../../kernel/errors.ts';
import { priceToText } from '../../kernel/money.ts';
import type { HttpRequest, HttpResponse } from '../../platform/http/types.ts';
import { modelQuery } from './descriptions.ts';

/**
 * `GET /v1/models`: https://platform.openai.com/docs/api-reference/models/list. OpenAI's list has one page; ours says
 * `has_more` and takes `limit` and `after` as OpenAI's other lists do, and `after_id` as Anthropic's. Refuses with `invalid_input`.
 */
export async function listModels(
  actor: AccountActor,
  request: HttpRequest,
  { providers }: { providers: Pick<ProviderService, 'listModels'> },
): Promise<HttpResponse> {
  const query = modelQuery.safeParse(Object.fromEntries(request.query));
  if (!query.success) {
    const param = query.error.issues[0]?.path.join('.') ?? null;
    throw invalidInput('`limit` is 1 to 1000, `after` the id of a model.', { param });
  }
  const { after, after_id: afterId, limit } = query.data;
  const { items, next } = await providers.listModels(actor, after ?? afterId ?? null, limit);
  const data = items.map(modelObject);
  const ends = { first_id: items[0]?.name ?? null, last_id: items.at(-1)?.name ?? null };
  return jsonResponse({ object: 'list', data, has_more: next !== null, ...ends });
}

/** `GET /v1/models/{id}`; an id may hold slashes. Refuses with `model_not_found`. */
export async function getModel(
  actor: AccountActor,
  request: HttpRequest,
  { providers }: { providers: Pick<ProviderService, 'findModel'> },
): Promise<HttpResponse> {
  const model = await providers.findModel(actor, request.params['*'] ?? '');
  if (!model) throw new AppError('not_found', 'model_not_found', 'No provider offers this model.');
  return jsonResponse(modelObject(model));
}

function modelObject({ name, providers, contextTokensMax, pricesMin, features }: ListedModel): object {
  return {
    id: name,
    object: 'model',
    // What Anthropic's clients look for.
    type: 'model',
    display_name: name,
    created_at: new Date(0).toISOString(),
    // A model has no date of its own here: it exists while somebody serves it.
    created: 0,
    owned_by: 'marketplace',
    providers,
    context_tokens_max: contextTokensMax,
    features,
    prices_cents_per_1000_tokens_min: {
      prompt: priceToText(pricesMin.prompt),
      cached_prompt: priceToText(pricesMin.cachedPrompt),
      completion: priceToText(pricesMin.completion),
    },
  };
}

function jsonResponse(value: object): HttpResponse {
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(value),
  };
}
