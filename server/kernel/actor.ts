import { AppError } from './errors.ts';
import type { DeviceId, TenantId, UserId } from './ids.ts';

/** Who asks. Made at the border of each transport from a credential, and the first argument of every service. */
export type Actor = UserActor | DeviceActor;

export interface UserActor {
  readonly kind: 'user';
  readonly tenantId: TenantId;
  readonly userId: UserId;
  readonly administrator: boolean;
}

/** A device acts for the user who owns it, within the networks it belongs to. */
export interface DeviceActor {
  readonly kind: 'device';
  readonly tenantId: TenantId;
  readonly userId: UserId;
  readonly deviceId: DeviceId;
}

/** Refuses with `forbidden` everybody but an administrator. */
export function requireAdministrator(actor: Actor): UserActor {
  if (actor.kind === 'user' && actor.administrator) return actor;
  throw new AppError('forbidden', 'forbidden', 'This needs an administrator.');
}

/** Refuses with `forbidden` a device's credential where a person must ask. */
export function requireUser(actor: Actor): UserActor {
  if (actor.kind === 'user') return actor;
  throw new AppError('forbidden', 'forbidden', 'This needs a user, not a device.');
}
