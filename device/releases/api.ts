import { InvalidArgumentError } from 'commander';

/** Where the server is, and who asks. */
export interface AskingOptions {
  readonly server: string;
  readonly token?: string;
}

/** What the server gets for its answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 30_000;

/** The REST API in the name of a user. */
export interface ReleaseApi {
  /** The answer; throws an Error with the code and the words of a refusal. */
  ask<T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<T>;
  /** Brings bytes. */
  put<T>(path: string, bytes: Uint8Array): Promise<T>;
  /** The data of server-sent events, until the stream ends. */
  follow<T>(path: string): AsyncIterable<T>;
}

/** Throws an InvalidArgumentError without a token. */
export function createReleaseApi({ server, token = process.env.YGGDRASIL_TOKEN }: AskingOptions): ReleaseApi {
  if (token === undefined) throw new InvalidArgumentError('Give --token, or YGGDRASIL_TOKEN.');
  const send = async (method: string, path: string, init: RequestInit = {}) => {
    const response = await fetch(new URL(`/api/v1/${path}`, server), {
      ...init,
      method,
      headers: { authorization: `Bearer ${token}`, ...init.headers },
    });
    if (response.ok) return response;
    const { error } = (await response.json().catch(() => ({}))) as {
      error?: { code?: string; message?: string };
    };
    throw new Error(
      `the server refuses: ${error?.code ?? response.status} (${error?.message ?? 'no reason'})`,
    );
  };
  const signal = () => AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  return {
    async ask<T>(method: 'GET' | 'POST', path: string, body?: unknown) {
      const sent =
        body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
      return (await (await send(method, path, { ...sent, signal: signal() })).json()) as T;
    },
    async put<T>(path: string, bytes: Uint8Array) {
      const headers = { 'content-type': 'application/octet-stream' };
      const body = Uint8Array.from(bytes);
      return (await (await send('PUT', path, { body, headers, signal: signal() })).json()) as T;
    },
    async *follow<T>(path: string) {
      const { body } = await send('GET', path);
      let waiting = '';
      for await (const text of body?.pipeThrough(new TextDecoderStream()) ?? []) {
        waiting += text;
        for (let end = waiting.indexOf('\n\n'); end >= 0; end = waiting.indexOf('\n\n')) {
          const data = /^data: (.*)$/m.exec(waiting.slice(0, end))?.[1];
          waiting = waiting.slice(end + 2);
          if (data !== undefined) yield JSON.parse(data) as T;
        }
      }
    },
  };
}
