import type { DeviceId } from '../../kernel/ids.ts';

/** Topic filters by which a device may publish and subscribe in the tree of a network, beside its own topics. Null: by all. */
export interface TopicRights {
  readonly publish: readonly string[] | null;
  readonly subscribe: readonly string[] | null;
}

/** Whose rights they are: one device's, or those of every device that belongs to another tenant. */
export type RightsHolder = DeviceId | 'guests';

/** The rights of one of them, as they are kept. */
export interface KeptRights extends TopicRights {
  readonly holder: RightsHolder;
  readonly changedAtMs: number;
}
