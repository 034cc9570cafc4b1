import type { TenantId } from '../../kernel/ids.ts';
import { EMPTY_BALANCES_MAX } from './limits.ts';
import type { RequestLedger } from './ports.ts';

/**
 * Tenants whose balance did not reach for their last request. Their next one is asked for money before its prompt is counted;
 * of everybody else the hold alone asks.
 */
export class EmptyBalances {
  readonly #ledger: Pick<RequestLedger, 'hasMoney'>;
  /** The longest ago first. */
  readonly #noted = new Set<TenantId>();

  constructor(ledger: Pick<RequestLedger, 'hasMoney'>) {
    this.#ledger = ledger;
  }

  /** The balance did not reach. */
  note(tenantId: TenantId): void {
    this.#noted.delete(tenantId);
    this.#noted.add(tenantId);
    const [oldest] = this.#noted;
    if (this.#noted.size > EMPTY_BALANCES_MAX && oldest !== undefined) this.#noted.delete(oldest);
  }

  /** True: nothing is available. False for a tenant that was not noted, whatever it has. */
  async isEmpty(tenantId: TenantId): Promise<boolean> {
    if (!this.#noted.has(tenantId)) return false;
    if (!(await this.#ledger.hasMoney(tenantId))) return true;
    this.#noted.delete(tenantId);
    return false;
  }
}
