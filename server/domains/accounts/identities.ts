import type { Actor } from '../../kernel/actor.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import type { IdentityId } from '../../kernel/ids.ts';
import { byCreation, type ListPosition, type Page, pageOf } from '../../kernel/page.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { IdentityProvider, IdentityStore, MailSender } from './ports.ts';
import { credentialGone } from './tokens.ts';
import type { LinkedIdentity } from './types.ts';

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
export interface IdentityDependencies {
  readonly identities: IdentityStore;
  readonly providers: readonly Pick<IdentityProvider, 'title' | 'issuer'>[];
  /** Null: no mail can be sent. */
  readonly mail: MailSender | null;
  /** The server has a name that passkeys may be for. */
  readonly opensByPasskey: boolean;
}

/** Builds this part of the service. */
export function createLinkedIdentities({
  identities,
  providers,
  mail,
  opensByPasskey,
}: IdentityDependencies): LinkedIdentities {
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
      const outcome = await identities.removeIdentity(account, identityId, {
        opensByMail: mail !== null,
        opensByPasskey,
        opensAt: (issuer) => titleOf(issuer) !== null,
      });
      if (outcome === 'credential_gone') throw credentialGone();
      if (outcome === 'not_found') throw notFound('identity');
      if (outcome === 'last_way') throw lastSignIn();
    },
  };
}

/** What the provider of this issuer is called here; null: nobody signs in with it here. */
export function titleOfIssuer(
  providers: readonly Pick<IdentityProvider, 'title' | 'issuer'>[],
  issuer: string,
): string | null {
  return providers.find((provider) => isSame(provider.issuer, issuer))?.title ?? null;
}

/** Issuers are written with and without a slash at their end. */
function isSame(configured: string, issuer: string): boolean {
  return configured.replace(/\/$/, '') === issuer.replace(/\/$/, '');
}

/** The last way in stays. */
export function lastSignIn(): AppError {
  return new AppError(
    'conflict',
    'last_sign_in',
    'Nothing else would let you in: make a token of your own first, or sign in another way.',
  );
}
