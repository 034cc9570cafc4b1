import type { z } from 'zod';
import { REQUEST_TIMEOUT_MS } from './limits.ts';

/** An answer of the server that isn't the one expected. */
export class RestError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'RestError';
    this.code = code;
  }
}

/** What goes with a request. */
export interface RestRequest {
  readonly token?: string;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
}

/** The server's REST API, as far as the demo uses it. */
export class RestClient {
  readonly #baseUrl: string;

  constructor(baseUrl: string) {
    this.#baseUrl = baseUrl;
  }

  /** One request; the answer is checked. Throws `RestError` with the server's code and message. */
  async request<Schema extends z.ZodType>(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    schema: Schema,
    { token, body, idempotencyKey }: RestRequest = {},
  ): Promise<z.infer<Schema>> {
    const response = await fetch(`${this.#baseUrl}${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const answer: unknown = await response.json().catch(() => null);
    if (!response.ok) {
      const error = (answer as { error?: { code?: string; message?: string } } | null)?.error;
      const code = error?.code ?? `status ${response.status}`;
      throw new RestError(code, `${method} ${path}: ${code}: ${error?.message ?? 'no message'}`);
    }
    const parsed = schema.safeParse(answer);
    if (!parsed.success)
      throw new RestError('answer', `${method} ${path}: the answer is not the one expected`);
    return parsed.data;
  }
}
