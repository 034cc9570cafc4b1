import type { ProviderService } from '../../domains/providers/index.ts';
import type { RequestService } from '../../domains/requests/index.ts';
import type { AccountActor } from '../../kernel/actor.ts';
import type { HttpRequest, HttpResponse, HttpRoute } from '../../platform/http/types.ts';
import { createHttpRoutes, type HttpDependencies } from '../pipeline/http.ts';
import type { HttpDescription, HttpOperation } from '../pipeline/http-operation.ts';
import { type ChatCompletionDependencies, createChatCompletion } from './create-chat-completion.ts';
import { OPENAI_DESCRIPTIONS } from './descriptions.ts';
import { openAiErrorResponse } from './errors.ts';
import { BODY_BYTES_MAX } from './limits.ts';
import { getModel, listModels } from './models.ts';

/** The services behind OpenAI's part of HTTP. */
export interface OpenAiServices {
  readonly providers: Pick<ProviderService, 'listModels'>;
  readonly requests: Pick<RequestService, 'createRequest'>;
  readonly tokens: ChatCompletionDependencies['tokens'];
}

/** True for what an OpenAI client may ask for, whether or not it is there: its errors have OpenAI's form. */
export function isOpenAiPath(path: string): boolean {
  return path === '/v1' || path.startsWith('/v1/');
}

/** The operations of OpenAI's part of HTTP. The API key is a user's token. */
export function createOpenAiOperations(services: OpenAiServices): HttpOperation[] {
  const [chatCompletion, modelList, model] = OPENAI_DESCRIPTIONS;
  return [
    served(chatCompletion, (actor, request) => createChatCompletion(actor, request, services)),
    served(modelList, (actor) => listModels(actor, services)),
    served(model, (actor, request) => getModel(actor, request, services)),
  ];
}

/** HTTP routes for OpenAI's operations. Throws InvariantError for two of one name. */
export function createOpenAiTransport(
  operations: readonly HttpOperation[],
  dependencies: HttpDependencies,
): HttpRoute[] {
  return createHttpRoutes(operations, openAiErrorResponse, dependencies);
}

function served(
  description: HttpDescription & { readonly access: 'market.request' },
  answer: (actor: AccountActor, request: HttpRequest) => Promise<HttpResponse>,
): HttpOperation {
  return {
    ...description,
    bodyBytesMax: description.body === null ? 0 : BODY_BYTES_MAX,
    quiet: false,
    // The pipeline asked for the permission before.
    answer: (actor, request) => answer(actor as AccountActor, request),
  };
}
