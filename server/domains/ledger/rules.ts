import { InvariantError } from '../../kernel/errors.ts';
import type { LedgerAccountId, TransferId } from '../../kernel/ids.ts';
import { AMOUNT_CENTS_MAX, type Cents } from '../../kernel/money.ts';
import { EXTERNAL_ACCOUNT, FEES_ACCOUNT, tenantAccount } from './accounts.ts';
import { HOLD_LIFE_MS_MAX, TRANSFER_CENTS_MAX } from './limits.ts';
import type {
  Account,
  Entry,
  HoldCommand,
  LedgerCommand,
  LedgerOutcome,
  LedgerOwner,
  LedgerRefusal,
  OpenHold,
  PostCommand,
  ReleaseCommand,
  TopUpCommand,
  Transfer,
} from './types.ts';

/** The part of the ledger that a batch touches, as it is in the database under lock. */
export interface BookState {
  readonly balances: ReadonlyMap<LedgerAccountId, Cents>;
  /** Transfers that exist under an id of the batch's commands. */
  readonly transfers: ReadonlyMap<TransferId, Transfer>;
  /** The holds that the batch's commands resolve; null: resolved already. Absent: never existed. */
  readonly holds: ReadonlyMap<TransferId, OpenHold | null>;
}

/** What a batch adds to the ledger. */
export interface BookChanges {
  readonly transfers: readonly Transfer[];
  readonly entries: readonly Entry[];
  readonly openedHolds: readonly OpenHold[];
  readonly closedHoldIds: readonly TransferId[];
  /** New balances of the accounts that moved. */
  readonly balances: ReadonlyMap<LedgerAccountId, Cents>;
}

/** The command's parameters in one canonical form. Two commands under one id are the same if this is the same. */
export function fingerprintOf(command: LedgerCommand): string {
  switch (command.kind) {
    case 'top_up':
      return `top_up|${command.owner.tenantId}|${command.amountCents}`;
    case 'hold':
      return `hold|${command.owner.tenantId}|${command.amountCents}|${command.expiresAfterMs}|${command.transactionId ?? ''}`;
    case 'post':
      return `post|${command.holdId}|${command.provider.tenantId}|${command.earningsCents}|${command.feeCents}`;
    case 'void':
    case 'expire':
      return `${command.kind}|${command.holdId}`;
  }
}

/** Every account that `command` can move; `holder` is the owner of the hold it resolves, if that is known. */
export function accountsOf(command: LedgerCommand, holder: LedgerOwner | undefined): readonly Account[] {
  switch (command.kind) {
    case 'top_up':
      return [EXTERNAL_ACCOUNT, tenantAccount('available', command.owner)];
    case 'hold':
      return [tenantAccount('available', command.owner), tenantAccount('held', command.owner)];
    case 'post':
      if (!holder) return [];
      return [
        tenantAccount('available', holder),
        tenantAccount('held', holder),
        tenantAccount('available', command.provider),
        FEES_ACCOUNT,
      ];
    case 'void':
    case 'expire':
      return holder ? [tenantAccount('available', holder), tenantAccount('held', holder)] : [];
  }
}

type Decision =
  | { readonly ok: false; readonly reason: LedgerRefusal }
  | {
      readonly ok: true;
      readonly transfer: Transfer;
      readonly moves: readonly (readonly [Account, Cents])[];
      readonly opened?: OpenHold;
    };

/**
 * Decides a batch of commands one after the other, each on what the ones before it left. Pure but for its own memory:
 * the caller keeps `changes()` in the transaction in which it read `state`.
 */
export class Book {
  readonly #nowMs: number;
  readonly #balances: Map<LedgerAccountId, Cents>;
  readonly #transfers: Map<TransferId, Transfer>;
  readonly #holds: Map<TransferId, OpenHold | null>;
  readonly #moved = new Set<LedgerAccountId>();
  readonly #added: Transfer[] = [];
  readonly #entries: Entry[] = [];
  readonly #opened = new Map<TransferId, OpenHold>();
  readonly #closed: TransferId[] = [];

  constructor(state: BookState, nowMs: number) {
    this.#nowMs = nowMs;
    this.#balances = new Map(state.balances);
    this.#transfers = new Map(state.transfers);
    this.#holds = new Map(state.holds);
  }

  /** Carries out `command`, or says why not. Order of checks: key used before, hold, amount, balance. */
  execute(command: LedgerCommand): LedgerOutcome {
    const earlier = this.#transfers.get(command.id);
    const fingerprint = fingerprintOf(command);
    if (earlier) {
      if (earlier.fingerprint !== fingerprint) return { ok: false, reason: 'idempotency_key_reused' };
      return { ok: true, transfer: earlier, replayed: true };
    }
    const decision = this.#decide(command, fingerprint);
    if (!decision.ok) return decision;
    const refusal = this.#refusalOfMoves(decision.moves);
    if (refusal) return { ok: false, reason: refusal };
    this.#keep(decision.transfer, decision.moves, decision.opened);
    return { ok: true, transfer: decision.transfer, replayed: false };
  }

  /** What the executed commands add. A hold that was opened and resolved in the same batch appears in neither list. */
  changes(): BookChanges {
    const balances = new Map([...this.#moved].map((id) => [id, this.#balanceOf(id)] as const));
    return {
      transfers: this.#added,
      entries: this.#entries,
      openedHolds: [...this.#opened.values()],
      closedHoldIds: this.#closed,
      balances,
    };
  }

  #decide(command: LedgerCommand, fingerprint: string): Decision {
    switch (command.kind) {
      case 'top_up':
        return this.#topUp(command, fingerprint);
      case 'hold':
        return this.#hold(command, fingerprint);
      case 'post':
      case 'void':
      case 'expire': {
        const hold = this.#holds.get(command.holdId);
        if (hold === undefined) return { ok: false, reason: 'hold_not_found' };
        if (hold === null) return { ok: false, reason: 'hold_resolved' };
        return command.kind === 'post'
          ? this.#post(command, hold, fingerprint)
          : this.#release(command, hold, fingerprint);
      }
    }
  }

  #topUp(command: TopUpCommand, fingerprint: string): Decision {
    if (!isAmount(command.amountCents)) return { ok: false, reason: 'amount_out_of_range' };
    const { amountCents } = command;
    return {
      ok: true,
      transfer: this.#transfer(command, command.owner, fingerprint, { amountCents }),
      moves: [
        [EXTERNAL_ACCOUNT, -amountCents],
        [tenantAccount('available', command.owner), amountCents],
      ],
    };
  }

  #hold(command: HoldCommand, fingerprint: string): Decision {
    const { amountCents, expiresAfterMs, owner, transactionId } = command;
    if (!isAmount(amountCents)) return { ok: false, reason: 'amount_out_of_range' };
    if (!Number.isInteger(expiresAfterMs) || expiresAfterMs < 1 || expiresAfterMs > HOLD_LIFE_MS_MAX) {
      throw new InvariantError('a hold lives from 1 ms to a day');
    }
    const expiresAtMs = this.#nowMs + expiresAfterMs;
    return {
      ok: true,
      transfer: this.#transfer(command, owner, fingerprint, { amountCents, transactionId, expiresAtMs }),
      moves: [
        [tenantAccount('available', owner), -amountCents],
        [tenantAccount('held', owner), amountCents],
      ],
      opened: { holdId: command.id, owner, amountCents, transactionId, expiresAtMs },
    };
  }

  #post(command: PostCommand, hold: OpenHold, fingerprint: string): Decision {
    const { earningsCents, feeCents } = command;
    const costCents = earningsCents + feeCents;
    if (earningsCents < 0n || feeCents < 0n || costCents < 1n || costCents > hold.amountCents) {
      return { ok: false, reason: 'amount_out_of_range' };
    }
    const releasedCents = hold.amountCents - costCents;
    return {
      ok: true,
      transfer: this.#transfer(command, hold.owner, fingerprint, {
        amountCents: costCents,
        feeCents,
        releasedCents,
        holdId: hold.holdId,
        transactionId: hold.transactionId,
      }),
      moves: [
        [tenantAccount('held', hold.owner), -hold.amountCents],
        [tenantAccount('available', command.provider), earningsCents],
        [FEES_ACCOUNT, feeCents],
        [tenantAccount('available', hold.owner), releasedCents],
      ],
    };
  }

  #release(command: ReleaseCommand, hold: OpenHold, fingerprint: string): Decision {
    if (command.kind === 'expire' && hold.expiresAtMs > this.#nowMs) {
      return { ok: false, reason: 'hold_not_expired' };
    }
    return {
      ok: true,
      transfer: this.#transfer(command, hold.owner, fingerprint, {
        amountCents: hold.amountCents,
        releasedCents: hold.amountCents,
        holdId: hold.holdId,
        transactionId: hold.transactionId,
      }),
      moves: [
        [tenantAccount('held', hold.owner), -hold.amountCents],
        [tenantAccount('available', hold.owner), hold.amountCents],
      ],
    };
  }

  #transfer(
    command: LedgerCommand,
    owner: LedgerOwner,
    fingerprint: string,
    facts: Partial<Transfer> & Pick<Transfer, 'amountCents'>,
  ): Transfer {
    return {
      id: command.id,
      owner: { tenantId: owner.tenantId },
      kind: command.kind,
      feeCents: 0n,
      releasedCents: 0n,
      holdId: null,
      transactionId: null,
      expiresAtMs: null,
      fingerprint,
      createdAtMs: this.#nowMs,
      ...facts,
    };
  }

  #refusalOfMoves(moves: readonly (readonly [Account, Cents])[]): LedgerRefusal | null {
    const after = new Map<LedgerAccountId, Cents>();
    for (const [account, amountCents] of moves) {
      after.set(account.id, (after.get(account.id) ?? this.#balanceOf(account.id)) + amountCents);
    }
    for (const [account] of moves) {
      const balanceCents = after.get(account.id) as Cents;
      if (balanceCents < 0n && account.kind !== 'external') return 'insufficient_balance';
      if (balanceCents > AMOUNT_CENTS_MAX || balanceCents < -AMOUNT_CENTS_MAX) return 'amount_out_of_range';
    }
    return null;
  }

  #keep(
    transfer: Transfer,
    moves: readonly (readonly [Account, Cents])[],
    opened: OpenHold | undefined,
  ): void {
    for (const [account, amountCents] of moves) {
      if (amountCents === 0n) continue;
      this.#balances.set(account.id, this.#balanceOf(account.id) + amountCents);
      this.#moved.add(account.id);
      const { id: transferId, kind: transferKind, transactionId } = transfer;
      this.#entries.push({ transferId, account, transferKind, transactionId, amountCents });
    }
    this.#transfers.set(transfer.id, transfer);
    this.#added.push(transfer);
    if (opened) {
      this.#holds.set(opened.holdId, opened);
      this.#opened.set(opened.holdId, opened);
    }
    if (transfer.holdId) {
      this.#holds.set(transfer.holdId, null);
      if (!this.#opened.delete(transfer.holdId)) this.#closed.push(transfer.holdId);
    }
  }

  #balanceOf(id: LedgerAccountId): Cents {
    const balanceCents = this.#balances.get(id);
    if (balanceCents === undefined) throw new InvariantError('an account was not read before it was moved');
    return balanceCents;
  }
}

function isAmount(cents: Cents): boolean {
  return cents >= 1n && cents <= TRANSFER_CENTS_MAX;
}
