import type { Database, Sql } from '../../kernel/database.ts';
import type { NodeId } from '../../kernel/ids.ts';

/** A node that has entered. */
export interface KnownNode {
  readonly id: NodeId;
  readonly leaseUntilMs: number;
  readonly jobs: readonly string[];
}

/** Where nodes are known. Times are the database's, so that clocks of machines need not agree. */
export interface NodeStore {
  /**
   * Enters the node and takes the lease from every other one; the node's fencing number, higher than all before. Waits
   * for transactions under way that carry another lease.
   */
  enter(nodeId: NodeId, leaseMs: number): Promise<bigint>;
  /** False: the lease was taken away. */
  renew(nodeId: NodeId, fencingNumber: bigint, leaseMs: number): Promise<boolean>;
  /** True when a node has entered and not renewed its lease in time: it is dead, or it hangs. */
  isLeaseOver(): Promise<boolean>;
  /** Gives the lease and all jobs back. */
  leave(nodeId: NodeId): Promise<void>;
  /** Those of the database, with what each does at set times. */
  list(): Promise<readonly KnownNode[]>;
  /**
   * True: nobody takes the lease away before this transaction has ended. False: it was taken away, and the database keeps nothing of
   * the transaction.
   */
  holdForTransaction(sql: Sql, nodeId: NodeId, fencingNumber: bigint): Promise<boolean>;
  /** Takes the job if nobody has it, or only a node whose lease is over. False: another node has it. */
  takeJob(nodeId: NodeId, fencingNumber: bigint, job: string): Promise<boolean>;
}

/** What the database says to a node that has lost its lease (migration 0281). */
const LEASE_LOST = 'YG001';

async function holdForTransaction(sql: Sql, nodeId: NodeId, fencingNumber: bigint): Promise<boolean> {
  try {
    await sql`SELECT require_lease(${nodeId}, ${fencingNumber})`;
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === LEASE_LOST) return false;
    throw error;
  }
}

/** Nodes in PostgreSQL. */
export function createNodeStore(database: Database): NodeStore {
  return {
    enter: (nodeId, leaseMs) =>
      database.system('node', async (sql) => {
        await sql`DELETE FROM nodes`;
        const [row] = await sql<{ fencing_number: bigint }[]>`
          INSERT INTO nodes (id, fencing_number, lease_until)
          VALUES (${nodeId}, nextval('node_fencing_numbers'), now() + ${leaseMs} * interval '1 millisecond')
          RETURNING fencing_number`;
        return row?.fencing_number ?? 0n;
      }),

    renew: (nodeId, fencingNumber, leaseMs) =>
      database.system('node', async (sql) => {
        const rows = await sql`
          UPDATE nodes SET lease_until = now() + ${leaseMs} * interval '1 millisecond'
          WHERE id = ${nodeId} AND fencing_number = ${fencingNumber} RETURNING 1`;
        return rows.length > 0;
      }),

    isLeaseOver: () =>
      database.system('node', async (sql) => {
        const [row] = await sql<
          { over: boolean | null }[]
        >`SELECT max(lease_until) < now() AS over FROM nodes`;
        return row?.over === true;
      }),

    list: () =>
      database.system('node', async (sql) => {
        const rows = await sql<{ id: NodeId; lease_until: Date; jobs: string[] }[]>`
          SELECT id, lease_until, ARRAY(SELECT job FROM node_jobs WHERE node_id = nodes.id ORDER BY job) AS jobs
          FROM nodes ORDER BY id`;
        return rows.map(({ id, lease_until: until, jobs }) => ({ id, leaseUntilMs: until.getTime(), jobs }));
      }),

    leave: (nodeId) =>
      database.system('node', async (sql) => {
        await sql`DELETE FROM nodes WHERE id = ${nodeId}`;
      }),

    holdForTransaction,

    takeJob: (nodeId, fencingNumber, job) =>
      database.system('node', async (sql) => {
        const held = await sql`
          SELECT 1 FROM nodes WHERE id = ${nodeId} AND fencing_number = ${fencingNumber} FOR KEY SHARE`;
        if (held.length === 0) return false;
        await sql`DELETE FROM nodes WHERE lease_until < now() AND id <> ${nodeId}`;
        await sql`INSERT INTO node_jobs (job, node_id) VALUES (${job}, ${nodeId}) ON CONFLICT (job) DO NOTHING`;
        const rows = await sql`SELECT 1 FROM node_jobs WHERE job = ${job} AND node_id = ${nodeId}`;
        return rows.length > 0;
      }),
  };
}
