import type { ProviderService } from '../../domains/providers/index.ts';
import type { RequestService } from '../../domains/requests/index.ts';
import { type AccountActor, requireAccount } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { AppError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { HttpRequest, HttpResponse, HttpRoute } from '../../platform/http/types.ts';
import { authenticate, type Identify } from '../authenticate.ts';
import { toAppError } from '../error-table.ts';
import { logRequest } from '../request-log.ts';
import { type ChatCompletionDependencies, createChatCompletion } from './create-chat-completion.ts';
import { openAiErrorResponse } from './errors.ts';
import { BODY_BYTES_MAX } from './limits.ts';
import { getModel, listModels } from './models.ts';

/** What the transport needs. */
export interface OpenAiTransportDependencies {
  readonly providers: Pick<ProviderService, 'listModels'>;
  readonly requests: Pick<RequestService, 'createRequest'>;
  readonly countPromptTokens: ChatCompletionDependencies['countPromptTokens'];
  readonly identify: Identify;
  readonly logger: Logger;
  readonly clock: Clock;
  /** One request, for metrics; for a stream when it begins. */
  readonly observe: (request: { operation: string; status: number; durationMs: number }) => void;
}

/** A route of this transport by the operation's one name. */
export interface OpenAiRoute extends HttpRoute {
  readonly operation: string;
}

/** OpenAI's part of HTTP. The API key is a user's token. */
export function createOpenAiTransport(dependencies: OpenAiTransportDependencies): OpenAiRoute[] {
  const route = (
    operation: string,
    method: 'GET' | 'POST',
    path: string,
    answer: (actor: AccountActor, request: HttpRequest) => Promise<HttpResponse>,
  ): OpenAiRoute => ({
    operation,
    method,
    path,
    bodyBytesMax: method === 'POST' ? BODY_BYTES_MAX : 0,
    handle: (request) => serve(operation, answer, request, dependencies),
  });
  return [
    route('openai.chatCompletions.create', 'POST', '/v1/chat/completions', (actor, request) =>
      createChatCompletion(actor, request, dependencies),
    ),
    route('openai.models.list', 'GET', '/v1/models', (actor) => listModels(actor, dependencies)),
    route('openai.models.get', 'GET', '/v1/models/*', (actor, request) =>
      getModel(actor, request, dependencies),
    ),
  ];
}

async function serve(
  operation: string,
  answer: (actor: AccountActor, request: HttpRequest) => Promise<HttpResponse>,
  request: HttpRequest,
  { identify, clock, logger, observe }: OpenAiTransportDependencies,
): Promise<HttpResponse> {
  const startedMs = clock.monotonicMs();
  let actor: AccountActor | null = null;
  let failure: AppError | null = null;
  let response: HttpResponse;
  try {
    actor = requireAccount(await authenticate(identify, request.header('authorization')));
    response = await answer(actor, request);
  } catch (error) {
    failure = toAppError(error);
    response = openAiErrorResponse(failure);
  }
  const durationMs = clock.monotonicMs() - startedMs;
  observe({ operation, status: response.status, durationMs });
  logRequest(logger, request, {
    operation,
    status: response.status,
    durationMs,
    actor,
    failure,
    quiet: false,
  });
  return response;
}
