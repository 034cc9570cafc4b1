import { createHttpRoutes, type HttpDependencies, type OperationRoute } from '../pipeline/http.ts';
import type { HttpOperation } from '../pipeline/http-operation.ts';
import { errorResponse } from './error-response.ts';
import { requireStrictInput } from './strict-input.ts';

/**
 * HTTP routes for REST operations. Throws InvariantError for two of one name, and for one that would let unknown input
 * pass.
 */
export function createRestTransport(
  operations: readonly HttpOperation[],
  dependencies: HttpDependencies,
): OperationRoute[] {
  for (const operation of operations) requireStrictInput(operation);
  return createHttpRoutes(operations, errorResponse, dependencies);
}
