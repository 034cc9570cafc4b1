import type { NetworkId, TenantId } from '../../kernel/ids.ts';

export interface Network {
  readonly id: NetworkId;
  readonly tenantId: TenantId;
  readonly name: string;
  readonly createdAtMs: number;
}

export interface NetworkPage {
  readonly items: readonly Network[];
  /** Pass it as `after` for the next page; null: there is none. */
  readonly next: NetworkId | null;
}
