import { z } from 'zod';
import { InvariantError } from '../../kernel/errors.ts';
import type { HttpOperation } from '../pipeline/http-operation.ts';

/** Throws InvariantError for a JSON route whose params, query or body would let an unknown key pass, at any depth. */
export function requireStrictInput(route: HttpOperation): void {
  if (typeof route.response === 'string') return;
  for (const part of ['params', 'query', 'body'] as const) {
    const schema = route[part];
    if (schema && !isStrict(z.toJSONSchema(schema, { io: 'input' }))) {
      throw new InvariantError(`${route.operation}: ${part} takes unknown keys; use z.strictObject`);
    }
  }
}

/** True when every object with named properties takes no others. */
function isStrict(schema: unknown): boolean {
  if (typeof schema !== 'object' || schema === null) return true;
  if (Array.isArray(schema)) return schema.every(isStrict);
  const described = schema as Record<string, unknown>;
  if (described.type === 'object' && 'properties' in described && described.additionalProperties !== false) {
    return false;
  }
  return Object.entries(described).every(([key, value]) =>
    key === 'properties' ? Object.values(value as object).every(isStrict) : isStrict(value),
  );
}
