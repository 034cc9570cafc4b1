import type { TenantId } from '../../kernel/ids.ts';
import { EMPTY_BALANCES_MAX, LARGE_PROMPT_BYTES } from './limits.ts';
import type { RequestLedger } from './ports.ts';

/**
 * Tenants whose balance did not reach for their last request. Before anything is done for their next one they are asked for money,
 * and so is everybody whose prompt is large before it is counted; of all others the hold alone asks.
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

  /** The body that `encode` makes; null: nothing is available, and where that is known it isn't made. */
  async encodedUnlessEmpty(tenantId: TenantId, encode: () => Uint8Array): Promise<Uint8Array | null> {
    const isNoted = this.#noted.has(tenantId);
    if (isNoted && !(await this.#hasMoney(tenantId))) return null;
    const body = encode();
    const isAsked = !isNoted && body.length >= LARGE_PROMPT_BYTES;
    return isAsked && !(await this.#hasMoney(tenantId)) ? null : body;
  }

  async #hasMoney(tenantId: TenantId): Promise<boolean> {
    const hasMoney = await this.#ledger.hasMoney(tenantId);
    if (hasMoney) this.#noted.delete(tenantId);
    else this.note(tenantId);
    return hasMoney;
  }
}
