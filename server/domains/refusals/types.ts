import type { DeviceId, TenantId } from '../../kernel/ids.ts';

/** What a device was refused. */
export interface Refusal {
  readonly atMs: number;
  readonly transport: 'websocket' | 'mqtt';
  /** Where it published; null for frames. */
  readonly topic: string | null;
  /** A code of error.proto. */
  readonly code: string;
  readonly reason: string;
  /** How many refusals it stands for: it is the last of them. */
  readonly count: number;
}

/** A refusal on its way to be kept, and of whose device. */
export interface NotedRefusal extends Refusal {
  readonly deviceId: DeviceId;
  readonly tenantId: TenantId;
}
