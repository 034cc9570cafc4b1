import { describe, expect, it } from 'vitest';
import {
  checkChange,
  checkGrant,
  isLess,
  type MembershipChange,
} from '../../../server/domains/tenants/rules.ts';
import type { MembershipGrant } from '../../../server/domains/tenants/types.ts';
import { ROLES, type Role } from '../../../server/kernel/actor.ts';
import { asId, type NetworkId } from '../../../server/kernel/ids.ts';
import { uuid } from '../../support/frames.ts';

const network = (number: number) => asId<NetworkId>(uuid(number));
const grant = (role: Role, networkIds: readonly NetworkId[] | null = null): MembershipGrant => ({
  role,
  networkIds: role === 'guest' ? (networkIds ?? [network(1)]) : networkIds,
});
const change = (changes: Partial<MembershipChange>): MembershipChange => ({
  actor: grant('owner'),
  isSelf: false,
  before: grant('member'),
  after: grant('member'),
  owners: 2,
  isHome: false,
  ...changes,
});

describe('checkGrant', () => {
  it.each([
    ['owner', null, true],
    ['owner', [network(1)], false],
    ['administrator', null, true],
    ['administrator', [network(1)], false],
    ['member', null, true],
    ['member', [network(1)], true],
    ['member', [], false],
    ['guest', [network(1)], true],
    ['guest', [], false],
    ['guest', null, false],
  ] as const)('%s for %j: %s', (role, networkIds, isRight) => {
    expect(checkGrant({ role, networkIds }) === null).toBe(isRight);
  });

  it('refuses more networks than a tenant has', () => {
    const networkIds = Array.from({ length: 101 }, (_, index) => network(index));
    expect(checkGrant({ role: 'guest', networkIds })).not.toBeNull();
    expect(checkGrant({ role: 'guest', networkIds: networkIds.slice(1) })).toBeNull();
  });
});

describe('checkChange', () => {
  const mayTouch: Readonly<Record<Role, readonly Role[]>> = {
    owner: ['owner', 'administrator', 'member', 'guest'],
    administrator: ['administrator', 'member', 'guest'],
    member: [],
    guest: [],
  };
  const cases = ROLES.flatMap((actor) => ROLES.map((other) => ({ actor, other })));

  it.each(cases)('$actor makes, changes and removes $other as the table says', ({ actor, other }) => {
    const expected = mayTouch[actor].includes(other) ? null : 'forbidden';
    const by = { actor: grant(actor) };
    expect(checkChange(change({ ...by, before: null, after: grant(other) }))).toBe(expected);
    expect(checkChange(change({ ...by, before: grant(other), after: grant(other) }))).toBe(expected);
    expect(checkChange(change({ ...by, before: grant(other), after: null }))).toBe(expected);
    const promotion = mayTouch[actor].length === 0 ? 'forbidden' : expected;
    expect(checkChange(change({ ...by, before: grant('guest'), after: grant(other) }))).toBe(promotion);
  });

  it('lets a member for single networks change nobody', () => {
    const actor = grant('member', [network(1)]);
    expect(checkChange(change({ actor }))).toBe('forbidden');
  });

  it.each(ROLES)('lets %s leave', (role) => {
    const own = grant(role);
    expect(checkChange(change({ actor: own, isSelf: true, before: own, after: null }))).toBeNull();
  });

  it.each(cases)('$actor makes itself $other only when that is not more', ({ actor, other }) => {
    const own = grant(actor);
    const refused = checkChange(change({ actor: own, isSelf: true, before: own, after: grant(other) }));
    const mayChange = actor === 'owner' || actor === 'administrator';
    const isMore = ROLES.indexOf(other) < ROLES.indexOf(actor);
    expect(refused).toBe(mayChange && !isMore ? null : 'forbidden');
  });

  it('keeps the last owner, whoever asks and whatever it would become', () => {
    for (const after of [null, grant('administrator'), grant('guest')]) {
      for (const isSelf of [true, false]) {
        expect(checkChange(change({ before: grant('owner'), after, owners: 1, isSelf }))).toBe('last_owner');
      }
    }
    expect(checkChange(change({ before: grant('owner'), after: grant('owner'), owners: 1 }))).toBeNull();
  });

  it('keeps an account the owner of its own tenant, however many owners there are', () => {
    const home = { before: grant('owner'), isHome: true, owners: 3 };
    expect(checkChange(change({ ...home, after: null }))).toBe('home_owner');
    expect(checkChange(change({ ...home, after: null, isSelf: true }))).toBe('home_owner');
    expect(checkChange(change({ ...home, after: grant('member') }))).toBe('home_owner');
  });
});

describe('isLess', () => {
  it.each([
    ['an end', grant('guest'), null, true],
    ['a lower role', grant('owner'), grant('member'), true],
    ['a higher role', grant('member'), grant('administrator'), false],
    ['the same', grant('member'), grant('member'), false],
    ['single networks after all', grant('member'), grant('member', [network(1)]), true],
    ['all networks after single ones', grant('member', [network(1)]), grant('member'), false],
    ['one network more', grant('guest', [network(1)]), grant('guest', [network(1), network(2)]), false],
    ['another network', grant('guest', [network(1)]), grant('guest', [network(2)]), true],
    ['a higher role for another network', grant('guest', [network(1)]), grant('member', [network(2)]), true],
  ] as const)('%s: %s', (_what, before, after, expected) => {
    expect(isLess(before, after)).toBe(expected);
  });
});
