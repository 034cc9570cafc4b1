import type { AccountService } from '../../../domains/accounts/index.ts';
import type { HttpRequestHead } from '../../../platform/http/types.ts';

/** What operations on passkeys need. */
export interface PasskeyServices {
  readonly accounts: AccountService;
  /** Where the pages of this server are, for who asked for this host. */
  readonly pageOrigin: (host: string | undefined) => string;
}

/** Where the page is that a request comes from, as far as the server knows. */
export const pageOf = (request: Pick<HttpRequestHead, 'header'>, { pageOrigin }: PasskeyServices): string =>
  pageOrigin(request.header('host'));
