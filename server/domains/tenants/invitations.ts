import type { AccountActor, Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import { asId, type InvitationId } from '../../kernel/ids.ts';
import { byCreation, type ListPosition, type Page, pageOf } from '../../kernel/page.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { Random } from '../../kernel/random.ts';
import { memberExists, REFUSALS, requireGrant, tooManyMembers } from './errors.ts';
import {
  INVITATION_BYTES,
  INVITATION_MS,
  INVITATION_PREFIX,
  INVITATIONS_INTERVAL_MS,
  INVITATIONS_PER_TENANT_MAX,
} from './limits.ts';
import type { AccountDirectory, InvitationLimiter, InvitationStore, MailSender, TokenHash } from './ports.ts';
import { checkChange } from './rules.ts';
import type { Invitation, JoinedTenant, MembershipGrant, NewInvitation } from './types.ts';

/** Invitations into a tenant: who redeems one becomes a member of it. */
export interface Invitations {
  /**
   * Invites an address, whose owner gets the token by mail, or (null) whoever is given the token. What is answered and done is
   * the same whether or not the address has an account. Refuses with `forbidden`, `invalid_input`, `network_not_found`,
   * `mail_not_set_up`, `rate_limited` and, at 100 open ones, `limit_reached`.
   */
  invite(actor: Actor, grant: MembershipGrant, address: string | null): Promise<NewInvitation>;
  /** The open invitations of the actor's tenant. */
  listOpenInvitations(
    actor: Actor,
    after: ListPosition<InvitationId> | null,
    limit: number,
  ): Promise<Page<Invitation, ListPosition<InvitationId>>>;
  /** Withdraws an invitation. Refuses with `invitation_not_found`. */
  withdrawInvitation(actor: Actor, id: InvitationId): Promise<void>;
  /**
   * Makes the account that asks a member of the tenant it was invited to, once. Refuses with `invitation_wrong` a token that
   * is unknown, used, withdrawn, too old, for another address, or of somebody who may not give that role any more; with
   * `member_exists`, which leaves the invitation as it is; and with `limit_reached`.
   */
  redeemInvitation(actor: Actor, token: string): Promise<JoinedTenant>;
  /** Removes invitations that have ended. */
  removeExpiredInvitations(): Promise<void>;
}

/** What invitations need. */
export interface InvitationDependencies {
  readonly invitations: InvitationStore;
  readonly accounts: AccountDirectory;
  /** Null: no mail can be sent. */
  readonly mail: MailSender | null;
  readonly limiter: InvitationLimiter;
  readonly clock: Clock;
  readonly random: Random;
  readonly hash: TokenHash;
}

/** Builds this part of the service. */
export function createInvitations(dependencies: InvitationDependencies): Invitations {
  const { invitations, accounts, mail, limiter, clock, hash } = dependencies;

  const requireRoom = (actor: AccountActor, address: string | null) => {
    const keys = [`tenant:${actor.tenantId}`, ...(address === null ? [] : [`address:${address}`])];
    for (const key of keys) {
      const waitSeconds = limiter.countAndCheck(key);
      if (waitSeconds !== null) throw tooManyInvitations(waitSeconds);
    }
  };

  return {
    async invite(actor, wanted, address) {
      const account = requirePermission(actor, 'members.manage');
      const grant = requireGrant(wanted);
      const refused = checkInvitation(account, grant, 1);
      if (refused !== null) throw REFUSALS[refused]();
      if (address !== null && mail === null) throw mailNotSetUp();
      requireRoom(account, address);
      const { invitation, secret } = makeInvitation(account, grant, address, dependencies);
      const stored = { ...invitation, hash: hash(secret) };
      const outcome = await invitations.addInvitation(account, stored, INVITATIONS_PER_TENANT_MAX);
      if (outcome.kind !== 'added')
        throw outcome.kind === 'limit_reached' ? tooManyOpen() : notFound('network');
      if (address === null) return { invitation, secret };
      const names = await accounts.findNames(account, [account.accountId]);
      const inviter = names.get(account.accountId) ?? '';
      mail?.send({
        to: address,
        subject: SUBJECT,
        text: invitationText(inviter, outcome.tenantName, secret),
      });
      return { invitation, secret: null };
    },

    async listOpenInvitations(actor, after, limit) {
      const account = requirePermission(actor, 'members.manage');
      const found = await invitations.listInvitations(account, after, limit + 1, clock.nowMs());
      return pageOf(found, limit, byCreation);
    },

    async withdrawInvitation(actor, id) {
      const account = requirePermission(actor, 'members.manage');
      if (!(await invitations.removeInvitation(account, id))) throw notFound('invitation');
    },

    async redeemInvitation(actor, token) {
      const { accountId } = requirePermission(actor, 'account.manage');
      const address = await accounts.findAddress(accountId);
      const redemption = { tokenHash: hash(token), accountId, address, nowMs: clock.nowMs() };
      const outcome = await invitations.redeem(redemption, ({ inviter, grant, owners }) =>
        checkInvitation(inviter, grant, owners),
      );
      if (outcome.kind === 'joined') return outcome.tenant;
      if (outcome.kind === 'exists') throw memberExists();
      if (outcome.kind === 'limit_reached') throw tooManyMembers();
      throw invitationWrong();
    },

    removeExpiredInvitations: () => invitations.removeExpired(clock.nowMs()),
  };
}

/** Whether somebody with this membership may make others members so. */
function checkInvitation(inviter: MembershipGrant, after: MembershipGrant, owners: number) {
  return checkChange({ actor: inviter, isSelf: false, before: null, after, owners, isHome: false });
}

function makeInvitation(
  { tenantId, accountId }: AccountActor,
  grant: MembershipGrant,
  address: string | null,
  { clock, random }: Pick<InvitationDependencies, 'clock' | 'random'>,
): { readonly invitation: Invitation; readonly secret: string } {
  const createdAtMs = clock.nowMs();
  const invitation = {
    ...grant,
    id: asId<InvitationId>(random.uuid()),
    tenantId,
    address,
    invitedBy: accountId,
    createdAtMs,
    expiresAtMs: createdAtMs + INVITATION_MS,
  };
  const secret = INVITATION_PREFIX + Buffer.from(random.bytes(INVITATION_BYTES)).toString('base64url');
  return { invitation, secret };
}

const SUBJECT = 'You are invited';

const invitationText = (inviter: string, tenant: string, secret: string) =>
  `${inviter} invites you to "${tenant}".\n\nSign in with this address, and redeem this invitation within ${INVITATION_MS / 86_400_000} days:\n\n${secret}\n\n` +
  'It is good once, and for this address alone. If you know nobody of this name, you need not do anything.\n';

function mailNotSetUp(): AppError {
  return new AppError(
    'forbidden',
    'mail_not_set_up',
    'This server has no mail server that would send an invitation. Invite without an address, and pass the token on yourself.',
  );
}

function tooManyInvitations(retryAfterSeconds: number): AppError {
  const hours = INVITATIONS_INTERVAL_MS / 3_600_000;
  return new AppError('rate_limited', 'rate_limited', `Too many invitations within ${hours} hour.`, {
    details: { retryAfterSeconds },
  });
}

function tooManyOpen(): AppError {
  return new AppError(
    'conflict',
    'limit_reached',
    'The tenant has as many open invitations as it may have.',
    {
      details: { invitationsMax: INVITATIONS_PER_TENANT_MAX },
    },
  );
}

function invitationWrong(): AppError {
  return new AppError(
    'forbidden',
    'invitation_wrong',
    'The invitation is wrong, used, withdrawn, too old, or for another address. Ask for another.',
  );
}
