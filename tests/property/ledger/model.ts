import type {
  LedgerCommand,
  LedgerOwner,
  Payee,
  TenantAccountKind,
} from '../../../server/domains/ledger/types.ts';
import type { TenantId, TransferId } from '../../../server/kernel/ids.ts';

type Purse = Record<TenantAccountKind, bigint>;
interface Lot {
  readonly owner: LedgerOwner;
  amount: bigint;
  readonly releaseAt: number;
  readonly postId: TransferId;
}
interface State {
  readonly done: Map<TransferId, string>;
  readonly open: Map<TransferId, { owner: LedgerOwner; amount: bigint; expiresAt: number }>;
  readonly resolved: Set<TransferId>;
  readonly purses: Map<TenantId, Purse>;
  /** Who paid, and the fee. */
  readonly posts: Map<TransferId, { owner: LedgerOwner; fee: bigint }>;
  readonly reversed: Set<TransferId>;
  readonly frozen: Set<TransferId>;
  lots: Lot[];
  fees: bigint;
}

/** A ledger that is nothing but purses by name: what the books must agree with. A unit that fails leaves a copy behind. */
export class LedgerModel {
  readonly #delayMs: number;
  #state: State = {
    done: new Map(),
    open: new Map(),
    resolved: new Set(),
    purses: new Map(),
    posts: new Map(),
    reversed: new Set(),
    frozen: new Set(),
    lots: [],
    fees: 0n,
  };

  constructor(delayMs: number) {
    this.#delayMs = delayMs;
  }

  get fees(): bigint {
    return this.#state.fees;
  }

  balanceOf(kind: TenantAccountKind, owner: LedgerOwner): bigint {
    return this.#state.purses.get(owner.tenantId)?.[kind] ?? 0n;
  }

  /** Keeps a transfer's earnings from their release, or lets them go. */
  setFrozen(id: TransferId, isFrozen: boolean): void {
    if (isFrozen) this.#state.frozen.add(id);
    else this.#state.frozen.delete(id);
  }

  /** 'done', or why the first command that was refused was refused; then nothing has changed. */
  run(unit: readonly LedgerCommand[], now: number): string {
    const before = structuredClone(this.#state);
    for (const command of unit) {
      const answer = this.#runOne(command, now);
      if (answer !== 'done') {
        this.#state = before;
        return answer;
      }
    }
    return 'done';
  }

  #runOne(command: LedgerCommand, now: number): string {
    const key = JSON.stringify(command, (_, part) => (typeof part === 'bigint' ? `${part}` : part));
    const earlier = this.#state.done.get(command.id);
    if (earlier !== undefined) return earlier === key ? 'done' : 'idempotency_key_reused';
    const answer = this.#change(command, now);
    if (answer === 'done') this.#state.done.set(command.id, key);
    return answer;
  }

  #purse(owner: LedgerOwner): Purse {
    const purse = this.#state.purses.get(owner.tenantId) ?? {
      available: 0n,
      held: 0n,
      earnings: 0n,
      receivable: 0n,
      allowance: 0n,
    };
    this.#state.purses.set(owner.tenantId, purse);
    return purse;
  }

  #give(owner: LedgerOwner, amount: bigint) {
    const purse = this.#purse(owner);
    const sum = purse.available + purse.receivable + amount;
    purse.available = sum > 0n ? sum : 0n;
    purse.receivable = sum < 0n ? sum : 0n;
  }

  #takeBack(owner: LedgerOwner, amount: bigint): string {
    this.#give(owner, -amount);
    return 'done';
  }

  #spend(owner: LedgerOwner, amount: bigint): boolean {
    const purse = this.#purse(owner);
    if (purse.available < amount) return false;
    purse.available -= amount;
    return true;
  }

  #pay(postId: TransferId, payees: readonly Payee[], fee: bigint, now: number) {
    for (const { owner, amountMicrocents: amount } of payees) {
      if (this.#delayMs === 0) this.#give(owner, amount);
      else if (amount > 0n) {
        this.#purse(owner).earnings += amount;
        this.#state.lots.push({ owner, amount, releaseAt: now + this.#delayMs, postId });
      }
    }
    this.#state.fees += fee;
  }

  #change(command: LedgerCommand, now: number): string {
    switch (command.kind) {
      case 'post':
      case 'void':
      case 'expire':
        return this.#resolve(command, now);
      case 'hold':
        if (command.amountMicrocents < 0n) return 'amount_out_of_range';
        if (!this.#spend(command.owner, command.amountMicrocents)) return 'insufficient_balance';
        this.#purse(command.owner).held += command.amountMicrocents;
        this.#state.open.set(command.id, {
          owner: command.owner,
          amount: command.amountMicrocents,
          expiresAt: now + command.expiresAfterMs,
        });
        return 'done';
      case 'transfer': {
        const cost = costOf(command);
        if (cost === null || cost < 1n) return 'amount_out_of_range';
        // What a tenant pays itself it must not have before.
        if (!this.#spend(command.owner, cost)) return this.#paysItself(command, cost, now);
        this.#pay(command.id, command.payees, command.feeMicrocents, now);
        return 'done';
      }
      case 'release_earnings':
        return this.#release(command.owner, now);
      case 'reversal':
        return this.#reverse(command);
      case 'allowance_grant':
      case 'allowance_end':
        throw new Error('no batch of this test has allowances');
      default:
        return this.#clear(command);
    }
  }

  /** A transfer is one step: what its payer gets back in it counts for what it pays. */
  #paysItself(
    { id, owner, payees, feeMicrocents }: Extract<LedgerCommand, { kind: 'transfer' }>,
    cost: bigint,
    now: number,
  ): string {
    const purse = this.#purse(owner);
    const back = payees
      .filter((payee) => payee.owner.tenantId === owner.tenantId)
      .reduce((sum, { amountMicrocents }) => sum + amountMicrocents, 0n);
    if (this.#delayMs > 0 || purse.receivable < 0n || purse.available + back < cost)
      return 'insufficient_balance';
    purse.available -= cost;
    purse.available += back;
    this.#pay(
      id,
      payees.filter((payee) => payee.owner.tenantId !== owner.tenantId),
      feeMicrocents,
      now,
    );
    return 'done';
  }

  #clear(
    command: Extract<
      LedgerCommand,
      { kind: 'top_up' | 'refund' | 'payout' | 'chargeback' | 'adjustment' | 'subscription' }
    >,
  ): string {
    const { kind, owner, amountMicrocents: amount } = command;
    if (kind === 'adjustment') {
      if (amount === 0n) return 'amount_out_of_range';
      this.#give(owner, amount);
      return 'done';
    }
    if (amount < 1n || (kind === 'payout' && amount % 1_000_000n !== 0n)) return 'amount_out_of_range';
    if (kind === 'chargeback') return this.#takeBack(owner, amount);
    if (kind === 'top_up') {
      this.#give(owner, amount);
      return 'done';
    }
    if (!this.#spend(owner, amount)) return 'insufficient_balance';
    if (kind === 'subscription') this.#state.fees += amount;
    return 'done';
  }

  #resolve(command: Extract<LedgerCommand, { kind: 'post' | 'void' | 'expire' }>, now: number): string {
    const cost = command.kind === 'post' ? costOf(command) : 0n;
    if (cost === null) return 'amount_out_of_range';
    const hold = this.#state.open.get(command.holdId);
    if (!hold) return this.#state.resolved.has(command.holdId) ? 'hold_resolved' : 'hold_not_found';
    if (cost > hold.amount) return 'amount_out_of_range';
    if (command.kind === 'expire' && hold.expiresAt > now) return 'hold_not_expired';
    this.#purse(hold.owner).held -= hold.amount;
    this.#give(hold.owner, hold.amount - cost);
    if (command.kind === 'post') {
      this.#pay(command.id, command.payees, command.feeMicrocents, now);
      this.#state.posts.set(command.id, { owner: hold.owner, fee: command.feeMicrocents });
    }
    this.#state.open.delete(command.holdId);
    this.#state.resolved.add(command.holdId);
    return 'done';
  }

  #reverse(command: Extract<LedgerCommand, { kind: 'reversal' }>): string {
    const { owner, postId, payees, feeMicrocents } = command;
    const { posts, reversed, frozen } = this.#state;
    const cost = costOf(command);
    if (cost === null || cost < 1n) return 'amount_out_of_range';
    const post = posts.get(postId);
    if (!post || post.owner.tenantId !== owner.tenantId || reversed.has(postId)) return 'earnings_released';
    const wanted = new Map<TenantId, bigint>();
    for (const { owner: payee, amountMicrocents } of payees)
      wanted.set(payee.tenantId, (wanted.get(payee.tenantId) ?? 0n) + amountMicrocents);
    const lotsOf = (tenantId: TenantId) =>
      this.#state.lots.filter((lot) => lot.postId === postId && lot.owner.tenantId === tenantId);
    for (const [tenantId, amount] of wanted) {
      const there = frozen.has(postId) ? lotsOf(tenantId).reduce((sum, lot) => sum + lot.amount, 0n) : 0n;
      if (there < amount) return 'earnings_released';
    }
    if (feeMicrocents > post.fee) return 'amount_out_of_range';
    for (const [tenantId, amount] of wanted) {
      let left = amount;
      for (const lot of lotsOf(tenantId)) {
        const taken = lot.amount < left ? lot.amount : left;
        lot.amount -= taken;
        left -= taken;
      }
      this.#purse({ tenantId }).earnings -= amount;
    }
    this.#state.lots = this.#state.lots.filter(({ amount }) => amount > 0n);
    this.#state.fees -= feeMicrocents;
    reversed.add(postId);
    this.#give(owner, cost);
    return 'done';
  }

  #release(owner: LedgerOwner, now: number): string {
    const due = this.#state.lots.filter(
      (lot) =>
        lot.owner.tenantId === owner.tenantId && lot.releaseAt <= now && !this.#state.frozen.has(lot.postId),
    );
    if (due.length === 0) return 'nothing_to_release';
    const amount = due.reduce((sum, lot) => sum + lot.amount, 0n);
    this.#state.lots = this.#state.lots.filter((lot) => !due.includes(lot));
    this.#purse(owner).earnings -= amount;
    this.#give(owner, amount);
    return 'done';
  }
}

function costOf({
  payees,
  feeMicrocents,
}: {
  payees: readonly Payee[];
  feeMicrocents: bigint;
}): bigint | null {
  if (feeMicrocents < 0n || payees.some(({ amountMicrocents }) => amountMicrocents < 0n)) return null;
  return payees.reduce((sum, { amountMicrocents }) => sum + amountMicrocents, feeMicrocents);
}
