import type { CredentialScope } from '../../kernel/actor.ts';
import type { AccountId, CredentialId, IdentityId, PasskeyId, TenantId } from '../../kernel/ids.ts';
import type { Microcents } from '../../kernel/money.ts';
import type { SpendLimits } from '../spending/index.ts';

/** A person. */
export interface Account {
  readonly id: AccountId;
  /** The tenant that was made with it and that it owns. */
  readonly homeTenantId: TenantId;
  readonly name: string;
  /** Runs the platform. */
  readonly operator: boolean;
  readonly createdAtMs: number;
}

/**
 * Kinds of tokens: one that a person makes and keeps, for as long as it is not revoked; one of a sign-in, which ends; an API
 * key, which is limited in what it may; one of a sign-in that a passkey has to complete.
 */
export const TOKEN_KINDS = ['personal', 'session', 'api_key', 'partial'] as const;
export type TokenKind = (typeof TOKEN_KINDS)[number];

/** A token of an account, without the secret itself, which only its holder has. */
export interface AccountToken {
  readonly id: CredentialId;
  readonly kind: TokenKind;
  readonly name: string;
  readonly createdAtMs: number;
  /** Null: not by itself. */
  readonly expiresAtMs: number | null;
  /** To the minute; null: never. */
  readonly lastUsedAtMs: number | null;
}

/** A token that was just made, with the only copy of its secret. */
export interface NewToken {
  readonly token: AccountToken;
  readonly secret: string;
}

/** An API key of an account, without its secret. */
export interface ApiKey extends Omit<AccountToken, 'kind'> {
  readonly scope: CredentialScope;
  readonly limits: SpendLimits;
  /** What was paid for requests that came with it. */
  readonly spentMicrocents: Microcents;
  /** Of it, in this day and this month of UTC. */
  readonly daySpentMicrocents: Microcents;
  readonly monthSpentMicrocents: Microcents;
  /** What is set aside for requests that came with it and have not ended. */
  readonly heldMicrocents: Microcents;
}

/** An API key as somebody wants it. */
export interface WantedApiKey {
  readonly name: string;
  readonly scope: CredentialScope;
  /** In a day and a month of UTC, beside what the scope allows in all. */
  readonly limits: SpendLimits;
  /** Null: until it is revoked. */
  readonly expiresAtMs: number | null;
}

/** An API key that was just made, with the only copy of its secret. */
export interface NewApiKey {
  readonly key: ApiKey;
  readonly secret: string;
}

/** An identity at an issuer that opens the account. */
export interface LinkedIdentity {
  readonly id: IdentityId;
  readonly issuer: string;
  /** What the provider is called here; null: nobody signs in with it here any more. */
  readonly title: string | null;
  readonly createdAtMs: number;
}

/** A passkey of an account. */
export interface Passkey {
  readonly id: PasskeyId;
  readonly name: string;
  /** It may be on several devices of its owner: a password manager carries it along. */
  readonly isSynced: boolean;
  /** There is a copy of it besides the one on its device. */
  readonly isBackedUp: boolean;
  readonly createdAtMs: number;
  /** Null: never. */
  readonly lastUsedAtMs: number | null;
}

/** A program that waits to be let in. */
export interface WaitingProgram {
  /** What it calls itself. */
  readonly name: string;
  /** Where it asked from. */
  readonly client: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/** The recovery codes that an account has left. */
export interface RecoveryCodesLeft {
  readonly left: number;
  /** When they were made; null: none are left. */
  readonly createdAtMs: number | null;
}

/** An account that is to be deleted. */
export interface PendingDeletion {
  readonly requestedAtMs: number;
  /** Until then it can be undone. */
  readonly dueAtMs: number;
}

/** The account that asks, as it sees itself. */
export interface OwnAccount extends Account {
  /** Where codes for its sign-in are sent; null: nowhere, it signs in by its tokens alone. */
  readonly address: string | null;
}

/** A code that is on its way to an address, or isn't: the answer doesn't tell. */
export interface SentCode {
  readonly codeId: string;
  readonly expiresAtMs: number;
}

/** An account that was just created, with the only copy of its token. */
export interface NewAccount {
  readonly account: Account;
  readonly token: string;
}
