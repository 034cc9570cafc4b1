import { createHash } from 'node:crypto';
import type { AccountActor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { idempotencyKeyReused } from '../../kernel/idempotency-key.ts';
import type { TransactionId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { SecretBox } from '../../kernel/secret-box.ts';
import {
  KEYED_ANSWERS_KEPT_MS,
  type MarketplaceTimes,
  RETRY_AFTER_SECONDS,
  USER_KEPT_BYTES_MAX,
  USER_KEYS_MAX,
} from './limits.ts';
import type { KeptAnswer, MarketplaceStore } from './ports.ts';
import type { ComputeAnswer, ComputeEvent, ComputeOrder } from './types.ts';

/** What keyed requests need. */
export interface KeyedRequestDependencies {
  readonly store: MarketplaceStore;
  readonly secretBox: SecretBox;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** An order that came under an idempotency key. */
export type KeyedOrder = ComputeOrder & { readonly idempotencyKey: string };

const contextOf = (id: TransactionId) => `marketplace_keyed_requests|answer|${id}`;

/** The text of an answer as it is kept. */
export function sealAnswer(secretBox: SecretBox, id: TransactionId, text: string): Uint8Array {
  return secretBox.seal(new TextEncoder().encode(text), contextOf(id));
}

/** Has a request under an idempotency key carried out once, and gives its answer to whoever repeats it. */
export function createKeyedRequests(
  options: { readonly nodeId: string; readonly times: MarketplaceTimes },
  { store, secretBox, clock, logger }: KeyedRequestDependencies,
) {
  const replay = ({ transaction, answer }: KeptAnswer): ComputeAnswer => {
    const { id, providerId, createdAtMs, promptTokens, completionTokens, costCents } = transaction;
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(secretBox.open(answer, contextOf(id)));
    const finishReason = transaction.finishReason === 'length' ? 'length' : 'stop';
    const events: ComputeEvent[] = [
      { kind: 'text', text },
      { kind: 'end', finishReason, promptTokens, completionTokens, costCents },
    ];
    return { transactionId: id, providerId, createdAtMs, isReplay: true, events: oneByOne(events) };
  };

  /** A claim that fails may have been written all the same: its key is freed too, and no other request's. */
  const freeingOnFailure = async <T>(id: TransactionId, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      await store.releaseKey(id).catch((cause: unknown) => {
        const operation = 'marketplace.requests.create';
        logger.error({ operation, transactionId: id, cause }, 'a key could not be freed; recovery will');
      });
      throw error;
    }
  };

  return {
    /**
     * The answer kept under the order's key; else `carryOut` for a requester who doesn't leave: one who does asks again.
     * A failure is not kept: the next request under the key is judged anew. Refuses with `idempotency_key_reused` when
     * the key belongs to another order, with `idempotency_key_in_flight` while the same one is at work, with
     * `limit_reached` when as much is kept for the user as may be: an answer that was promised for a day never goes before.
     */
    async once(
      actor: AccountActor,
      order: KeyedOrder,
      id: TransactionId,
      carryOut: (order: ComputeOrder) => Promise<ComputeAnswer>,
    ): Promise<ComputeAnswer> {
      const claim = await freeingOnFailure(id, () =>
        store.claimKey(
          {
            requester: actor,
            key: order.idempotencyKey,
            fingerprint: fingerprintOf(order),
            transactionId: id,
            nodeId: options.nodeId,
            nowMs: clock.nowMs(),
          },
          { keysMax: USER_KEYS_MAX, bytesMax: USER_KEPT_BYTES_MAX },
        ),
      );
      if (claim.kind === 'full') throw tooMuchKept();
      if (claim.kind === 'reused') throw idempotencyKeyReused();
      if (claim.kind === 'in_flight') throw inFlight();
      if (claim.kind === 'kept') return replay(claim.kept);
      const { signal } = new AbortController();
      return freeingOnFailure(id, () => carryOut({ ...order, signal }));
    },

    /** Forgets answers that were kept long enough, and keys whose request will never end: see `Settlements.recover`. */
    async forgetOld(atStart: boolean): Promise<void> {
      const nowMs = clock.nowMs();
      await store.forgetKeys({
        nodeId: atStart ? options.nodeId : null,
        unansweredBeforeMs: nowMs - options.times.holdLifeMs,
        beforeMs: nowMs - KEYED_ANSWERS_KEPT_MS,
      });
    },
  };
}

/** SHA-256 of everything that decides what is carried out. */
function fingerprintOf({ model, body, completionTokensMax, costCentsMax }: ComputeOrder): Uint8Array {
  const limits = JSON.stringify([model, completionTokensMax, costCentsMax?.toString() ?? null]);
  return createHash('sha256').update(limits).update('\n').update(body).digest();
}

function tooMuchKept(): AppError {
  return new AppError(
    'conflict',
    'limit_reached',
    'As many answers are kept for you as may be, each for a day. A request without Idempotency-Key is served.',
    { details: { keysMax: USER_KEYS_MAX, bytesMax: USER_KEPT_BYTES_MAX } },
  );
}

function inFlight(): AppError {
  return new AppError(
    'conflict',
    'idempotency_key_in_flight',
    'The request with this Idempotency-Key is still at work. Ask again for its answer.',
    { details: { retryAfterSeconds: RETRY_AFTER_SECONDS } },
  );
}

async function* oneByOne<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}
