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
  /** See that one's account is to be deleted, and undo that. */
  'account.restore': 'account',
  /** Complete one's sign-in, prove again that it is oneself, and sign out. */
  'account.prove': 'account',
  'networks.read': 'account',
  'networks.manage': 'account',
  'devices.read': 'account',
  'devices.manage': 'account',
  /** Ask a device to do something. */
  'devices.command': 'account',
  /** Forget a device: it is gone from all of its networks. */
  'devices.remove': 'account',
  /** See the other members; everybody sees itself. */
  'members.read': 'account',
  'members.manage': 'account',
  /** Name the tenant, and hand it over to another owner. */
  'tenant.manage': 'account',
  /** See the tenant's balance, statements and transactions. */
  'money.read': 'account',
  /** Spend the tenant's money on computing time. */
  'market.request': 'account',
  /** See who serves what, and for how much. */
  'market.read': 'any',
  /** Register the tenant's devices as providers, and see what they sell. */
  'market.sell': 'account',
  /** Serve requests as a provider. */
  'market.provide': 'device',
  /** Open a session; send and receive frames in the networks the device belongs to. */
  'frames.send': 'device',
  /** Open a session of Ratatoskr; what is asked in it takes the permission that it takes anyway. */
  'sessions.open': 'any',
  /** See the tenant's releases, the keys that sign them, and how far they are rolled out. */
  'releases.read': 'account',
  /** Say whose signature counts, upload releases and roll them out. */
  'releases.manage': 'account',
  /** See who holds locks and who waits for them. */
  'locks.read': 'any',
  /** Take locks. */
  'locks.use': 'any',
  /** See the tenant's audit log. */
  'audit.read': 'account',
  /** Keep the signed heads of the tenant's audit log, and countersign them. */
  'audit.witness': 'any',
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

const GUEST = [
  'account.read',
  'account.manage',
  'account.restore',
  'account.prove',
  'networks.read',
  'devices.read',
  'market.read',
  'sessions.open',
  'locks.read',
] as const;
const MEMBER = [
  ...GUEST,
  'locks.use',
  'devices.manage',
  'devices.command',
  'devices.remove',
  'members.read',
  'money.read',
  'market.request',
  'market.sell',
  'releases.read',
] as const;
const ADMINISTRATOR = [
  ...MEMBER,
  'networks.manage',
  'members.manage',
  'releases.manage',
  'audit.read',
  'audit.witness',
] as const;
const OWNER = [...ADMINISTRATOR, 'tenant.manage'] as const;

/** Which role may do what in its tenant. No role runs the platform: that is a flag of an account. */
const ROLE_PERMISSIONS: Readonly<Record<Role, ReadonlySet<Permission>>> = {
  owner: new Set(OWNER),
  administrator: new Set(ADMINISTRATOR),
  member: new Set(MEMBER),
  guest: new Set(GUEST),
};

const DEVICE_PERMISSIONS: ReadonlySet<Permission> = new Set([
  'frames.send',
  'market.provide',
  'market.read',
  'sessions.open',
  'audit.witness',
  'locks.read',
  'locks.use',
] as const);

/** What makes sense within single networks. Who is a member of those alone has nothing of the rest of the tenant. */
const NETWORK_PERMISSIONS: ReadonlySet<Permission> = new Set([
  'account.read',
  'account.manage',
  'account.restore',
  'account.prove',
  'networks.read',
  'devices.read',
  'devices.manage',
  'devices.command',
  'market.read',
  'sessions.open',
  'locks.read',
  'locks.use',
] as const);

/** What takes a person: with a credential of limited scope nobody makes one that is less limited, or lets others in. */
const PERSON_PERMISSIONS: ReadonlySet<Permission> = new Set([
  'account.manage',
  'account.restore',
  'members.manage',
  'tenant.manage',
  'platform.operate',
] as const);

/** True when the actor may do this. In which networks, and with which rows, the service decides. */
export function may(actor: Actor, permission: Permission): boolean {
  switch (actor.kind) {
    case 'account':
      if (actor.isPartial === true) return permission === 'account.prove';
      if (actor.isLeaving === true && permission !== 'account.restore') return false;
      if (actor.scope !== undefined && PERSON_PERMISSIONS.has(permission)) return false;
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

/**
 * The actor, as one who may do this. Refuses all others with `forbidden`, with `second_factor_required` a sign-in that waits for its passkey,
 * and with `account_deletion_pending` an account that is to be deleted.
 */
export function requirePermission<P extends Permission>(actor: Actor, permission: P): HolderOf<P> {
  // The tables above give a permission to its kind of holder alone; a test compares them.
  if (may(actor, permission)) return actor as HolderOf<P>;
  if (actor.kind === 'account' && actor.isPartial === true) throw secondFactorRequired();
  if (actor.kind === 'account' && actor.isLeaving === true) throw deletionPending();
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

function secondFactorRequired(): AppError {
  return new AppError(
    'forbidden',
    'second_factor_required',
    'Your sign-in waits for your passkey: POST /api/v1/users/me/proof/passkey, then POST /api/v1/users/sessions/complete.',
  );
}

function deletionPending(): AppError {
  return new AppError(
    'forbidden',
    'account_deletion_pending',
    'Your account is to be deleted. Undo that first: POST /api/v1/users/me/restore.',
  );
}

function reasonOf(actor: Actor, permission: Permission): string {
  if (actor.kind === 'account' && actor.scope !== undefined && PERSON_PERMISSIONS.has(permission)) {
    return 'This needs a user who is signed in: an API key is not enough.';
  }
  if (permission === 'platform.operate') return 'This needs an operator of the platform.';
  const kind = holderKind(permission);
  if (kind === 'account' && actor.kind === 'device') return 'This needs a user, not a device.';
  if (kind === 'device' && actor.kind === 'account') return 'This needs a device, not a user.';
  return 'Your role does not allow this.';
}
