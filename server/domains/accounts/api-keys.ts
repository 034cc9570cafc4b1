import type { Actor } from '../../kernel/actor.ts';
import { invalidInput } from '../../kernel/errors.ts';
import type { CredentialId } from '../../kernel/ids.ts';
import { byCreation, type ListPosition, type Page, pageOf } from '../../kernel/page.ts';
import { requirePermission } from '../../kernel/permission.ts';
import { requireLimits } from '../spending/index.ts';
import { TOKENS_PER_ACCOUNT_MAX } from './limits.ts';
import type { AccountStore } from './ports.ts';
import { makeApiKey, refusalOfAdding, type TokenSources } from './tokens.ts';
import type { ApiKey, NewApiKey, WantedApiKey } from './types.ts';

/**
 * API keys: tokens for programs, each for one tenant of its account and limited to operations, models, devices and an amount
 * of money. They are revoked as tokens are.
 */
export interface ApiKeys {
  /** The account's API keys for the tenant that it acts in. */
  listApiKeys(
    actor: Actor,
    after: ListPosition<CredentialId> | null,
    limit: number,
  ): Promise<Page<ApiKey, ListPosition<CredentialId>>>;
  /**
   * One more API key for the tenant that the account acts in. Refuses with `invalid_input` an end that is over already, with `amount_out_of_range` limits, with
   * `limit_reached` at 100 tokens and keys together, and with `unauthenticated` where the token in use was revoked meanwhile.
   */
  createApiKey(actor: Actor, wanted: WantedApiKey): Promise<NewApiKey>;
}

/** Builds this part of the service. */
export function createApiKeys(
  dependencies: TokenSources & { readonly store: Pick<AccountStore, 'listApiKeys' | 'addApiKey'> },
): ApiKeys {
  const { store, clock } = dependencies;
  return {
    async listApiKeys(actor, after, limit) {
      const account = requirePermission(actor, 'account.read');
      return pageOf(await store.listApiKeys(account, after, limit + 1, clock.nowMs()), limit, byCreation);
    },

    async createApiKey(actor, { name, scope, limits, expiresAtMs }) {
      const account = requirePermission(actor, 'account.manage');
      if (expiresAtMs !== null && expiresAtMs <= clock.nowMs()) {
        throw invalidInput('expiresAt: must be in the future');
      }
      requireLimits(limits);
      const { token, secret } = makeApiKey(name, expiresAtMs, dependencies);
      const outcome = await store.addApiKey(account, token, { scope, limits }, TOKENS_PER_ACCOUNT_MAX);
      if (outcome !== 'added') throw refusalOfAdding(outcome);
      const { id, createdAtMs, lastUsedAtMs } = token;
      const unspent = {
        spentMicrocents: 0n,
        daySpentMicrocents: 0n,
        monthSpentMicrocents: 0n,
        heldMicrocents: 0n,
      };
      return { key: { id, name, createdAtMs, expiresAtMs, lastUsedAtMs, scope, limits, ...unspent }, secret };
    },
  };
}
