import { AppError } from '../../kernel/errors.ts';
import type { IdentityProvider, MailSender, WaysIn } from './ports.ts';

/** What of the server decides how accounts get in. */
export interface WaysInDependencies {
  readonly providers: readonly Pick<IdentityProvider, 'title' | 'issuer'>[];
  /** Null: no mail can be sent. */
  readonly mail: MailSender | null;
  /** The server has a name that passkeys may be for. */
  readonly opensByPasskey: boolean;
  readonly passwordsOn: boolean;
}

/** What may let an account in on this server. */
export function waysIn({ providers, mail, opensByPasskey, passwordsOn }: WaysInDependencies): WaysIn {
  return {
    opensByMail: mail !== null,
    opensByPasskey,
    opensByPassword: passwordsOn,
    opensAt: (issuer) => titleOfIssuer(providers, issuer) !== null,
  };
}

/** What the provider of this issuer is called here; null: nobody signs in with it here. */
export function titleOfIssuer(
  providers: readonly Pick<IdentityProvider, 'title' | 'issuer'>[],
  issuer: string,
): string | null {
  return providers.find((provider) => isSame(provider.issuer, issuer))?.title ?? null;
}

/** Issuers are written with and without a slash at their end. */
function isSame(configured: string, issuer: string): boolean {
  return configured.replace(/\/$/, '') === issuer.replace(/\/$/, '');
}

/** The last way in stays. */
export function lastSignIn(): AppError {
  return new AppError(
    'conflict',
    'last_sign_in',
    'Nothing else would let you in: make a token of your own first, or sign in another way.',
  );
}
