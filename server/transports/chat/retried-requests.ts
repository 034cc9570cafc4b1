import { createHash } from 'node:crypto';
import type { AccountActor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Groups } from '../../kernel/groups.ts';
import type { HttpRequest, HttpResponse } from '../../platform/http/types.ts';
import { RETRIED_BYTES_MAX, RETRIED_BYTES_OF_ACCOUNT_MAX, RETRIED_KEPT_MS } from './limits.ts';

/** How often the official clients of OpenAI and Anthropic have sent this request before; nobody else sends it. */
const RETRY_HEADER = 'x-stainless-retry-count';

interface Entry {
  readonly key: string;
  readonly accountId: string;
  readonly answer: Promise<HttpResponse>;
  /** Whoever asked is gone. */
  isLeft: boolean;
  /** Of the answer; 0 while it is at work. */
  bytes: number;
  /** The answer isn't dropped by the clock any more: a timer that waits would keep it in memory. */
  cancelTimer: () => void;
}

/** What of a request is asked for again. */
type Asked = Pick<HttpRequest, 'path' | 'body' | 'header' | 'signal' | 'revoked'>;

/**
 * Requests of official clients, which send a request again by themselves when they lose their connection or their patience. Work
 * goes on without its requester, and the same request again, from the same credential, gets its answer: one piece of work, one bill.
 * Answers are kept in memory, for a while and within bytes of each account; one that is no longer there is made anew. What failed is never
 * given again.
 */
export class RetriedRequests {
  readonly #clock: Clock;
  readonly #byKey = new Groups<string, Entry>();
  /** Those of each account that are answered, the longest ago first. */
  readonly #keptOf = new Groups<string, Entry>();
  readonly #bytesOf = new Map<string, number>();
  #bytes = 0;

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
  }

  /**
   * The answer that `carryOut` gives, or gave when this was asked before. `carryOut` gets the signal that tells when its work is to
   * end: not when an official client goes away, but when its credential is revoked.
   */
  async serve<Request extends Asked>(
    actor: AccountActor,
    request: Request,
    carryOut: (request: Request) => Promise<HttpResponse>,
  ): Promise<HttpResponse> {
    const retries = request.header(RETRY_HEADER);
    // Under a key of its own a request has this anyway, for longer.
    const isOfficial = retries !== undefined && request.header('idempotency-key') === undefined;
    if (!isOfficial) return carryOut(request);
    const key = keyOf(actor, request);
    const before = retries === '0' ? undefined : this.#find(key);
    if (before !== undefined) return this.#giveAgain(before, request.signal);
    return this.#carryOut(actor, key, request, carryOut);
  }

  async #carryOut<Request extends Asked>(
    { accountId }: AccountActor,
    key: string,
    request: Request,
    carryOut: (request: Request) => Promise<HttpResponse>,
  ): Promise<HttpResponse> {
    const { signal, revoked = new AbortController().signal } = request;
    const lasting = Object.create(request, { signal: { value: revoked } }) as Request;
    const answer = carryOut(lasting);
    const entry: Entry = { key, accountId, answer, isLeft: false, bytes: 0, cancelTimer: () => {} };
    this.#byKey.add(key, entry);
    watch(signal, () => {
      entry.isLeft = true;
    });
    try {
      const made = await answer;
      this.#keep(entry, made);
      return made;
    } catch (error) {
      this.#remove(entry);
      throw error;
    }
  }

  async #giveAgain(entry: Entry, signal: AbortSignal): Promise<HttpResponse> {
    entry.isLeft = false;
    watch(signal, () => {
      entry.isLeft = true;
    });
    const answer = await entry.answer;
    return { ...answer, headers: { ...answer.headers, 'idempotent-replayed': 'true' } };
  }

  /** One that nobody waits for; else the only one there is: of several that are answered nobody knows whose this is. */
  #find(key: string): Entry | undefined {
    const entries = [...this.#byKey.of(key)];
    return entries.find(({ isLeft }) => isLeft) ?? (entries.length === 1 ? entries[0] : undefined);
  }

  #keep(entry: Entry, { body }: HttpResponse): void {
    const { accountId } = entry;
    entry.bytes = typeof body === 'string' ? Buffer.byteLength(body) : 0;
    entry.cancelTimer = this.#clock.after(RETRIED_KEPT_MS, () => this.#remove(entry));
    this.#keptOf.add(accountId, entry);
    this.#count(accountId, entry.bytes);
    for (const oldest of this.#keptOf.of(accountId)) {
      if ((this.#bytesOf.get(accountId) ?? 0) <= RETRIED_BYTES_OF_ACCOUNT_MAX) break;
      this.#remove(oldest);
    }
    if (this.#bytes > RETRIED_BYTES_MAX) this.#remove(entry);
  }

  #remove(entry: Entry): void {
    if (!this.#byKey.remove(entry.key, entry)) return;
    entry.cancelTimer();
    this.#keptOf.remove(entry.accountId, entry);
    this.#count(entry.accountId, -entry.bytes);
  }

  #count(accountId: string, bytes: number): void {
    this.#bytes += bytes;
    const left = (this.#bytesOf.get(accountId) ?? 0) + bytes;
    if (left === 0) this.#bytesOf.delete(accountId);
    else this.#bytesOf.set(accountId, left);
  }
}

function keyOf({ credentialId, tenantId }: AccountActor, request: Asked): string {
  const parts = [credentialId, tenantId, request.path, request.header('x-yggdrasil-max-cost-cents') ?? ''];
  return createHash('sha256')
    .update(`${parts.join('\n')}\n`)
    .update(request.body)
    .digest('base64');
}

function watch(signal: AbortSignal, told: () => void): void {
  if (signal.aborted) told();
  else signal.addEventListener('abort', told, { once: true });
}
