import type { TenantId } from '../../kernel/ids.ts';
import { EMPTY_BALANCES_MAX, LARGE_PROMPT_BYTES } from './limits.ts';
import type { RequestLedger } from './ports.ts';

/**
 * Tenants whose balance did not reach for their last request. Before their next one is counted they are asked for money, and so
 * is everybody whose prompt is large; of all others the hold alone asks.
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

  /** True: nothing is available. False for a small prompt of a tenant that was not noted, whatever it has. */
  async isEmpty(tenantId: TenantId, promptBytes: number): Promise<boolean> {
    if (!this.#noted.has(tenantId) && promptBytes < LARGE_PROMPT_BYTES) return false;
    if (!(await this.#ledger.hasMoney(tenantId))) return true;
    this.#noted.delete(tenantId);
    return false;
  }
}
