import { AppError } from '../../kernel/errors.ts';
import { codeWrong, hashOfCode, isHash, mailNotSetUp, makeCode, tooMany } from './codes.ts';
import {
  CODES_INTERVAL_MS,
  CODES_PER_ADDRESS_MAX,
  SIGN_IN_CODE_MS,
  SIGN_IN_TRIES_MAX,
  TOKENS_PER_ACCOUNT_MAX,
} from './limits.ts';
import type { ClientLimiter, LiveConnections, MailSender, SignInStore } from './ports.ts';
import type { SignInNotices, SignInOrigin } from './sign-in-notices.ts';
import { asProven, makeSession, type TokenSources } from './tokens.ts';
import type { Account, NewToken, SentCode } from './types.ts';

/** Whoever asks for a code, and from where. */
export interface CodeRequest {
  /** As `canonicalMailAddress` gives it. */
  readonly address: string;
  /** What limits count the client under. */
  readonly client: string;
}

/**
 * Sign-in with a code that is sent by mail. What is answered, and what is done before the answer, is the same for an address that has an
 * account and for one that has none: only who reads its mail learns which.
 */
export interface SignIn {
  /**
   * Sends a code that makes an account for the address, or opens the one that it has. Refuses with `sign_up_closed`,
   * `mail_not_set_up`, and with `rate_limited` what is too much for the client or the address.
   */
  register(request: CodeRequest, name: string): Promise<SentCode>;
  /** Sends a code that opens the account of the address, if it has one. Refuses as `register`, but for the first. */
  requestCode(request: CodeRequest): Promise<SentCode>;
  /** Sends a code that proves to the account of the address that it is it; it would sign in as well. Refuses as `requestCode`. */
  requestProof(request: CodeRequest): Promise<SentCode>;
  /** Signs in with the code. Refuses with `sign_in_code_wrong` one that is wrong, used, too old or was tried too often. */
  enter(
    codeId: string,
    code: string,
    origin: SignInOrigin,
  ): Promise<NewToken & { readonly account: Account; readonly isNew: boolean }>;
  /** Removes codes and tokens that have ended. */
  removeExpired(): Promise<void>;
}

/** What sign-in needs. */
export interface SignInDependencies extends TokenSources {
  readonly store: SignInStore;
  readonly live: LiveConnections;
  /** Null: no mail can be sent. */
  readonly mail: MailSender | null;
  readonly clients: ClientLimiter;
  readonly notices: SignInNotices;
  readonly signUpOpen: boolean;
  readonly newAccount: (name: string) => Account;
}

/** The one form in which an address is compared: people write it with capital letters, and no provider tells them apart. */
export function canonicalMailAddress(address: string): string {
  return address.trim().toLowerCase();
}

/** Builds this part of the service. */
export function createSignIn(dependencies: SignInDependencies): SignIn {
  const { store, live, mail, clients, clock, random, hash } = dependencies;

  const send = async (
    { address, client }: CodeRequest,
    accountName: string | null,
    textFor: (account: Account | null, code: string) => string | null,
  ): Promise<SentCode> => {
    if (mail === null) throw mailNotSetUp();
    const waitSeconds = clients.countAndCheck(client);
    if (waitSeconds !== null) throw tooMany(waitSeconds);
    const codeId = random.uuid();
    const code = makeCode(random);
    const createdAtMs = clock.nowMs();
    const expiresAtMs = createdAtMs + SIGN_IN_CODE_MS;
    const kept = await store.addCode(
      {
        id: codeId,
        address,
        hash: hashOfCode(hash, codeId, code),
        accountName,
        triesLeft: SIGN_IN_TRIES_MAX,
        createdAtMs,
        expiresAtMs,
      },
      { sinceMs: createdAtMs - CODES_INTERVAL_MS, codesMax: CODES_PER_ADDRESS_MAX },
    );
    if (kept === 'too_many') throw tooMany(CODES_INTERVAL_MS / 1000);
    const text = textFor(kept.account, code);
    if (text !== null) mail.send({ to: address, subject: SUBJECT, text });
    return { codeId, expiresAtMs };
  };

  return {
    async register(request, name) {
      if (!dependencies.signUpOpen) throw signUpClosed();
      return send(request, name, (account, code) =>
        account === null ? welcomeText(code) : existingText(code),
      );
    },

    requestCode: (request) =>
      send(request, null, (account, code) => {
        if (account !== null) return codeText(code);
        return dependencies.signUpOpen ? UNKNOWN_TEXT : null;
      }),

    requestProof: (request) => send(request, null, (_, code) => proofText(code)),

    async enter(codeId, code, origin) {
      const given = hashOfCode(hash, codeId, code);
      const made = asProven(makeSession(dependencies));
      const entered = await store.useCode(
        { codeId, nowMs: clock.nowMs(), isRight: isHash(given) },
        made.token,
        dependencies.newAccount,
        TOKENS_PER_ACCOUNT_MAX,
      );
      if (entered === null) throw codeWrong();
      const { account, isNew, token, ended } = entered;
      for (const credentialId of ended) live.endCredential(account.id, credentialId);
      dependencies.notices.note(account, isNew, origin);
      return { account, isNew, token, secret: made.secret };
    },

    removeExpired: () => store.removeExpired(clock.nowMs() - CODES_INTERVAL_MS, clock.nowMs()),
  };
}

const SUBJECT = 'Your Yggdrasil code';
const MINUTES = SIGN_IN_CODE_MS / 60_000;
const NOT_YOU = 'If it was not you who asked for it, you need not do anything.';

const codeText = (code: string) =>
  `Your code is ${code}\n\nIt signs you in, once, within ${MINUTES} minutes. Give it to nobody.\n${NOT_YOU}\n`;

const proofText = (code: string) =>
  `Your code is ${code}\n\nIt shows that it is you who changes something about your account, once, within ${MINUTES} minutes. Give it to nobody.\n` +
  'If it was not you, somebody has a token of yours: sign in, and revoke the tokens that you do not know.\n';

const welcomeText = (code: string) =>
  `Your code is ${code}\n\nIt makes your account, once, within ${MINUTES} minutes. Give it to nobody.\n${NOT_YOU}\n`;

const existingText = (code: string) =>
  `You have an account already. Your code is ${code}\n\nIt signs you in, once, within ${MINUTES} minutes. Give it to nobody.\n${NOT_YOU}\n`;

const UNKNOWN_TEXT = `Somebody wanted to sign in with this address, which has no account. Register to make one.\n${NOT_YOU}\n`;

/** Nobody makes an account but the operator. */
export function signUpClosed(): AppError {
  return new AppError('forbidden', 'sign_up_closed', 'Accounts are made by the operator of this server.');
}
