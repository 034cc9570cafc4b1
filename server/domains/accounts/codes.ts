import { timingSafeEqual } from 'node:crypto';
import { AppError } from '../../kernel/errors.ts';
import type { Random } from '../../kernel/random.ts';
import { SIGN_IN_CODE_DIGITS } from './limits.ts';
import type { TokenHash } from './ports.ts';

/** A code of eight digits for a mail. Of 2^64 the rest that makes some a little likelier is nothing. */
export function makeCode(random: Random): string {
  const number = Buffer.from(random.bytes(8)).readBigUInt64BE() % 10n ** BigInt(SIGN_IN_CODE_DIGITS);
  return String(number).padStart(SIGN_IN_CODE_DIGITS, '0');
}

/** A code as it is kept: its hash under the id that it goes with, so that one code never fits another id. */
export function hashOfCode(hash: TokenHash, codeId: string, code: string): Uint8Array {
  return hash(`${codeId}:${code}`);
}

/** Compares hashes with this one, in a time that doesn't depend on how much of them is equal. */
export function isHash(given: Uint8Array): (kept: Uint8Array) => boolean {
  return (kept) => timingSafeEqual(kept, given);
}

/** No mail can be sent. */
export function mailNotSetUp(): AppError {
  return new AppError(
    'forbidden',
    'mail_not_set_up',
    'This server has no mail server that would send a code. Its operator sets YGGDRASIL_SMTP_URL.',
  );
}

/** Too many codes were asked for, or sign-ins begun. */
export function tooMany(retryAfterSeconds: number): AppError {
  return new AppError(
    'rate_limited',
    'rate_limited',
    'Too many codes or sign-ins were asked for. Try again later.',
    {
      details: { retryAfterSeconds },
    },
  );
}

/** The one answer to every code that isn't taken. */
export function codeWrong(): AppError {
  return new AppError(
    'forbidden',
    'sign_in_code_wrong',
    'The code is wrong, used, too old, or was tried too often. Ask for another.',
  );
}
