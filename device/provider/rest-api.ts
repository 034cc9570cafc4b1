/** What the server gets for its answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 15_000;
/** The same where it looks at a file of several megabytes. */
const BRING_TIMEOUT_MS = 120_000;

/** An answer of the server: what it said, and by which status; 0: nothing answers. */
export interface RestAnswer {
  readonly status: number;
  readonly body: unknown;
  /** Its code, or what kept it from answering. */
  readonly refusal: string | null;
}

/** The REST API of the server whose sessions are at this address, in somebody's name. */
export class RestApi {
  readonly #origin: string;
  readonly #token: string;
  readonly #fetch: typeof fetch;

  /** `server` is an address of Ratatoskr: `wss://host/ratatoskr`. */
  constructor(server: string, token: string, dependencies: { readonly fetch: typeof fetch }) {
    const url = new URL(server);
    this.#origin = `${url.protocol === 'wss:' ? 'https' : 'http'}://${url.host}`;
    this.#token = token;
    this.#fetch = dependencies.fetch;
  }

  /** Asks; never rejects. */
  ask(method: 'GET' | 'POST' | 'PUT', path: string, body?: object): Promise<RestAnswer> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return this.#send(method, path, 'application/json', text, ANSWER_TIMEOUT_MS);
  }

  /** Brings bytes, which the server looks at before it answers; never rejects. */
  bring(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<RestAnswer> {
    return this.#send('PUT', path, 'application/octet-stream', bytes, BRING_TIMEOUT_MS);
  }

  async #send(
    method: string,
    path: string,
    type: string,
    body: string | Uint8Array<ArrayBuffer> | undefined,
    timeoutMs: number,
  ): Promise<RestAnswer> {
    try {
      const response = await this.#fetch(`${this.#origin}/api/v1/${path}`, {
        method,
        headers: { authorization: `Bearer ${this.#token}`, 'content-type': type },
        ...(body === undefined ? {} : { body }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const said: unknown = await response.json().catch(() => null);
      return {
        status: response.status,
        body: said,
        refusal: response.ok ? null : refusalOf(said, response.status),
      };
    } catch {
      return { status: 0, body: null, refusal: `nothing answers at ${this.#origin}` };
    }
  }
}

function refusalOf(said: unknown, status: number): string {
  const { error } = (said ?? {}) as { error?: { code?: unknown; message?: unknown } };
  return error === undefined ? `status ${status}` : `${error.code}: ${error.message}`;
}
