import { RESUMPTION_MS, type ResumptionService, type SessionHolder } from '../../domains/sessions/index.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';

/** What a ticket needs. */
export interface TicketDependencies {
  readonly resumption: Pick<ResumptionService, 'issue' | 'extend'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The ticket of a session that can be resumed: good while the session is open, and for ten minutes after it. */
export class SessionTicket {
  readonly bytes: Uint8Array;
  readonly #dependencies: TicketDependencies;
  #extendedAtMs: number;

  private constructor(bytes: Uint8Array, dependencies: TicketDependencies) {
    this.bytes = bytes;
    this.#dependencies = dependencies;
    this.#extendedAtMs = dependencies.clock.nowMs();
  }

  static async issue(
    tenantId: TenantId,
    holder: SessionHolder,
    dependencies: TicketDependencies,
  ): Promise<SessionTicket> {
    return new SessionTicket(await dependencies.resumption.issue(tenantId, holder), dependencies);
  }

  /** The session is open: half its time before the ticket would be over it is made good for longer. */
  stillOpen(): void {
    if (this.#dependencies.clock.nowMs() - this.#extendedAtMs >= RESUMPTION_MS / 2) this.extend();
  }

  /** It is good for ten minutes from now. Where that can't be written, the token opens the next session. */
  extend(): void {
    const { resumption, clock, logger } = this.#dependencies;
    this.#extendedAtMs = clock.nowMs();
    resumption.extend(this.bytes).catch((error: unknown) => {
      logger.warn({ operation: 'ratatoskr.sessions.extend', error }, 'a session can not be resumed');
    });
  }
}
