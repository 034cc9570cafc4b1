import type { TenantId } from '../../kernel/ids.ts';
import type { Microcents } from '../../kernel/money.ts';
import type { UnitOfWork, UnitOutcome } from '../ledger/index.ts';
import type { RequestLedger } from './ports.ts';

/** The ledger as one request uses it: remembers what its tenant had available after the last thing that was booked for it. */
export class BalanceAfter implements RequestLedger {
  readonly #ledger: RequestLedger;
  #availableMicrocents: Microcents | null = null;
  #heldAllowanceMicrocents: Microcents = 0n;

  constructor(ledger: RequestLedger) {
    this.#ledger = ledger;
  }

  /** Null: nothing was booked yet, or nobody knows what was. */
  get availableMicrocents(): Microcents | null {
    return this.#availableMicrocents;
  }

  /** What of the last hold is an allowance's. */
  get heldAllowanceMicrocents(): Microcents {
    return this.#heldAllowanceMicrocents;
  }

  async commit(unit: UnitOfWork): Promise<UnitOutcome> {
    if (unit.commands.length > 0) this.#availableMicrocents = null;
    const outcome = await this.#ledger.commit(unit);
    if (!outcome.ok) return outcome;
    const last = outcome.results.at(-1);
    this.#availableMicrocents = last?.availableMicrocents ?? null;
    if (last?.transfer.kind === 'hold') this.#heldAllowanceMicrocents = -last.transfer.allowanceMicrocents;
    return outcome;
  }

  hasMoney(tenantId: TenantId): Promise<boolean> {
    return this.#ledger.hasMoney(tenantId);
  }
}
