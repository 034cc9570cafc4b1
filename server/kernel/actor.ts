import type { AccountId, CredentialId, DeviceId, NetworkId, TenantId } from './ids.ts';
import type { Microcents } from './money.ts';

/**
 * Who asks: a principal, the tenant it acts in, and what it may there. Made at the border of each transport from a
 * credential, and the first argument of every service.
 */
export type Actor = AccountActor | DeviceActor | ServiceActor;

/** What a member of a tenant may do: an owner everything, a guest only look at the networks it was invited to. */
export const ROLES = ['owner', 'administrator', 'member', 'guest'] as const;
export type Role = (typeof ROLES)[number];

/** What a credential is limited to, whatever its account may do. */
export interface CredentialScope {
  /** Names of operations, or `area.*`, or `*`. */
  readonly operations: readonly string[];
  /** Null: any model. */
  readonly models: readonly string[] | null;
  /** Null: any device. */
  readonly deviceIds: readonly DeviceId[] | null;
  /** The most it may spend in all; null: no limit of its own. */
  readonly spendMicrocentsMax: Microcents | null;
}

/** What an account may prove with that it is itself, beside its token: a code is one that is sent by mail. */
export const PROOF_WAYS = ['passkey', 'code', 'recovery_code'] as const;
export type ProofWay = (typeof PROOF_WAYS)[number];

/** What is known of whoever has an account's token. */
export interface ActorProof {
  /** When it was proved last; null: not since the token was made. */
  readonly atMs: number | null;
  /** How it can be. */
  readonly accepted: readonly ProofWay[];
}

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
  /** What the credential is limited to; without it, to what the account may do. */
  readonly scope?: CredentialScope;
  /** The account is to be deleted: all that it may is undo that. */
  readonly isLeaving?: true;
  /** The sign-in waits for its passkey: all that the account may is bring that. */
  readonly isPartial?: true;
  /** Without it, it has nothing to prove itself with but its credential. */
  readonly proof?: ActorProof;
  /** When the credential ends by itself; without it, it doesn't. */
  readonly expiresAtMs?: number;
  /** What it showed is good until then, which is sooner than its sign-in ends; without it, as long as that. */
  readonly lookAgainAtMs?: number;
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
