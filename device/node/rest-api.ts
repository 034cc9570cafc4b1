import { InvalidArgumentError } from 'commander';

/** What the server gets for its answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 30_000;

/** The REST API of a server, in the name of a user. */
export interface RestApi {
  /** Throws an Error for a refusal, with what the server says. */
  ask<Answer>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer>;
}

/** What commands that ask a server have as options. `token`: that of the environment where none is given. */
export interface RestApiOptions {
  readonly server: string;
  readonly token?: string;
}

/** The API as a command of the terminal asks it. Throws an InvalidArgumentError without a token. */
export function restApi({ server, token = process.env.YGGDRASIL_TOKEN }: RestApiOptions): RestApi {
  if (token === undefined) throw new InvalidArgumentError('Give --token, or YGGDRASIL_TOKEN.');
  return {
    async ask<Answer>(method: 'GET' | 'POST', path: string, body?: unknown) {
      const response = await fetch(new URL(path, server), {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`The server refuses: ${response.status} ${text}`);
      return JSON.parse(text) as Answer;
    },
  };
}
