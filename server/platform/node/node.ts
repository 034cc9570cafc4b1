import type { Clock } from '../../kernel/clock.ts';
import type { Sql } from '../../kernel/database.ts';
import { AppError } from '../../kernel/errors.ts';
import { asId, type NodeId } from '../../kernel/ids.ts';
import type { JobLease, NodeLease } from '../../kernel/lease.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import { LEASE_MS, RENEWALS_PER_LEASE } from './limits.ts';
import type { KnownNode, NodeStore } from './store.postgres.ts';

/** This start of the server among others of its database. */
export interface Node extends NodeLease, JobLease {
  /** True when the server that had the lease last lives no more, or hangs. False while nobody can say. */
  isLeaseOver(): Promise<boolean>;
  /** Takes the lease, and keeps it until `stop`. Every server before this one can't write from then on. */
  start(): Promise<void>;
  /** Resolves while the lease is held. Rejects when it was lost, and while it could not be renewed in time. */
  check(): Promise<void>;
  /** The nodes of the database, this one among them. */
  list(): Promise<readonly (KnownNode & { readonly isThis: boolean })[]>;
  /** Gives the lease back. */
  stop(): Promise<void>;
}

/** What a node needs. */
export interface NodeDependencies {
  readonly store: NodeStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Called once when another server has taken the lease: this one may not serve any more. */
  readonly lost: () => void;
}

/** A node with an id of its own for this start. */
export function createNode(dependencies: NodeDependencies): Node {
  return new LeasedNode(dependencies);
}

class LeasedNode implements Node {
  readonly nodeId: NodeId;
  readonly #dependencies: NodeDependencies;
  readonly #jobs = new Set<string>();
  #state: 'new' | 'held' | 'lost' | 'stopped' = 'new';
  #fencingNumber = 0n;
  #heldUntilMs = 0;
  #cancelRenewal: () => void = () => {};
  #renewal: Promise<void> = Promise.resolve();

  constructor(dependencies: NodeDependencies) {
    this.#dependencies = dependencies;
    this.nodeId = asId<NodeId>(dependencies.random.uuid());
  }

  isLeaseOver(): Promise<boolean> {
    return this.#dependencies.store.isLeaseOver().catch(() => false);
  }

  async list(): Promise<readonly (KnownNode & { readonly isThis: boolean })[]> {
    const nodes = await this.#dependencies.store.list();
    return nodes.map((node) => ({ ...node, isThis: node.id === this.nodeId }));
  }

  async start(): Promise<void> {
    const { store, clock, logger } = this.#dependencies;
    const askedMs = clock.monotonicMs();
    this.#fencingNumber = await store.enter(this.nodeId, LEASE_MS);
    this.#state = 'held';
    this.#heldUntilMs = askedMs + LEASE_MS;
    logger.info(
      { operation: 'node.start', nodeId: this.nodeId, fencingNumber: String(this.#fencingNumber) },
      'this node has the lease',
    );
    this.#scheduleRenewal();
  }

  async check(): Promise<void> {
    if (this.#state === 'held' && this.#dependencies.clock.monotonicMs() < this.#heldUntilMs) return;
    throw new AppError('unavailable', 'unavailable', 'This server has no lease.');
  }

  async require(sql: Sql): Promise<void> {
    // Asked also where the lease is known to be lost: the transaction's end may be sent with this, and then only the database can refuse it.
    if (await this.#dependencies.store.holdForTransaction(sql, this.nodeId, this.#fencingNumber)) return;
    this.#lose();
    throw new AppError('unavailable', 'unavailable', 'This server has no lease.');
  }

  async take(job: string): Promise<boolean> {
    if (this.#state !== 'held') return false;
    // A job is lost with the node only.
    if (this.#jobs.has(job)) return true;
    const isOurs = await this.#dependencies.store.takeJob(this.nodeId, this.#fencingNumber, job);
    if (isOurs) this.#jobs.add(job);
    return isOurs;
  }

  async stop(): Promise<void> {
    const wasHeld = this.#state === 'held';
    this.#state = 'stopped';
    this.#cancelRenewal();
    await this.#renewal;
    if (wasHeld) await this.#dependencies.store.leave(this.nodeId);
  }

  #scheduleRenewal(): void {
    this.#cancelRenewal = this.#dependencies.clock.after(LEASE_MS / RENEWALS_PER_LEASE, () => {
      this.#renewal = this.#renew();
    });
  }

  async #renew(): Promise<void> {
    const { store, clock, logger } = this.#dependencies;
    const askedMs = clock.monotonicMs();
    try {
      const isOurs = await store.renew(this.nodeId, this.#fencingNumber, LEASE_MS);
      if (this.#state !== 'held') return;
      if (!isOurs) return this.#lose();
      this.#heldUntilMs = askedMs + LEASE_MS;
    } catch (error) {
      logger.warn({ operation: 'node.renew', nodeId: this.nodeId, error }, 'the lease was not renewed');
    }
    if (this.#state === 'held') this.#scheduleRenewal();
  }

  #lose(): void {
    if (this.#state !== 'held') return;
    this.#state = 'lost';
    this.#cancelRenewal();
    const { logger, lost } = this.#dependencies;
    logger.error(
      { operation: 'node.lost', nodeId: this.nodeId },
      'another server has taken over the database: this one stops',
    );
    lost();
  }
}
