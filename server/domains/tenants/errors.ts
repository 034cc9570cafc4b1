import { AppError, invalidInput } from '../../kernel/errors.ts';
import { MEMBERS_PER_TENANT_MAX } from './limits.ts';
import { checkGrant, type MembershipRefusal } from './rules.ts';
import type { MembershipGrant } from './types.ts';

/** What whoever asked is told of a refusal. */
export const REFUSALS: Readonly<Record<MembershipRefusal, () => AppError>> = {
  forbidden: () => new AppError('forbidden', 'forbidden', 'Your role in this tenant does not allow this.'),
  last_owner: () => new AppError('conflict', 'last_owner', 'A tenant has an owner: name another one first.'),
  home_owner: () =>
    new AppError(
      'conflict',
      'home_owner',
      'A user stays the owner of the tenant that was made with it, until it is handed over.',
    ),
};

/** The grant with each network once, in the order of ids. Refuses with `invalid_input` what the role isn't for. */
export function requireGrant({ role, networkIds }: MembershipGrant): MembershipGrant {
  const grant = { role, networkIds: networkIds === null ? null : [...new Set(networkIds)].sort() };
  const problem = checkGrant(grant);
  if (problem !== null) throw invalidInput(problem);
  return grant;
}

/** The account is a member of the tenant already. */
export function memberExists(): AppError {
  return new AppError('conflict', 'member_exists', 'The user is a member already.');
}

/** The tenant has as many members as it may have. */
export function tooManyMembers(): AppError {
  return new AppError('conflict', 'limit_reached', 'The tenant has as many members as it may have.', {
    details: { membersMax: MEMBERS_PER_TENANT_MAX },
  });
}
