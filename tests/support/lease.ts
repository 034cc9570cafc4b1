import { asId, type NodeId } from '../../server/kernel/ids.ts';
import type { JobLease, NodeLease } from '../../server/kernel/lease.ts';
import { uuid } from './frames.ts';

/** A lease that is never lost, of a node that the database doesn't know. */
export const testLease: NodeLease & JobLease = {
  nodeId: asId<NodeId>(uuid(77)),
  require: async () => {},
  take: async () => true,
};
