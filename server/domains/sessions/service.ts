import type { Clock } from '../../kernel/clock.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { Random } from '../../kernel/random.ts';
import type { SecretBox } from '../../kernel/secret-box.ts';
import { RESUMPTION_MS, TICKET_BYTES, TICKETS_MAX } from './limits.ts';
import type { ResumptionStore } from './ports.ts';

/** Whose session it is. */
export interface SessionHolder {
  readonly token: string;
  /** The tenant that requests act in where they name none; empty: the holder's own. */
  readonly tenantId: string;
  /** The static key that the session was opened with: 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** Sessions that can be taken up again without their token. */
export interface ResumptionService {
  /** The ticket of a session of this tenant. */
  issue(tenantId: TenantId, holder: SessionHolder): Promise<Uint8Array>;
  /** Whose session a ticket is for, used or not; null: nobody's, it is over, or it came with another static key. */
  find(ticket: Uint8Array, publicKey: Uint8Array): Promise<SessionHolder | null>;
  /** Uses a ticket up. False: it was used before. */
  use(ticket: Uint8Array): Promise<boolean>;
  /** The session is still open, or ends now: its ticket is good for ten minutes more, unless it was used. */
  extend(ticket: Uint8Array): Promise<void>;
  /** Forgets tickets that are over. */
  removeExpired(): Promise<void>;
}

/** Builds the service. */
export function createResumptionService({
  store,
  secretBox,
  clock,
  random,
  hash,
}: {
  readonly store: ResumptionStore;
  readonly secretBox: SecretBox;
  readonly clock: Clock;
  readonly random: Random;
  /** SHA-256 of a text. */
  readonly hash: (text: string) => Uint8Array;
}): ResumptionService {
  const hashOf = (ticket: Uint8Array) => hash(Buffer.from(ticket).toString('base64url'));
  return {
    async issue(tenantId, { publicKey, ...holder }) {
      const ticket = random.bytes(TICKET_BYTES);
      const ticketHash = hashOf(ticket);
      const text = JSON.stringify({ ...holder, publicKey: Buffer.from(publicKey).toString('base64url') });
      const holderSealed = secretBox.seal(new TextEncoder().encode(text), contextOf(ticketHash));
      const expiresAtMs = clock.nowMs() + RESUMPTION_MS;
      await store.add({ ticketHash, tenantId, holderSealed, expiresAtMs }, TICKETS_MAX);
      return ticket;
    },
    async find(ticket, publicKey) {
      const ticketHash = hashOf(ticket);
      const found = await store.find(ticketHash, clock.nowMs());
      if (found === null) return null;
      const text = new TextDecoder().decode(secretBox.open(found.holderSealed, contextOf(ticketHash)));
      const holder = JSON.parse(text) as { token: string; tenantId: string; publicKey: string };
      if (holder.publicKey !== Buffer.from(publicKey).toString('base64url')) return null;
      return { token: holder.token, tenantId: holder.tenantId, publicKey };
    },
    use: (ticket) => store.use(hashOf(ticket), clock.nowMs()),
    extend: (ticket) => store.extend(hashOf(ticket), clock.nowMs() + RESUMPTION_MS),
    removeExpired: () => store.removeExpired(clock.nowMs()),
  };
}

const contextOf = (ticketHash: Uint8Array) =>
  `resumable_sessions|holder|${Buffer.from(ticketHash).toString('hex')}`;
