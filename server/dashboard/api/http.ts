import { reportConnection } from './connection.svelte.ts';
import { credentialHeaders } from './credentials.ts';
import type { ListPage } from './types.ts';

/** The server refused. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  /** Stable; the message is for people. */
  readonly code: string;
  /** With what somebody may prove that it is them, where the server asks for that. */
  readonly accepted: readonly ProofWay[];

  constructor(status: number, code: string, message: string, accepted: readonly ProofWay[] = []) {
    super(message);
    this.status = status;
    this.code = code;
    this.accepted = accepted;
  }
}

/** What somebody proves with that it is them. */
export type ProofWay = 'passkey' | 'code' | 'recovery_code';

/** The server was not reached. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What else a request has. */
export interface RequestOptions {
  readonly body?: unknown;
  /** A body that isn't JSON. */
  readonly bytes?: Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

let whenSignedOut: () => void = () => undefined;

/** Calls it when the server says that nobody is signed in any more. */
export function onSignedOut(callback: () => void): void {
  whenSignedOut = callback;
}

/** The server said so. */
export function reportSignedOut(): void {
  whenSignedOut();
}

let whenProofNeeded: (accepted: readonly ProofWay[]) => Promise<boolean> = async () => false;

/** Calls it when the server wants to know first that it is still them; true: it knows now, and is asked again. */
export function onProofNeeded(callback: (accepted: readonly ProofWay[]) => Promise<boolean>): void {
  whenProofNeeded = callback;
}

const PROOF_PATH = '/api/v1/users/me/proof';

/** Sends a request; its answer has a body that nobody has read. Throws ApiError for a refusal, ConnectionError where there is no answer. */
export async function send(method: Method, path: string, options: RequestOptions = {}): Promise<Response> {
  const { body, bytes, headers = {}, signal } = options;
  const response = await fetch(path, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(bytes === undefined ? {} : { 'content-type': 'application/octet-stream' }),
      ...credentialHeaders(method),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(bytes === undefined ? {} : { body: bytes }),
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    reportConnection(false);
    throw new ConnectionError('The server does not answer.');
  });
  reportConnection(true);
  if (response.ok) return response;
  const error = await readError(response);
  if (error.status === 401) reportSignedOut();
  const asksForProof = error.code === 'step_up_required' && !path.startsWith(PROOF_PATH);
  if (asksForProof && (await whenProofNeeded(error.accepted))) return send(method, path, options);
  throw error;
}

/** Asks the API. */
export async function ask<Answer>(method: Method, path: string, body?: unknown): Promise<Answer> {
  const response = await send(method, `/api/v1${path}`, { body });
  return (await response.json()) as Answer;
}

/** Everything in a list, a page at a time: `received` gets each. Pages are as large as the server makes them. */
export async function askAll<Item>(
  path: string,
  received: (items: readonly Item[]) => void,
  signal?: AbortSignal,
): Promise<void> {
  let after: string | null = null;
  do {
    const query: string = after === null ? '' : `&after=${encodeURIComponent(after)}`;
    const page: ListPage<Item> = await ask(
      'GET',
      `${path}${path.includes('?') ? '&' : '?'}limit=200${query}`,
    );
    if (signal?.aborted) return;
    received(page.items);
    after = page.next;
  } while (after !== null);
}

/** Everything in a list that is short. */
export async function askList<Item>(path: string): Promise<readonly Item[]> {
  const all: Item[] = [];
  await askAll<Item>(path, (items) => all.push(...items));
  return all;
}

async function readError(response: Response): Promise<ApiError> {
  const { status } = response;
  try {
    const { error } = (await response.json()) as {
      error: { code: string; message: string; details?: { accepted?: readonly ProofWay[] } };
    };
    return new ApiError(status, error.code, error.message, error.details?.accepted);
  } catch {
    return new ApiError(status, 'unreadable', `${status} ${response.statusText}`);
  }
}
