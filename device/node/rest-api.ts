import { InvalidArgumentError } from 'commander';

/** What the server gets for its answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 30_000;

/** The REST API of a server, in the name of a user. Its functions throw an Error for a refusal, with what the server says. */
export interface RestApi {
  /** The answer's JSON. */
  ask<Answer>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer>;
  /** Brings bytes; the answer's JSON. */
  put<Answer>(path: string, bytes: Uint8Array): Promise<Answer>;
  /** An answer that is streamed, for as long as it takes. */
  stream(path: string, headers?: Readonly<Record<string, string>>): Promise<AsyncIterable<Uint8Array>>;
}

/** What commands that ask a server have as options. `token`: that of the environment where none is given. */
export interface RestApiOptions {
  readonly server: string;
  readonly token?: string;
}

/** The API as a command of the terminal asks it. Throws an InvalidArgumentError without a token. */
export function restApi({ server, token = process.env.YGGDRASIL_TOKEN }: RestApiOptions): RestApi {
  if (token === undefined) throw new InvalidArgumentError('Give --token, or YGGDRASIL_TOKEN.');
  const send = async (path: string, { headers, ...init }: RequestInit): Promise<Response> => {
    const response = await fetch(new URL(path, server), {
      ...init,
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
    if (!response.ok) throw new Error(`The server refuses: ${response.status} ${await response.text()}`);
    return response;
  };
  const answer = async <Answer>(path: string, init: RequestInit) => {
    const response = await send(path, { ...init, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    return (await response.json()) as Answer;
  };
  return {
    ask: (method, path, body) => {
      const headers = { 'content-type': 'application/json' };
      return answer(path, { method, ...(body === undefined ? {} : { headers, body: JSON.stringify(body) }) });
    },
    put: (path, bytes) => {
      const headers = { 'content-type': 'application/octet-stream' };
      return answer(path, { method: 'PUT', headers, body: Uint8Array.from(bytes) });
    },
    async stream(path, headers = {}) {
      const { body } = await send(path, { headers });
      if (body === null) throw new Error('The server says nothing.');
      return body;
    },
  };
}
