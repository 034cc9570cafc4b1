import type { ProviderService } from '../../domains/providers/index.ts';
import type { RequestService } from '../../domains/requests/index.ts';
import type { TransactionService } from '../../domains/transactions/index.ts';
import type { ChatDependencies } from '../chat/completion.ts';
import { marketOperation } from '../chat/completion-operation.ts';
import { createHttpRoutes, type HttpDependencies, type OperationRoute } from '../pipeline/http.ts';
import type { HttpOperation } from '../pipeline/http-operation.ts';
import { createChatCompletion } from './create-chat-completion.ts';
import { createTextCompletion } from './create-completion.ts';
import { createEmbedding } from './create-embedding.ts';
import { OPENAI_DESCRIPTIONS } from './descriptions.ts';
import { openAiErrorResponse } from './errors.ts';
import { getGeneration } from './generation.ts';
import { getModel, listModels } from './models.ts';
import { cancelResponse, getResponse, removeResponse } from './responses/background.ts';
import { createResponse } from './responses/create-response.ts';
import { listInputItems } from './responses/input-items.ts';

/** The services behind OpenAI's part of HTTP. */
export interface OpenAiServices {
  readonly providers: Pick<ProviderService, 'listModels' | 'findModel'>;
  readonly requests: Pick<RequestService, 'createRequest'>;
  readonly tokens: ChatDependencies['tokens'];
  readonly retried: ChatDependencies['retried'];
  readonly lasting: ChatDependencies['lasting'];
  readonly answers: ChatDependencies['answers'];
  readonly transactions: Pick<TransactionService, 'getGeneration'>;
}

/** True for what an OpenAI client may ask for, whether or not it is there: its errors have OpenAI's form. */
export function isOpenAiPath(path: string): boolean {
  return path === '/v1' || path.startsWith('/v1/');
}

/** The operations of OpenAI's part of HTTP. The API key is a user's token. */
export function createOpenAiOperations(services: OpenAiServices): HttpOperation[] {
  const [
    chatCompletion,
    response,
    completion,
    embedding,
    found,
    items,
    cancelled,
    removed,
    generation,
    modelList,
    model,
  ] = OPENAI_DESCRIPTIONS;
  return [
    marketOperation(chatCompletion, (actor, request) => createChatCompletion(actor, request, services)),
    marketOperation(response, (actor, request) => createResponse(actor, request, services)),
    marketOperation(completion, (actor, request) => createTextCompletion(actor, request, services)),
    marketOperation(embedding, (actor, request) => createEmbedding(actor, request, services)),
    marketOperation(found, (actor, request) => getResponse(actor, request, services)),
    marketOperation(items, (actor, request) => listInputItems(actor, request, services)),
    marketOperation(cancelled, (actor, request) => cancelResponse(actor, request, services)),
    marketOperation(removed, (actor, request) => removeResponse(actor, request, services)),
    marketOperation(generation, (actor, request) => getGeneration(actor, request, services)),
    marketOperation(modelList, (actor, request) => listModels(actor, request, services)),
    marketOperation(model, (actor, request) => getModel(actor, request, services)),
  ];
}

/** HTTP routes for OpenAI's operations. Throws InvariantError for two of one name. */
export function createOpenAiTransport(
  operations: readonly HttpOperation[],
  dependencies: HttpDependencies,
): OperationRoute[] {
  return createHttpRoutes(operations, openAiErrorResponse, dependencies);
}
