import type { NetworkId, TenantId } from '../../kernel/ids.ts';

export interface Network {
  readonly id: NetworkId;
  readonly tenantId: TenantId;
  readonly name: string;
  readonly createdAtMs: number;
}
