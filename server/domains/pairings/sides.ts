import type { AccountActor, Actor, DeviceActor } from '../../kernel/actor.ts';
import { requirePermission } from '../../kernel/permission.ts';

/** Who asks or decides: a device for itself, a user for devices of its tenant. */
export type Side = AccountActor | DeviceActor;

/** A device needs no permission but to be connected; a user that of the operation. */
export function requireSide(actor: Actor, permission: 'devices.manage' | 'devices.read'): Side {
  if (actor.kind === 'device') return requirePermission(actor, 'frames.send');
  return requirePermission(actor, permission);
}
