import type { AccountActor } from '../../kernel/actor.ts';
import type { StoredToken } from './ports.ts';
import type { Account, WaitingProgram } from './types.ts';

/** Where programs are kept that wait to be let in. */
export interface ProgramSignInStore {
  /** Keeps one, unless as many wait as may, of its address or of all. */
  add(
    program: WaitingProgram & {
      readonly wantsRefresh: boolean;
      readonly deviceCodeHash: Uint8Array;
      readonly userCodeHash: Uint8Array;
      readonly intervalSeconds: number;
    },
    limits: { readonly ofClientMax: number; readonly waitingMax: number },
  ): Promise<'added' | 'too_many_of_client' | 'too_many'>;
  /** Null: none waits that shows this code. */
  find(userCodeHash: Uint8Array, nowMs: number): Promise<WaitingProgram | null>;
  /** Lets a program in as the account that asks, or sends it away. `wrong`: none waits that shows this code. */
  decide(
    actor: AccountActor,
    userCodeHash: Uint8Array,
    isAllowed: boolean,
    limits: { readonly nowMs: number; readonly tokensMax: number },
  ): Promise<'decided' | 'wrong' | 'limit_reached' | 'credential_gone'>;
  /**
   * Adds the token for the account that let the program in, once. `slow_down`: it asked too soon, and has to wait for
   * `slowerSeconds` longer from now on; `unknown`: there is none of this code and name.
   */
  collect(
    asked: { readonly deviceCodeHash: Uint8Array; readonly name: string },
    token: StoredToken,
    limits: { readonly nowMs: number; readonly tokensMax: number; readonly slowerSeconds: number },
  ): Promise<
    | { readonly account: Account; readonly wantsRefresh: boolean }
    | 'pending'
    | 'slow_down'
    | 'denied'
    | 'expired'
    | 'unknown'
  >;
  /** Removes those whose time was over before. */
  removeExpired(expiredBeforeMs: number): Promise<void>;
}
