import type { AccountId } from '../../kernel/ids.ts';
import { CACHE_PREFIX_BYTES, CACHEABLE_BYTES_MIN, CACHED_CONVERSATIONS_MAX } from './limits.ts';
import type { ProviderId } from './types.ts';

/** What a conversation is known by. */
export interface ConversationTurn {
  readonly accountId: AccountId;
  readonly model: string;
  readonly body: Uint8Array;
}

/**
 * Who served a conversation last, and so is likely to have its prompt in a cache. A conversation is known by the beginning of its
 * requests, which all its turns share; one account's are nobody else's.
 */
export class CachedConversations {
  readonly #providers = new Map<string, ProviderId>();

  /** Who is likely to have it in its cache; null: nobody, or it is too short to matter. */
  findProvider(turn: ConversationTurn): ProviderId | null {
    const key = keyOf(turn);
    return key === null ? null : (this.#providers.get(key) ?? null);
  }

  /** This provider has it in its cache from now on. */
  note(turn: ConversationTurn, provider: ProviderId): void {
    const key = keyOf(turn);
    if (key === null) return;
    this.#providers.delete(key);
    this.#providers.set(key, provider);
    if (this.#providers.size <= CACHED_CONVERSATIONS_MAX) return;
    for (const oldest of this.#providers.keys()) {
      this.#providers.delete(oldest);
      return;
    }
  }
}

/** FNV-1a over the beginning: who makes two of his own conversations collide gains nothing. */
function keyOf({ accountId, model, body }: ConversationTurn): string | null {
  if (body.length < CACHEABLE_BYTES_MIN) return null;
  let hash = 0x811c9dc5;
  for (let index = 0; index < CACHE_PREFIX_BYTES; index++) {
    hash = Math.imul(hash ^ (body[index] as number), 0x01000193);
  }
  return `${accountId} ${hash >>> 0} ${model}`;
}
