import type { AccountActor, Actor, DeviceActor, Role } from './actor.ts';
import { AppError } from './errors.ts';
import type { NetworkId } from './ids.ts';

/**
 * What can be allowed, and to which kind of principal: a person, a device, or both. Every operation names one of these,
 * or says that it is public.
 */
const HOLDERS = {
  /** See one's own account. */
  'account.read': 'account',
  /** Make and revoke one's own tokens. */
  'account.manage': 'account',
  'networks.read': 'account',
  'networks.manage': 'account',
  'devices.read': 'account',
  'devices.manage': 'account',
  /** Forget a device: it is gone from all of its networks. */
  'devices.remove': 'account',
  /** See the other members; everybody sees itself. */
  'members.read': 'account',
  'members.manage': 'account',
  /** See the tenant's balance, statements and transactions. */
  'money.read': 'account',
  /** Spend the tenant's money on computing time. */
  'market.request': 'account',
  /** See who serves what, and for how much. */
  'market.read': 'any',
  /** Serve requests as a provider. */
  'market.provide': 'device',
  /** Open a session; send and receive frames in the networks the device belongs to. */
  'frames.send': 'device',
  /** Run the platform: users, top-ups, metrics, the books. */
  'platform.operate': 'account',
} as const satisfies Readonly<Record<string, 'account' | 'device' | 'any'>>;

/** The name of something that can be allowed. */
export type Permission = keyof typeof HOLDERS;

/** All of them, for documents and tests. */
export const PERMISSIONS = Object.keys(HOLDERS) as readonly Permission[];

type ActorByKind = { account: AccountActor; device: DeviceActor; any: AccountActor | DeviceActor };

/** Who can have a permission. */
export type HolderOf<P extends Permission> = ActorByKind[(typeof HOLDERS)[P]];

const GUEST = ['account.read', 'account.manage', 'networks.read', 'devices.read', 'market.read'] as const;
const MEMBER = [
  ...GUEST,
  'devices.manage',
  'devices.remove',
  'members.read',
  'money.read',
  'market.request',
] as const;
const ADMINISTRATOR = [...MEMBER, 'networks.manage', 'members.manage'] as const;

/** Which role may do what in its tenant. No role runs the platform: that is a flag of an account. */
const ROLE_PERMISSIONS: Readonly<Record<Role, ReadonlySet<Permission>>> = {
  owner: new Set(ADMINISTRATOR),
  administrator: new Set(ADMINISTRATOR),
  member: new Set(MEMBER),
  guest: new Set(GUEST),
};

const DEVICE_PERMISSIONS: ReadonlySet<Permission> = new Set([
  'frames.send',
  'market.provide',
  'market.read',
] as const);

/** What makes sense within single networks. Who is a member of those alone has nothing of the rest of the tenant. */
const NETWORK_PERMISSIONS: ReadonlySet<Permission> = new Set([
  'account.read',
  'account.manage',
  'networks.read',
  'devices.read',
  'devices.manage',
  'market.read',
] as const);

/** True when the actor may do this. In which networks, and with which rows, the service decides. */
export function may(actor: Actor, permission: Permission): boolean {
  switch (actor.kind) {
    case 'account':
      if (permission === 'platform.operate') return actor.operator;
      if (!ROLE_PERMISSIONS[actor.role].has(permission)) return false;
      return actor.networkIds === null || NETWORK_PERMISSIONS.has(permission);
    case 'device':
      return DEVICE_PERMISSIONS.has(permission);
    case 'service':
      // Parts of the server act by methods of their own, never in the place of a caller.
      return false;
  }
}

/** The actor, as one who may do this. Refuses all others with `forbidden`. */
export function requirePermission<P extends Permission>(actor: Actor, permission: P): HolderOf<P> {
  // The tables above give a permission to its kind of holder alone; a test compares them.
  if (may(actor, permission)) return actor as HolderOf<P>;
  throw new AppError('forbidden', 'forbidden', reasonOf(actor, permission));
}

/** False for a network that the account's membership isn't for: to it, such a network doesn't exist. */
export function seesNetwork(actor: AccountActor, networkId: NetworkId): boolean {
  return actor.networkIds === null || actor.networkIds.includes(networkId);
}

/** The kind of principal that can have a permission. */
export function holderKind(permission: Permission): 'account' | 'device' | 'any' {
  return HOLDERS[permission];
}

function reasonOf(actor: Actor, permission: Permission): string {
  if (permission === 'platform.operate') return 'This needs an operator of the platform.';
  const kind = holderKind(permission);
  if (kind === 'account' && actor.kind === 'device') return 'This needs a user, not a device.';
  if (kind === 'device' && actor.kind === 'account') return 'This needs a device, not a user.';
  return 'Your role does not allow this.';
}
