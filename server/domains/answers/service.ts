import type { AccountActor, Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { isUuid, type TransactionId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { Logger } from '../../kernel/logger.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { SecretBox } from '../../kernel/secret-box.ts';
import {
  ANSWERS_FOUND_MAX,
  ANSWERS_KEPT_MS,
  ANSWERS_OF_ACCOUNT_BYTES_MAX,
  ANSWERS_OF_ACCOUNT_MAX,
  ANSWERS_OF_TENANT_BYTES_MAX,
  ANSWERS_OF_TENANT_MAX,
} from './limits.ts';
import type { AnswerBounds, AnswerStore } from './ports.ts';
import type { AnswerKind, AnswerToKeep, BilledAnswer, StoredAnswer } from './types.ts';

/**
 * Answers that are kept for whoever asked for them: an account has all of its own, an API key what it asked for itself. Any other is
 * like one that never was.
 */
export interface AnswerService {
  /**
   * Keeps an answer. False, and a line in the log, where the database doesn't take it: whoever has the answer is to get it all
   * the same.
   */
  keep(actor: Actor, answer: AnswerToKeep): Promise<boolean>;
  /**
   * Writes how an answer ended that was kept at work. False: it was removed meanwhile, or has ended already, unless `replaces`, or as
   * `keep`.
   */
  end(actor: Actor, answer: Omit<AnswerToKeep, 'hasEnded'>, replaces?: boolean): Promise<boolean>;
  /** How an answer ended that was kept at work, for the commit that bills it: it is written with the bill or not at all. */
  billed(actor: Actor, answer: Omit<AnswerToKeep, 'hasEnded'>, transactionId: TransactionId): BilledAnswer;
  /** Null: there is none, or no more. */
  find(actor: Actor, kind: AnswerKind, id: string): Promise<StoredAnswer | null>;
  /** Several at once, by their ids, at most `ANSWERS_FOUND_MAX`; those that aren't there are missing. */
  findAll(actor: Actor, kind: AnswerKind, ids: readonly string[]): Promise<ReadonlyMap<string, StoredAnswer>>;
  /** False: there was none. */
  remove(actor: Actor, kind: AnswerKind, id: string): Promise<boolean>;
  /** Forgets those whose time is over. */
  removeExpired(): Promise<void>;
}

/** What may be kept unless a test says otherwise. */
export const ANSWER_BOUNDS: AnswerBounds = {
  accountMax: ANSWERS_OF_ACCOUNT_MAX,
  accountBytesMax: ANSWERS_OF_ACCOUNT_BYTES_MAX,
  tenantMax: ANSWERS_OF_TENANT_MAX,
  tenantBytesMax: ANSWERS_OF_TENANT_BYTES_MAX,
};

/** Builds the service. */
export function createAnswerService(
  { bounds = ANSWER_BOUNDS }: { readonly bounds?: AnswerBounds },
  {
    store,
    secretBox,
    clock,
    logger,
  }: {
    readonly store: AnswerStore;
    readonly secretBox: SecretBox;
    readonly clock: Clock;
    readonly logger: Logger;
  },
): AnswerService {
  const seal = (kind: AnswerKind, id: string, content: JsonObject) =>
    secretBox.seal(new TextEncoder().encode(JSON.stringify(content)), contextOf(kind, id));
  const open = (kind: AnswerKind, id: string, sealed: Uint8Array) =>
    JSON.parse(new TextDecoder().decode(secretBox.open(sealed, contextOf(kind, id)))) as JsonObject;
  const written = async (operation: string, id: string, write: () => Promise<boolean>) => {
    try {
      return await write();
    } catch (error) {
      logger.error({ operation, id, error }, 'an answer was not kept');
      return false;
    }
  };
  const findAll = async (account: AccountActor, kind: AnswerKind, ids: readonly string[]) => {
    const asked = [...new Set(ids.filter(isUuid))].slice(0, ANSWERS_FOUND_MAX);
    const found = asked.length === 0 ? [] : await store.find(account, kind, asked, clock.nowMs());
    return new Map(
      found.map(({ content, ...answer }) => [
        answer.id,
        { ...answer, content: open(kind, answer.id, content) },
      ]),
    );
  };
  return {
    keep(actor, { kind, id, hasEnded, content }) {
      const account = requirePermission(actor, 'market.request');
      return written('answers.keep', id, async () => {
        const createdAtMs = clock.nowMs();
        const times = { createdAtMs, expiresAtMs: createdAtMs + ANSWERS_KEPT_MS };
        await store.add(account, { kind, id, hasEnded, content: seal(kind, id, content) }, times, bounds);
        return true;
      });
    },
    end(actor, { kind, id, content }, replaces = false) {
      const account = requirePermission(actor, 'market.request');
      return written('answers.end', id, () =>
        store.end(account, { kind, id, content: seal(kind, id, content) }, replaces),
      );
    },
    billed(actor, { kind, id, content }, transactionId) {
      const { tenantId, accountId } = requirePermission(actor, 'market.request');
      return { kind, id, tenantId, accountId, transactionId, content: seal(kind, id, content) };
    },
    find: async (actor, kind, id) => {
      const found = await findAll(requirePermission(actor, 'market.request'), kind, [id]);
      return found.get(id) ?? null;
    },
    findAll: (actor, kind, ids) => findAll(requirePermission(actor, 'market.request'), kind, ids),
    remove: async (actor, kind, id) =>
      isUuid(id) && (await store.remove(requirePermission(actor, 'market.request'), kind, id)),
    removeExpired: () => store.removeExpired(clock.nowMs()),
  };
}

/** What a sealed answer is bound to. */
const contextOf = (kind: AnswerKind, id: string) => `stored_answers|content|${kind}|${id}`;
