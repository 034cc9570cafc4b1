import { ApiError, ConnectionError } from '../api/http.ts';
import { PasskeyCancelled } from '../api/passkeys.ts';
import { findText, t } from '../messages/index.svelte.ts';

/** What went wrong, for people: in their language where we have words for it, else as the server says it. */
export function errorText(error: unknown): string {
  if (error instanceof ConnectionError) return t('error.connection');
  if (error instanceof PasskeyCancelled) return t('error.passkey_cancelled');
  if (error instanceof ApiError) return findText(`error.${error.code}`) ?? error.message;
  return error instanceof Error ? error.message : String(error);
}
