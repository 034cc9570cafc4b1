import { InvalidArgumentError } from 'commander';

/** What the server gets for its answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 30_000;

/** The REST API of a server, in the name of a user. Its functions throw an Error for a refusal, with what the server says. */
export interface RestApi {
  /** The answer's JSON. */
  ask<Answer>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer>;
  /** Brings bytes; the answer's JSON. */
  put<Answer>(path: string, bytes: Uint8Array): Promise<Answer>;
  /** Events as they come, behind `lastId`, until the stream ends or breaks. */
  events<Data>(path: string, lastId?: number): AsyncIterable<ServerSentEvent<Data>>;
}

/** An event of a stream of the server; `id` is NaN where it has none. */
export interface ServerSentEvent<Data> {
  readonly id: number;
  readonly event: string;
  readonly data: Data;
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
    async *events<Data>(path: string, lastId = 0) {
      const { body } = await send(path, { headers: { 'last-event-id': String(lastId) } });
      const decoder = new TextDecoder();
      let text = '';
      for await (const bytes of body ?? []) {
        text += decoder.decode(bytes, { stream: true });
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        for (const block of blocks) {
          const event = eventOf<Data>(block);
          if (event !== null) yield event;
        }
      }
    },
  };
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
  return { id: Number(fields.get('id')), event: fields.get('event') ?? 'message', data: JSON.parse(data) };
}
