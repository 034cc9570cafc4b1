import type { Actor } from '../../kernel/actor.ts';
import { invalidInput } from '../../kernel/errors.ts';
import { requirePermission } from '../../kernel/permission.ts';
import { codeWrong, hashOfCode, isHash, mailNotSetUp, makeCode, tooMany } from './codes.ts';
import {
  CHANGES_PER_ACCOUNT_MAX,
  CODES_INTERVAL_MS,
  CODES_PER_ADDRESS_MAX,
  SIGN_IN_CODE_MS,
  SIGN_IN_TRIES_MAX,
} from './limits.ts';
import type { AddressChangeStore, ClientLimiter, LiveConnections, MailSender } from './ports.ts';
import { hashOfRecoveryCode } from './recovery-codes.ts';
import type { CodeRequest } from './sign-in.ts';
import { credentialGone, type TokenSources } from './tokens.ts';

/** A change of address that waits for its codes. */
export interface BegunAddressChange {
  readonly changeId: string;
  /** True: the present address got a code, too. */
  readonly confirmsCurrent: boolean;
  readonly expiresAtMs: number;
}

/** The codes that a change is confirmed with; `current` null: none was sent there, or `recovery` takes its place. */
export interface AddressCodes {
  readonly new: string;
  readonly current: string | null;
  /** One of the account's recovery codes, where its mailbox is lost. */
  readonly recovery: string | null;
}

/**
 * Another address for an account: whoever reads both mailboxes confirms it. What is answered, and what is done before the answer, is the
 * same for an address that another account has: its mail alone tells.
 */
export interface AddressChanges {
  /**
   * Sends a code to the new address, and one to the present address where there is one. Refuses with `mail_not_set_up`, with
   * `invalid_input` the address that the account has, with `rate_limited` what is too much for the client, the account or
   * the address, and with `unauthenticated` where the token in use was revoked meanwhile.
   */
  beginAddressChange(actor: Actor, request: CodeRequest): Promise<BegunAddressChange>;
  /** Changes the address. Refuses with `sign_in_code_wrong` as a sign-in does, also where another account has the new address. */
  confirmAddressChange(actor: Actor, changeId: string, codes: AddressCodes): Promise<void>;
  /** Removes changes that have ended. */
  removeExpiredChanges(): Promise<void>;
}

/** What it needs. */
export interface AddressChangeDependencies extends TokenSources {
  readonly live: Pick<LiveConnections, 'accountChanged'>;
  readonly changes: AddressChangeStore;
  /** Null: no mail can be sent. */
  readonly mail: MailSender | null;
  readonly clients: ClientLimiter;
}

/** Builds this part of the service. */
export function createAddressChanges(dependencies: AddressChangeDependencies): AddressChanges {
  const { live, changes, mail, clients, clock, random, hash } = dependencies;
  return {
    async beginAddressChange(actor, { address, client }) {
      const account = requirePermission(actor, 'account.manage');
      if (mail === null) throw mailNotSetUp();
      const waitSeconds = clients.countAndCheck(client);
      if (waitSeconds !== null) throw tooMany(waitSeconds);
      const id = random.uuid();
      const codes = { new: makeCode(random), current: makeCode(random) };
      const createdAtMs = clock.nowMs();
      const expiresAtMs = createdAtMs + SIGN_IN_CODE_MS;
      const begun = await changes.addChange(
        account,
        {
          id,
          newAddress: address,
          newHash: hashOfCode(hash, `${id}:new`, codes.new),
          currentHash: hashOfCode(hash, `${id}:current`, codes.current),
          triesLeft: SIGN_IN_TRIES_MAX,
          createdAtMs,
          expiresAtMs,
        },
        {
          sinceMs: createdAtMs - CODES_INTERVAL_MS,
          ofAccountMax: CHANGES_PER_ACCOUNT_MAX,
          ofAddressMax: CODES_PER_ADDRESS_MAX,
        },
      );
      if (begun === 'credential_gone') throw credentialGone();
      if (begun === 'unchanged') throw invalidInput('email: it is your address already');
      if (begun === 'too_many') throw tooMany(CODES_INTERVAL_MS / 1000);
      const { currentAddress, isTaken } = begun;
      mail.send({ to: address, subject: SUBJECT, text: isTaken ? TAKEN_TEXT : newText(codes.new) });
      if (currentAddress !== null) {
        mail.send({ to: currentAddress, subject: SUBJECT, text: currentText(codes.current) });
      }
      return { changeId: id, confirmsCurrent: currentAddress !== null, expiresAtMs };
    },

    async confirmAddressChange(actor, changeId, codes) {
      const account = requirePermission(actor, 'account.manage');
      const outcome = await changes.useChange(account, {
        changeId,
        nowMs: clock.nowMs(),
        isNewRight: isHash(hashOfCode(hash, `${changeId}:new`, codes.new)),
        recoveryHash: codes.recovery === null ? null : hashOfRecoveryCode(hash, codes.recovery),
        isCurrentRight: isHash(hashOfCode(hash, `${changeId}:current`, codes.current ?? '')),
      });
      if (outcome === 'credential_gone') throw credentialGone();
      if (outcome === 'wrong') throw codeWrong();
      const { previousAddress } = outcome;
      live.accountChanged(account.accountId);
      if (previousAddress !== null) {
        mail?.send({ to: previousAddress, subject: CHANGED_SUBJECT, text: CHANGED_TEXT });
      }
    },

    removeExpiredChanges: () => changes.removeExpired(clock.nowMs() - CODES_INTERVAL_MS),
  };
}

const SUBJECT = 'Your Yggdrasil code';
const MINUTES = SIGN_IN_CODE_MS / 60_000;

const newText = (code: string) =>
  `Your code is ${code}\n\nIt makes this the address of your account, once, within ${MINUTES} minutes. Give it to nobody.\n` +
  'If it was not you who asked for it, you need not do anything.\n';

const currentText = (code: string) =>
  `Somebody who is signed in as you wants your account to have another address.\n\nYour code is ${code}\n\n` +
  `It lets that happen, once, within ${MINUTES} minutes. Give it to nobody.\n` +
  'If it was not you, somebody has a token of yours: sign in and revoke those that you do not know.\n';

const TAKEN_TEXT =
  'Somebody wanted to make this the address of an account, but it has an account already. It stays with that account.\n' +
  'If it was you, use another address, or sign in with this one.\n';

const CHANGED_SUBJECT = 'The address of your Yggdrasil account';

const CHANGED_TEXT =
  'Your account has another address from now on, and this one does not sign you in any more. It was confirmed with the code\n' +
  'that we sent you, or with one of your recovery codes.\n';
