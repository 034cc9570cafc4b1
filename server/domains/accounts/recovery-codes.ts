import type { AccountActor, Actor } from '../../kernel/actor.ts';
import { requirePermission } from '../../kernel/permission.ts';
import { codeWrong, tooMany } from './codes.ts';
import { canonicalLetterCode, makeLetterCode } from './letter-codes.ts';
import { RECOVERY_CODE_LETTERS, RECOVERY_CODES, TOKENS_PER_ACCOUNT_MAX } from './limits.ts';
import type { ClientLimiter, LiveConnections, MailSender, RecoveryCodeStore, TokenHash } from './ports.ts';
import type { SignInNotices, SignInOrigin } from './sign-in-notices.ts';
import { asProven, credentialGone, makeSession, type TokenSources } from './tokens.ts';
import type { Account, NewToken, RecoveryCodesLeft } from './types.ts';

/** Codes that a person keeps on paper: another way in where the mailbox is lost. Each is good once. */
export interface RecoveryCodes {
  /**
   * Ten new codes for the account that asks, in place of those that it had; its address is told. Refuses with `unauthenticated` where the token in use was revoked
   * meanwhile.
   */
  makeRecoveryCodes(actor: Actor): Promise<readonly string[]>;
  /** How many the account that asks has left. */
  countRecoveryCodes(actor: Actor): Promise<RecoveryCodesLeft>;
  /** Signs in with a code. Refuses with `sign_in_code_wrong`, and with `rate_limited` what is too much for the client. */
  recover(code: string, origin: SignInOrigin): Promise<NewToken & { readonly account: Account }>;
}

/** What it needs. */
export interface RecoveryCodeDependencies extends TokenSources {
  readonly recoveryCodes: RecoveryCodeStore;
  readonly live: Pick<LiveConnections, 'accountChanged' | 'endCredential'>;
  /** Null: no mail can be sent. */
  readonly mail: MailSender | null;
  readonly clients: ClientLimiter;
  readonly notices: SignInNotices;
}

/** A recovery code as it is kept. It has 86 bits, so a fast hash is enough. */
export function hashOfRecoveryCode(hash: TokenHash, code: string): Uint8Array {
  return hash(`recovery:${canonicalLetterCode(code)}`);
}

/** Builds this part of the service. */
export function createRecoveryCodes(dependencies: RecoveryCodeDependencies): RecoveryCodes {
  const { recoveryCodes, live, mail, clients, notices, clock, random, hash } = dependencies;

  const replace = async (account: AccountActor, codes: readonly string[]) => {
    const hashes = codes.map((code) => hashOfRecoveryCode(hash, code));
    const replaced = await recoveryCodes.replace(account, hashes, clock.nowMs());
    if (replaced === null) throw credentialGone();
    live.accountChanged(account.accountId);
    if (replaced.address !== null) {
      mail?.send({ to: replaced.address, subject: MADE_SUBJECT, text: MADE_TEXT });
    }
  };

  return {
    async makeRecoveryCodes(actor) {
      const account = requirePermission(actor, 'account.manage');
      const codes = Array.from({ length: RECOVERY_CODES }, () =>
        makeLetterCode(RECOVERY_CODE_LETTERS, random),
      );
      await replace(account, codes);
      return codes;
    },

    countRecoveryCodes: (actor) => recoveryCodes.count(requirePermission(actor, 'account.read')),

    async recover(code, origin) {
      const waitSeconds = clients.countAndCheck(origin.client);
      if (waitSeconds !== null) throw tooMany(waitSeconds);
      const { token, secret } = asProven(makeSession(dependencies));
      const used = await recoveryCodes.use(hashOfRecoveryCode(hash, code), token, TOKENS_PER_ACCOUNT_MAX);
      if (used === null) throw codeWrong();
      const { account, address, left, ended } = used;
      for (const credentialId of ended) live.endCredential(account.id, credentialId);
      if (address !== null) mail?.send({ to: address, subject: SUBJECT, text: usedText(left) });
      notices.note(account, false, origin);
      return { account, token, secret };
    },
  };
}

const MADE_SUBJECT = 'Recovery codes of your Yggdrasil account';

const MADE_TEXT =
  'New recovery codes were made for your account. Each signs in to it, once. In seven days they also take the place of a code from this\n' +
  'mailbox, where the account is to have another address.\n\n' +
  'If it was not you, somebody has a token of yours: sign in, revoke the tokens that you do not know, and make new codes: these end.\n';

const SUBJECT = 'A recovery code of your Yggdrasil account was used';

const usedText = (left: number) =>
  `Somebody signed in to your account with one of your recovery codes; ${left} are left.\n\n` +
  'If it was not you, sign in, revoke the tokens that you do not know, and make new codes: the old ones end.\n';
