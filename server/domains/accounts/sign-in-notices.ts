import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import {
  KNOWN_ORIGINS_PER_ACCOUNT_MAX,
  NOTICES_INTERVAL_MS,
  NOTICES_PER_ACCOUNT_MAX,
  SIGN_INS_TO_NOTE_MAX,
} from './limits.ts';
import type { MailSender, SignInNoticeStore, TokenHash } from './ports.ts';
import { programOf } from './programs.ts';
import type { Account } from './types.ts';

/** Where a sign-in came from. */
export interface SignInOrigin {
  /** The address, as limits count it. */
  readonly client: string;
  /** What the program says of itself; null: nothing. */
  readonly userAgent: string | null;
}

/** An origin as it is hashed, behind the id of its account. */
export const originText = ({ client, userAgent }: SignInOrigin): string =>
  `${client}:${programOf(userAgent)}`;

/** Tells people by mail of sign-ins to their account from where there was none before. */
export interface SignInNotices {
  /** Returns at once, and never throws: a sign-in doesn't wait for its notice, nor fail with it. */
  note(account: Account, isNew: boolean, origin: SignInOrigin): void;
}

/** What it needs. */
export interface SignInNoticeDependencies {
  readonly signIns: SignInNoticeStore;
  /** Null: there is no mail server, and nobody is told. */
  readonly noticeMail: MailSender | null;
  /** Where passwords are taken, origins are noted without a mail server, too: strangers don't lock out who comes from a known one. */
  readonly passwordsOn: boolean;
  readonly clock: Clock;
  readonly hash: TokenHash;
  readonly logger: Logger;
}

/** Builds it. */
export function createSignInNotices(dependencies: SignInNoticeDependencies): SignInNotices {
  const { signIns, noticeMail, passwordsOn, clock, hash, logger } = dependencies;
  const operation = 'users.signInNotice';
  let waiting = 0;
  /** One after the other: they take one connection of the database, and keep the order of the sign-ins. */
  let last: Promise<void> = Promise.resolve();

  const notify = async (account: Account, isNew: boolean, origin: SignInOrigin) => {
    const nowMs = clock.nowMs();
    const program = programOf(origin.userAgent);
    const address = await signIns.noteSignIn(
      account.id,
      { originHash: hash(`${account.id}:${originText(origin)}`), nowMs, isFirst: isNew },
      {
        knownMax: KNOWN_ORIGINS_PER_ACCOUNT_MAX,
        noticesMax: noticeMail === null ? 0 : NOTICES_PER_ACCOUNT_MAX,
        sinceMs: nowMs - NOTICES_INTERVAL_MS,
      },
    );
    if (address === null) return;
    noticeMail?.send({ to: address, subject: SUBJECT, text: noticeText(nowMs, origin.client, program) });
  };

  return {
    note(account, isNew, origin) {
      if (noticeMail === null && !passwordsOn) return;
      if (waiting >= SIGN_INS_TO_NOTE_MAX) {
        logger.warn({ operation, waiting }, 'a sign-in was not noted: too many are waiting');
        return;
      }
      waiting++;
      last = last
        .then(() => notify(account, isNew, origin))
        .catch((error: unknown) => {
          logger.error({ operation, error }, 'a sign-in was not noted');
        })
        .finally(() => {
          waiting--;
        });
    },
  };
}

const SUBJECT = 'A new sign-in to your Yggdrasil account';

const noticeText = (nowMs: number, client: string, program: string) =>
  `Somebody signed in to your account from where nobody did before.\n\n` +
  `  When: ${new Date(nowMs).toISOString().slice(0, 16).replace('T', ' ')} UTC\n  Address: ${client}\n  Program: ${program}\n\n` +
  'If it was you, you need not do anything. If not, somebody can read your mail, or has your account at the provider that you\n' +
  'sign in with: secure that first, then sign in and revoke the tokens that you do not know.\n';
