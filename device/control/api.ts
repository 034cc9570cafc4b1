import { InvalidArgumentError } from 'commander';

/** What every command that asks the API takes. */
export interface AskingOptions {
  readonly server: string;
  readonly token?: string;
  readonly network?: string;
}

/** What the server gets for its answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 30_000;

/** The REST API in the name of a user. */
export interface Api {
  /** The answer's JSON. Throws an Error for a refusal. */
  ask<Answer>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer>;
  /** An answer that is streamed, for as long as it takes. Throws an Error for a refusal. */
  stream(path: string, headers: Readonly<Record<string, string>>): Promise<AsyncIterable<Uint8Array>>;
}

/** The way to the API. Throws an InvalidArgumentError without a token. */
export function apiOf({ server, token = process.env.YGGDRASIL_TOKEN }: AskingOptions): Api {
  if (token === undefined) throw new InvalidArgumentError('Give --token, or YGGDRASIL_TOKEN.');
  const authorization = `Bearer ${token}`;
  return {
    async ask<Answer>(method: 'GET' | 'POST', path: string, body?: unknown) {
      const response = await fetch(new URL(path, server), {
        method,
        headers: { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`The server refuses: ${response.status} ${text}`);
      return JSON.parse(text) as Answer;
    },
    async stream(path, headers) {
      const response = await fetch(new URL(path, server), { headers: { authorization, ...headers } });
      if (!response.ok || response.body === null) {
        throw new Error(`The server refuses: ${response.status} ${await response.text()}`);
      }
      return response.body;
    },
  };
}
