import type { TenantId } from '../../kernel/ids.ts';
import type { Microcents } from '../../kernel/money.ts';
import type { UnitOfWork, UnitOutcome } from '../ledger/index.ts';
import type { RequestLedger } from './ports.ts';

/** The ledger as one request uses it: remembers what its tenant had available after the last thing that was booked for it. */
export class BalanceAfter implements RequestLedger {
  readonly #ledger: RequestLedger;
  #availableMicrocents: Microcents | null = null;

  constructor(ledger: RequestLedger) {
    this.#ledger = ledger;
  }

  /** Null: nothing was booked yet, or nobody knows what was. */
  get availableMicrocents(): Microcents | null {
    return this.#availableMicrocents;
  }

  async commit(unit: UnitOfWork): Promise<UnitOutcome> {
    if (unit.commands.length > 0) this.#availableMicrocents = null;
    const outcome = await this.#ledger.commit(unit);
    if (outcome.ok) this.#availableMicrocents = outcome.results.at(-1)?.availableMicrocents ?? null;
    return outcome;
  }

  hasMoney(tenantId: TenantId): Promise<boolean> {
    return this.#ledger.hasMoney(tenantId);
  }
}
