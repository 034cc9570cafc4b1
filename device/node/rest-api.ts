import { requireAccess } from './server-access.ts';
import type { ServerOptions } from './server-options.ts';

/** What the server gets for its answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 60_000;

/** What an answer may be of. */
type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** The REST API of a server, in the name of a user. Its functions throw a RefusedError where the server refuses. */
export interface RestApi {
  readonly origin: string;
  /** The answer's JSON. */
  ask<Answer>(
    method: Method,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  /** Brings bytes; the answer's JSON. */
  put<Answer>(path: string, bytes: Uint8Array): Promise<Answer>;
  /** Events as they come, behind `lastId`, until the stream ends, breaks, or is aborted, which throws. */
  events<Data>(path: string, options?: EventOptions): AsyncIterable<ServerSentEvent<Data>>;
  /** Every item of a list, a page at a time. */
  list<Item>(path: string): AsyncIterable<Item>;
}

/** How events are asked for. `body`: by a POST with it. */
export interface EventOptions {
  readonly lastId?: number;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** An event of a stream of the server; `id` is NaN where it has none, `data` its text where that is no JSON. */
export interface ServerSentEvent<Data> {
  readonly id: number;
  readonly event: string;
  readonly data: Data;
}

/** What the server refused, in its words. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly status: number;
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(status: number, text: string) {
    const { code, message, ...details } = refusalIn(text);
    super(`The server refuses: ${status} ${code === '' ? text : `${code}: ${message}`}`);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

const PAGE_ITEMS = 200;

/** The API as a command of the terminal asks it. Throws an InvalidArgumentError without a credential. */
export function restApi(options: ServerOptions): RestApi {
  const { origin, token, tenantId } = requireAccess(options);
  const send = async (path: string, { headers, ...init }: RequestInit): Promise<Response> => {
    const response = await fetchFrom(origin, path, {
      ...init,
      headers: {
        authorization: `Bearer ${token}`,
        ...(tenantId === null ? {} : { 'x-tenant-id': tenantId }),
        ...headers,
      },
    });
    if (!response.ok) throw new RefusedError(response.status, await response.text());
    return response;
  };
  const answer = async <Answer>(path: string, init: RequestInit) => {
    const response = await send(path, { ...init, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    return answerIn<Answer>(origin, await response.text());
  };
  const ask = <Answer>(
    method: Method,
    path: string,
    body?: unknown,
    more: Readonly<Record<string, string>> = {},
  ) => {
    const { headers, ...init } = jsonBody(body);
    return answer<Answer>(path, { method, ...init, headers: { ...headers, ...more } });
  };
  return {
    origin,
    ask,
    put: (path, bytes) => {
      const headers = { 'content-type': 'application/octet-stream' };
      return answer(path, { method: 'PUT', headers, body: Uint8Array.from(bytes) });
    },
    async *events<Data>(path: string, { lastId, body, signal }: EventOptions = {}) {
      const { headers, ...init } = jsonBody(body);
      const behind = lastId === undefined ? {} : { 'last-event-id': String(lastId) };
      const { body: answered } = await send(path, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { ...headers, ...behind },
        ...init,
        ...(signal === undefined ? {} : { signal }),
      });
      yield* readEvents<Data>(answered);
    },
    async *list<Item>(path: string) {
      for (let after: string | null = ''; after !== null; ) {
        const query: string = `limit=${PAGE_ITEMS}${after === '' ? '' : `&after=${encodeURIComponent(after)}`}`;
        const page: { items: Item[]; next: string | null } = await ask(
          'GET',
          `${path}${path.includes('?') ? '&' : '?'}${query}`,
        );
        yield* page.items;
        after = page.next;
      }
    },
  };
}

/**
 * As `fetch`, of this server alone: a redirect is not followed, as what is asked is for nobody else. Throws an Error where nothing answers,
 * and where the server is elsewhere.
 */
export async function fetchFrom(origin: string, path: string, init: RequestInit): Promise<Response> {
  const response = await fetch(new URL(path, origin), { ...init, redirect: 'manual' }).catch(
    (error: unknown) => {
      if (init.signal?.aborted === true) throw error;
      throw new Error(`Nothing answers at ${origin}.`, { cause: error });
    },
  );
  const location = response.headers.get('location');
  if (response.status < 300 || response.status >= 400) return response;
  const elsewhere =
    location !== null && URL.canParse(location, origin) ? new URL(location, origin).origin : '?';
  throw new Error(`The server of ${origin} is elsewhere: ${elsewhere}`);
}

/** The JSON of an answer, an object. Throws an Error for anything else. */
export function answerIn<Answer>(origin: string, text: string): Answer {
  const answer = jsonIn(text);
  if (typeof answer === 'object' && answer !== null) return answer as Answer;
  throw new Error(`What answers at ${origin} is no Yggdrasil.`);
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const jsonBody = (body: unknown): { headers?: Record<string, string>; body?: string } =>
  body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };

function refusalIn(text: string): { code: string; message: string } & Record<string, unknown> {
  const answer = jsonIn(text) as { error?: Record<string, unknown> } | null;
  const error = answer?.error;
  if (typeof error?.code === 'string') return { ...error, code: error.code, message: String(error.message) };
  // Shown as it is.
  return { code: '', message: '' };
}

/** WHATWG HTML section 9.2, as far as the server uses it. */
async function* readEvents<Data>(bytes: Response['body']): AsyncGenerator<ServerSentEvent<Data>> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const piece of bytes ?? []) {
    text += decoder.decode(piece, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = eventOf<Data>(block);
      if (event !== null) yield event;
    }
  }
}

/** Null for a comment. */
function eventOf<Data>(block: string): ServerSentEvent<Data> | null {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const colon = line.indexOf(': ');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 2));
  }
  const data = fields.get('data');
  if (data === undefined) return null;
  const parsed = /^[[{"\d]/.test(data) && data !== '[DONE]' ? JSON.parse(data) : data;
  return { id: Number(fields.get('id')), event: fields.get('event') ?? 'message', data: parsed };
}
