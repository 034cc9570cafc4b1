import type { ChatDependencies } from '../chat/completion.ts';
import { marketOperation } from '../chat/completion-operation.ts';
import { createHttpRoutes, type HttpDependencies, type OperationRoute } from '../pipeline/http.ts';
import type { HttpOperation } from '../pipeline/http-operation.ts';
import { ANTHROPIC_DESCRIPTIONS } from './descriptions.ts';
import { anthropicErrorResponse } from './errors.ts';
import { countTokens, createMessage } from './messages.ts';

/** True for what only Anthropic's clients ask for: its errors have Anthropic's form. */
export function isAnthropicPath(path: string): boolean {
  return path === '/v1/messages' || path.startsWith('/v1/messages/');
}

/** The operations of Anthropic's part of HTTP. */
export function createAnthropicOperations(services: ChatDependencies): HttpOperation[] {
  const [message, tokens] = ANTHROPIC_DESCRIPTIONS;
  return [
    marketOperation(message, (actor, request) => createMessage(actor, request, services)),
    marketOperation(tokens, (actor, request) => countTokens(actor, request, services)),
  ];
}

/** HTTP routes for Anthropic's operations. Throws InvariantError for two of one name. */
export function createAnthropicTransport(
  operations: readonly HttpOperation[],
  dependencies: HttpDependencies,
): OperationRoute[] {
  return createHttpRoutes(operations, anthropicErrorResponse, dependencies);
}
