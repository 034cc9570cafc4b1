import { createHash } from 'node:crypto';
import { idempotencyKeyReused } from '../../kernel/idempotency-key.ts';
import type { TransactionId } from '../../kernel/ids.ts';
import type { SecretBox } from '../../kernel/secret-box.ts';
import { keyInFlight, tooMuchKept } from './errors.ts';
import { openAnswer } from './kept-answer.ts';
import { ACCOUNT_KEPT_BYTES_MAX, ACCOUNT_KEYS_MAX } from './limits.ts';
import type { KeyClaim, KeyState, KeyStore } from './ports.ts';
import { NO_PREFERENCES } from './preferences.ts';
import type { ComputeAnswer, ComputeOrder, Requester, StartedRequest } from './types.ts';

/** An order that came under an idempotency key. */
export interface KeyedOrder
  extends Omit<ComputeOrder, 'promptTokens' | 'longestPromptTokens' | 'tokenizer' | 'model'> {
  readonly idempotencyKey: string;
}

/** Has a request under an idempotency key carried out once, and gives its answer to whoever repeats it. */
export class KeyedRequests {
  readonly #store: KeyStore;
  readonly #secretBox: SecretBox;
  /** Keys of requests that are at work in this process, with what was asked. Those of others are in the database. */
  readonly #running = new Map<string, Uint8Array>();

  constructor({ store, secretBox }: { readonly store: KeyStore; readonly secretBox: SecretBox }) {
    this.#store = store;
    this.#secretBox = secretBox;
  }

  /**
   * The answer kept under the order's key; else `carryOut` with the claim of the key, which its first commit writes. A failure
   * is not kept: the next request under the key is judged anew. Refuses with `idempotency_key_reused` when the key belongs
   * to another order, with `idempotency_key_in_flight` while the same one is at work, with `limit_reached` when as much is
   * kept for the account as may be.
   */
  async once(
    requester: Requester,
    order: KeyedOrder,
    request: { readonly id: TransactionId; readonly createdAtMs: number },
    carryOut: (claim: KeyClaim) => Promise<StartedRequest>,
  ): Promise<ComputeAnswer> {
    const { idempotencyKey: key } = order;
    const fingerprint = fingerprintOf(order);
    const name = `${requester.accountId} ${key}`;
    const running = this.#running.get(name);
    if (running !== undefined) {
      if (!sameOrder(running, fingerprint)) throw idempotencyKeyReused();
      // It may have ended a moment ago.
      const kept = this.#keptAnswer(await this.#store.findKey(requester, key), fingerprint, order);
      if (kept === null) throw keyInFlight();
      return kept;
    }
    this.#running.set(name, fingerprint);
    try {
      const state = await this.#store.findKey(requester, key);
      const kept = this.#keptAnswer(state, fingerprint, order);
      if (kept !== null) {
        this.#over(name, fingerprint);
        return kept;
      }
      if (state.kind === 'taken') throw keyInFlight();
      if (state.keys >= ACCOUNT_KEYS_MAX || state.keptBytes >= ACCOUNT_KEPT_BYTES_MAX) throw tooMuchKept();
      const { id: transactionId, createdAtMs } = request;
      const { tenantId, accountId } = requester;
      const claim = { requester: { tenantId, accountId }, key, fingerprint, transactionId, createdAtMs };
      const { answer, ended } = await carryOut(claim);
      void ended.then(() => this.#over(name, fingerprint));
      return await answer.catch((error: unknown) => {
        throw isTakenByAnother(error) ? keyInFlight() : error;
      });
    } catch (error) {
      this.#over(name, fingerprint);
      throw error;
    }
  }

  /** The key may be at work again already, with another model. */
  #over(name: string, fingerprint: Uint8Array): void {
    if (this.#running.get(name) === fingerprint) this.#running.delete(name);
  }

  /** Null: there is none. Refuses with `idempotency_key_reused` where another order has the key. */
  #keptAnswer(state: KeyState, fingerprint: Uint8Array, { models }: KeyedOrder): ComputeAnswer | null {
    if (state.kind === 'free') return null;
    if (!sameOrder(state.fingerprint, fingerprint)) throw idempotencyKeyReused();
    if (state.answer === null) return null;
    return openAnswer(this.#secretBox, state.transactionId, state.answer, models[0] ?? '');
  }
}

/** SHA-256 of everything that decides what is carried out. */
function fingerprintOf(order: KeyedOrder): Uint8Array {
  const { models, preferences, task, body, completionTokensMax, costMicrocentsMax } = order;
  const limits = [
    models.length === 1 ? models[0] : models,
    completionTokensMax,
    costMicrocentsMax,
    ...(preferences === NO_PREFERENCES ? [] : [preferences]),
    ...(task.api === 'chat' ? [] : [task.api]),
  ];
  return createHash('sha256').update(JSON.stringify(limits, withBigints)).update('\n').update(body).digest();
}

function withBigints(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

function sameOrder(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a).equals(b);
}

/** Whether another process claimed the key a moment before: the database refuses the second one (SQLSTATE 23505). */
function isTakenByAnother(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && cause.code === '23505') return true;
  }
  return false;
}
