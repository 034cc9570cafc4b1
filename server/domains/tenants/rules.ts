import type { Role } from '../../kernel/actor.ts';
import { MEMBERSHIP_NETWORKS_MAX } from './limits.ts';
import type { LeavingMembership, MembershipGrant } from './types.ts';

/** Why a membership is not given, changed or ended. */
export type MembershipRefusal = 'forbidden' | 'last_owner' | 'home_owner';

/** A change of one membership, with what decides whether it may be. */
export interface MembershipChange {
  /** The membership of who asks. */
  readonly actor: MembershipGrant;
  /** True when somebody changes its own membership. */
  readonly isSelf: boolean;
  /** The membership until now; null: it begins. */
  readonly before: MembershipGrant | null;
  /** The membership from now on; null: it ends. */
  readonly after: MembershipGrant | null;
  /** Owners the tenant has now. */
  readonly owners: number;
  /** True when the tenant was made with the account whose membership it is. */
  readonly isHome: boolean;
}

/** What is wrong with a role for these networks, in words for who gives it, or null. */
export function checkGrant({ role, networkIds }: MembershipGrant): string | null {
  if (networkIds === null) {
    return role === 'guest' ? 'networkIds: a guest is for single networks, name them' : null;
  }
  if (role === 'owner' || role === 'administrator') {
    return `networkIds: an ${role} is for the whole tenant`;
  }
  if (networkIds.length === 0) return 'networkIds: name at least one';
  return networkIds.length > MEMBERSHIP_NETWORKS_MAX
    ? `networkIds: at most ${MEMBERSHIP_NETWORKS_MAX}`
    : null;
}

/**
 * Why a membership may not be changed so, or null when it may. In this order: owners and administrators change
 * memberships, everybody may leave; an administrator doesn't touch owners and makes none; nobody raises itself; the last
 * owner stays; the account that a tenant was made with stays its owner.
 */
export function checkChange(change: MembershipChange): MembershipRefusal | null {
  const { actor, isSelf, before, after, owners, isHome } = change;
  const leaves = isSelf && after === null;
  if (!leaves) {
    if (actor.networkIds !== null || rank(actor.role) < rank('administrator')) return 'forbidden';
    const touchesOwner = before?.role === 'owner' || after?.role === 'owner';
    if (touchesOwner && actor.role !== 'owner') return 'forbidden';
    if (isSelf && after !== null && rank(after.role) > rank(actor.role)) return 'forbidden';
  }
  if (before?.role === 'owner' && after?.role !== 'owner') {
    if (owners <= 1) return 'last_owner';
    if (isHome) return 'home_owner';
  }
  return null;
}

/**
 * What becomes of a tenant when the account of this membership goes: others own it, or the account never did (`left`); its successor becomes
 * an owner (`handed_on`); nobody who is for the whole tenant is left, so it goes as well (`removed`).
 */
export function fateOf({
  role,
  otherOwners,
  successor,
}: LeavingMembership): 'left' | 'handed_on' | 'removed' {
  if (role !== 'owner' || otherOwners > 0) return 'left';
  return successor === null ? 'removed' : 'handed_on';
}

/** True when the account may do less than before: what it has open then must end. */
export function isLess(before: MembershipGrant, after: MembershipGrant | null): boolean {
  if (after === null || rank(after.role) < rank(before.role)) return true;
  if (after.networkIds === null) return false;
  const kept = new Set(after.networkIds);
  return before.networkIds === null || before.networkIds.some((networkId) => !kept.has(networkId));
}

/** Each role may do what those of lower rank may. */
function rank(role: Role): number {
  return { guest: 0, member: 1, administrator: 2, owner: 3 }[role];
}
