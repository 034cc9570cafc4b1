import type { Sql } from './database.ts';
import type { NodeId } from './ids.ts';

/** The right of this node to write, which another node can take away. */
export interface NodeLease {
  readonly nodeId: NodeId;
  /**
   * Makes sure that this transaction commits before another node takes over, or never. Refuses with `unavailable` when
   * this node has lost its lease, and has the database end the transaction without keeping anything.
   */
  require(sql: Sql): Promise<void>;
}

/** The right to do a job that one node does at a time. */
export interface JobLease {
  /** True: the job is this node's, until the node ends or loses its lease. */
  take(job: string): Promise<boolean>;
}
