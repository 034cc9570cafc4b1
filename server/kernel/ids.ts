/** Ids are UUIDs in lower-case text; the brand keeps one kind from being passed for another. */
declare const brand: unique symbol;
type Id<Name extends string> = string & { readonly [brand]: Name };

export type TenantId = Id<'tenant'>;
export type AccountId = Id<'account'>;
/** What proves who somebody is: a token of an account, or that of a device. */
export type CredentialId = Id<'credential'>;
/** Whom an account is taken for at a provider that people sign in with. */
export type IdentityId = Id<'identity'>;
/** A passkey of an account. */
export type PasskeyId = Id<'passkey'>;
export type InvitationId = Id<'invitation'>;
export type NetworkId = Id<'network'>;
export type DeviceId = Id<'device'>;
export type NodeId = Id<'node'>;
export type TransactionId = Id<'transaction'>;
export type TransferId = Id<'transfer'>;
/** What was said to be wrong with a transaction. */
export type DisputeId = Id<'dispute'>;
export type LedgerAccountId = Id<'ledger_account'>;
/** A name that is locked. */
export type LockId = Id<'lock'>;
/** One holder's claim to a lock: it waits for it, holds it, or has lost it. */
export type LockClaimId = Id<'lock_claim'>;
/** What a device was asked to do; unique within a tenant. */
export type ActionId = Id<'action'>;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** True for a UUID in the form we print: lower case, with dashes (RFC 9562 section 4). */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** Gives text that was checked by `isUuid`, or read from our own database, its kind. */
export function asId<T extends Id<string>>(text: string): T {
  return text as T;
}
