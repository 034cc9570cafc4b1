import type { AccountId, CredentialId, TenantId } from '../../kernel/ids.ts';

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

/** Kinds of tokens: one that a person makes and keeps, for as long as it is not revoked. */
export const TOKEN_KINDS = ['personal'] as const;
export type TokenKind = (typeof TOKEN_KINDS)[number];

/** A token of an account, without the secret itself, which only its holder has. */
export interface AccountToken {
  readonly id: CredentialId;
  readonly kind: TokenKind;
  readonly name: string;
  readonly createdAtMs: number;
}

/** A token that was just made, with the only copy of its secret. */
export interface NewToken {
  readonly token: AccountToken;
  readonly secret: string;
}

/** An account that was just created, with the only copy of its token. */
export interface NewAccount {
  readonly account: Account;
  readonly token: string;
}
