import type { ListedModel, ProviderService } from '../../domains/providers/index.ts';
import type { AccountActor } from '../../kernel/actor.ts';
import { AppError } from '../../kernel/errors.ts';
import { priceToText } from '../../kernel/money.ts';
import type { HttpRequest, HttpResponse } from '../../platform/http/types.ts';

/** `GET /v1/models`: https://platform.openai.com/docs/api-reference/models/list. */
export async function listModels(
  actor: AccountActor,
  { providers }: { providers: Pick<ProviderService, 'listModels'> },
): Promise<HttpResponse> {
  const models = await providers.listModels(actor);
  return jsonResponse({ object: 'list', data: models.map(modelObject) });
}

/** `GET /v1/models/{id}`; an id may hold slashes. Refuses with `model_not_found`. */
export async function getModel(
  actor: AccountActor,
  request: HttpRequest,
  { providers }: { providers: Pick<ProviderService, 'listModels'> },
): Promise<HttpResponse> {
  const name = request.params['*'];
  const model = (await providers.listModels(actor)).find((listed) => listed.name === name);
  if (!model) throw new AppError('not_found', 'model_not_found', 'No provider offers this model.');
  return jsonResponse(modelObject(model));
}

function modelObject({ name, providers, contextTokensMax, pricesMin }: ListedModel): object {
  return {
    id: name,
    object: 'model',
    // A model has no date of its own here: it exists while somebody serves it.
    created: 0,
    owned_by: 'marketplace',
    providers,
    context_tokens_max: contextTokensMax,
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
