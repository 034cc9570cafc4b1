import type { Actor } from '../../kernel/actor.ts';
import { notFound } from '../../kernel/errors.ts';
import type { IdentityId } from '../../kernel/ids.ts';
import { byCreation, type ListPosition, type Page, pageOf } from '../../kernel/page.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { IdentityStore } from './ports.ts';
import { credentialGone } from './tokens.ts';
import type { LinkedIdentity } from './types.ts';
import { lastSignIn, titleOfIssuer, type WaysInDependencies, waysIn } from './ways-in.ts';

/** Whom an account is taken for at providers of OpenID Connect. */
export interface LinkedIdentities {
  /** The identities that open the account which asks. */
  listIdentities(
    actor: Actor,
    after: ListPosition<IdentityId> | null,
    limit: number,
  ): Promise<Page<LinkedIdentity, ListPosition<IdentityId>>>;
  /**
   * From now on the identity doesn't open the account that asks. Refuses with `identity_not_found`, with `last_sign_in` where nothing else
   * lets the account in, and with `unauthenticated` where the token in use was revoked meanwhile.
   */
  removeIdentity(actor: Actor, identityId: IdentityId): Promise<void>;
}

/** What it needs. */
export interface IdentityDependencies extends WaysInDependencies {
  readonly identities: IdentityStore;
}

/** Builds this part of the service. */
export function createLinkedIdentities(dependencies: IdentityDependencies): LinkedIdentities {
  const { identities, providers } = dependencies;
  const titleOf = (issuer: string) => titleOfIssuer(providers, issuer);
  return {
    async listIdentities(actor, after, limit) {
      const account = requirePermission(actor, 'account.read');
      const page = pageOf(await identities.listIdentities(account, after, limit + 1), limit, byCreation);
      const items = page.items.map((identity) => ({ ...identity, title: titleOf(identity.issuer) }));
      return { ...page, items };
    },

    async removeIdentity(actor, identityId) {
      const account = requirePermission(actor, 'account.manage');
      const outcome = await identities.removeIdentity(account, identityId, waysIn(dependencies));
      if (outcome === 'credential_gone') throw credentialGone();
      if (outcome === 'not_found') throw notFound('identity');
      if (outcome === 'last_way') throw lastSignIn();
    },
  };
}
