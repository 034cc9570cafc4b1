import type { AccountActor, Actor } from '../../kernel/actor.ts';
import { AppError } from '../../kernel/errors.ts';
import { requirePermission } from '../../kernel/permission.ts';
import { tooMany } from './codes.ts';
import { canonicalLetterCode, makeLetterCode } from './letter-codes.ts';
import {
  DEVICE_CODE_BYTES,
  PROGRAM_SIGN_IN_INTERVAL_SECONDS,
  PROGRAM_SIGN_IN_KEPT_MS,
  PROGRAM_SIGN_IN_MS,
  PROGRAMS_PER_CLIENT_MAX,
  PROGRAMS_WAITING_MAX,
  TOKENS_PER_ACCOUNT_MAX,
  USER_CODE_LETTERS,
} from './limits.ts';
import type { ClientLimiter } from './ports.ts';
import type { ProgramSignInStore } from './program-ports.ts';
import type { SignInNotices, SignInOrigin } from './sign-in-notices.ts';
import { credentialGone, makeToken, refusalOfAdding, type TokenSources } from './tokens.ts';
import type { Account, WaitingProgram } from './types.ts';

/** What a program that waits shows, and what it asks with. */
export interface OpenedProgram {
  /** Its own secret. */
  readonly deviceCode: string;
  /** What somebody types who lets it in. */
  readonly userCode: string;
  readonly lifeSeconds: number;
  readonly intervalSeconds: number;
}

/** What a program is told that asks for its token (RFC 8628 section 3.5), `unknown` being RFC 6749's `invalid_grant`. */
export type CollectOutcome =
  | {
      readonly kind: 'token';
      readonly secret: string;
      readonly account: Account;
      readonly wantsRefresh: boolean;
    }
  | { readonly kind: 'pending' | 'slow_down' | 'denied' | 'expired' | 'unknown' };

/**
 * Signing in to programs without a browser, command lines and screens: the program shows a code, and somebody who is signed in elsewhere lets
 * it in (RFC 8628). It gets a token of that account, named as the program is.
 */
export interface ProgramSignIn {
  /** A program waits. Refuses with `rate_limited` and `unavailable` while as many wait as may, of its address or of all. */
  openProgram(program: {
    readonly name: string;
    readonly client: string;
    /** Its token is to be traded for refresh tokens. */
    readonly wantsRefresh: boolean;
  }): Promise<OpenedProgram>;
  /** The program that shows this code. Refuses with `user_code_wrong`, and with `rate_limited` who asks too often. */
  findProgram(actor: Actor, userCode: string): Promise<WaitingProgram>;
  /**
   * Lets the program in as the account that asks, or sends it away; once. Refuses as `findProgram`, with `limit_reached` at 100 tokens,
   * and with `unauthenticated` where the token in use was revoked meanwhile.
   */
  decideProgram(actor: Actor, userCode: string, isAllowed: boolean): Promise<void>;
  /** What the program comes for: its token, once; `name` as it gave it. */
  collectProgram(
    asked: { readonly deviceCode: string; readonly name: string },
    origin: SignInOrigin,
  ): Promise<CollectOutcome>;
  /** Removes programs that don't wait any more. */
  removeExpiredPrograms(): Promise<void>;
}

/** What it needs. */
export interface ProgramSignInDependencies extends TokenSources {
  readonly programs: ProgramSignInStore;
  /** Counts the codes that each account tries. */
  readonly codeTries: ClientLimiter;
  readonly notices: SignInNotices;
}

/** Builds this part of the service. */
export function createProgramSignIn(dependencies: ProgramSignInDependencies): ProgramSignIn {
  const { programs, codeTries, notices, clock, random, hash } = dependencies;

  const hashOf = (userCode: string) => hash(`user-code:${canonicalLetterCode(userCode)}`);

  const requireFewTries = ({ accountId }: AccountActor) => {
    const waitSeconds = codeTries.countAndCheck(accountId);
    if (waitSeconds !== null) throw tooMany(waitSeconds);
  };

  return {
    async openProgram({ name, client, wantsRefresh }) {
      const deviceCode = Buffer.from(random.bytes(DEVICE_CODE_BYTES)).toString('base64url');
      const userCode = makeLetterCode(USER_CODE_LETTERS, random);
      const createdAtMs = clock.nowMs();
      const expiresAtMs = createdAtMs + PROGRAM_SIGN_IN_MS;
      const intervalSeconds = PROGRAM_SIGN_IN_INTERVAL_SECONDS;
      const outcome = await programs.add(
        {
          deviceCodeHash: hash(deviceCode),
          userCodeHash: hashOf(userCode),
          ...{ name, client, wantsRefresh, createdAtMs, expiresAtMs, intervalSeconds },
        },
        { ofClientMax: PROGRAMS_PER_CLIENT_MAX, waitingMax: PROGRAMS_WAITING_MAX },
      );
      if (outcome === 'too_many_of_client') throw tooMany(PROGRAM_SIGN_IN_MS / 1000);
      if (outcome === 'too_many') throw tooManyPrograms();
      return { deviceCode, userCode, lifeSeconds: PROGRAM_SIGN_IN_MS / 1000, intervalSeconds };
    },

    async findProgram(actor, userCode) {
      requireFewTries(requirePermission(actor, 'account.manage'));
      const found = await programs.find(hashOf(userCode), clock.nowMs());
      if (found === null) throw userCodeWrong();
      return found;
    },

    async decideProgram(actor, userCode, isAllowed) {
      const account = requirePermission(actor, 'account.manage');
      requireFewTries(account);
      const outcome = await programs.decide(account, hashOf(userCode), isAllowed, {
        nowMs: clock.nowMs(),
        tokensMax: TOKENS_PER_ACCOUNT_MAX,
      });
      if (outcome === 'credential_gone') throw credentialGone();
      if (outcome === 'limit_reached') throw refusalOfAdding(outcome);
      if (outcome === 'wrong') throw userCodeWrong();
    },

    async collectProgram({ deviceCode, name }, origin) {
      const { token, secret } = makeToken(name, dependencies);
      const outcome = await programs.collect({ deviceCodeHash: hash(deviceCode), name }, token, {
        nowMs: clock.nowMs(),
        tokensMax: TOKENS_PER_ACCOUNT_MAX,
        slowerSeconds: PROGRAM_SIGN_IN_INTERVAL_SECONDS,
      });
      if (typeof outcome === 'string') return { kind: outcome };
      notices.note(outcome.account, false, origin);
      return { kind: 'token', secret, ...outcome };
    },

    removeExpiredPrograms: () => programs.removeExpired(clock.nowMs() - PROGRAM_SIGN_IN_KEPT_MS),
  };
}

function tooManyPrograms(): AppError {
  return new AppError('unavailable', 'unavailable', 'Too many programs wait to be let in. Try again later.');
}

function userCodeWrong(): AppError {
  return new AppError(
    'forbidden',
    'user_code_wrong',
    'The code is wrong, used, or too old. Let the program show another.',
  );
}
