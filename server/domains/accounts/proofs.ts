import type { AccountActor, Actor, ProofWay } from '../../kernel/actor.ts';
import { AppError } from '../../kernel/errors.ts';
import { PROOF_LIFE_MS, stepUpRequired } from '../../kernel/step-up.ts';
import { codeWrong, hashOfCode, isHash, mailNotSetUp } from './codes.ts';
import type { KnownPasskey, PasskeyUse } from './passkey-ports.ts';
import { createPasskeyQuestions, passkeyRefused } from './passkey-questions.ts';
import { requirePerson } from './passkey-sign-in.ts';
import type { AnsweredQuestion, PasskeyDependencies } from './passkeys.ts';
import type { AccountStore } from './ports.ts';
import { hashOfRecoveryCode } from './recovery-codes.ts';
import { credentialGone } from './tokens.ts';
import type { SentCode } from './types.ts';

/** What somebody proves with that it is them. */
export type Proof =
  | { readonly way: 'passkey'; readonly passkey: AnsweredQuestion }
  | { readonly way: 'code'; readonly codeId: string; readonly code: string }
  | { readonly way: 'recovery_code'; readonly code: string };

/** Proofs of a session that it is still its account who has it: asked for before what a thief would do first. */
export interface Proofs {
  /** Sends a code to the address of the account that asks. Refuses with `step_up_required` where a code proves nothing, and as `requestCode`. */
  sendProofCode(actor: Actor, client: string): Promise<SentCode>;
  /**
   * From now on the token in use may do what takes a proof; until when. Refuses with `passkey_refused` and `sign_in_code_wrong`, with
   * `step_up_required` a way that isn't accepted of the account, and with `conflict` a sign-in that waits for a passkey.
   */
  prove(actor: Actor, proof: Proof, page: string): Promise<{ readonly provenUntilMs: number }>;
}

/** Where proofs are kept. `wrong`: what should prove it is not right, or used. */
export interface ProofStore {
  proveByCode(
    actor: AccountActor,
    use: { readonly codeId: string; readonly nowMs: number; isRight(hash: Uint8Array): boolean },
  ): Promise<'proven' | 'wrong' | 'credential_gone'>;
  proveByRecoveryCode(
    actor: AccountActor,
    codeHash: Uint8Array,
    nowMs: number,
  ): Promise<'proven' | 'wrong' | 'credential_gone'>;
  proveByPasskey(
    actor: AccountActor,
    passkey: KnownPasskey,
    use: PasskeyUse & { readonly nowMs: number },
  ): Promise<'proven' | 'wrong' | 'credential_gone'>;
}

/** What it needs. */
export interface ProofDependencies extends PasskeyDependencies {
  readonly proofs: ProofStore;
  readonly accounts: Pick<AccountStore, 'findAddress'>;
  /** Sends a code to an address, within the limits of sign-ins. */
  readonly sendCode: (request: { readonly address: string; readonly client: string }) => Promise<SentCode>;
}

/** Builds this part of the service. */
export function createProofs(dependencies: ProofDependencies): Proofs {
  const { proofs, accounts, live, clock, hash, sendCode } = dependencies;
  const questions = createPasskeyQuestions(dependencies);

  const proveByPasskey = async (account: AccountActor, asked: AnsweredQuestion, page: string) => {
    const question = await questions.take('prove', account, asked.challengeId, page);
    const { passkey, use } = await questions.check(question, asked.answer);
    if (passkey.accountId !== account.accountId) throw passkeyRefused();
    return proofs.proveByPasskey(account, passkey, { ...use, nowMs: clock.nowMs() });
  };

  const check = (account: AccountActor, proof: Proof, page: string) => {
    const nowMs = clock.nowMs();
    switch (proof.way) {
      case 'passkey':
        return proveByPasskey(account, proof.passkey, page);
      case 'code': {
        const given = hashOfCode(hash, proof.codeId, proof.code);
        return proofs.proveByCode(account, { codeId: proof.codeId, nowMs, isRight: isHash(given) });
      }
      case 'recovery_code':
        return proofs.proveByRecoveryCode(account, hashOfRecoveryCode(hash, proof.code), nowMs);
    }
  };

  return {
    async sendProofCode(actor, client) {
      const account = requireWay(actor, 'code');
      const address = await accounts.findAddress(account.accountId);
      if (address === null) throw mailNotSetUp();
      return sendCode({ address, client });
    },

    async prove(actor, proof, page) {
      const account = requireWay(actor, proof.way);
      const outcome = await check(account, proof, page);
      if (outcome === 'credential_gone') throw credentialGone();
      if (outcome === 'wrong') throw proof.way === 'passkey' ? passkeyRefused() : codeWrong();
      live.accountChanged(account.accountId);
      return { provenUntilMs: clock.nowMs() + PROOF_LIFE_MS };
    },
  };
}

/** Who asks, as one of whom this proof is accepted. */
function requireWay(actor: Actor, way: ProofWay): AccountActor {
  const account = requirePerson(actor);
  if (account.isPartial === true) {
    throw new AppError('conflict', 'conflict', 'Your sign-in waits for a passkey: complete it.');
  }
  const accepted = account.proof?.accepted ?? [];
  if (!accepted.includes(way)) throw stepUpRequired(accepted);
  return account;
}
