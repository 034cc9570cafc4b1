import type { AccountId, CredentialId, DeviceId, NetworkId, TenantId } from './ids.ts';

/**
 * Who asks: a principal, the tenant it acts in, and what it may there. Made at the border of each transport from a
 * credential, and the first argument of every service.
 */
export type Actor = AccountActor | DeviceActor | ServiceActor;

/** What a member of a tenant may do: an owner everything, a guest only look at the networks it was invited to. */
export const ROLES = ['owner', 'administrator', 'member', 'guest'] as const;
export type Role = (typeof ROLES)[number];

/** A person, acting in one of the tenants it is a member of. */
export interface AccountActor {
  readonly kind: 'account';
  readonly tenantId: TenantId;
  readonly accountId: AccountId;
  /** What it showed to be let in. */
  readonly credentialId: CredentialId;
  readonly role: Role;
  /** The networks the membership is for; null: all of the tenant. */
  readonly networkIds: readonly NetworkId[] | null;
  /** True for who runs the platform. It gives no rights in a tenant. */
  readonly operator: boolean;
}

/** A device, acting in the tenant that owns it, within the networks it belongs to. */
export interface DeviceActor {
  readonly kind: 'device';
  readonly tenantId: TenantId;
  readonly deviceId: DeviceId;
  /** What it showed to be let in. */
  readonly credentialId: CredentialId;
}

/** A part of the server itself that acts for a tenant, by name: a job, a settlement. */
export interface ServiceActor {
  readonly kind: 'service';
  readonly tenantId: TenantId;
  readonly service: string;
}
