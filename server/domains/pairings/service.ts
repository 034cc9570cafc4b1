import type { Actor } from '../../kernel/actor.ts';
import { AppError, invalidInput, notFound } from '../../kernel/errors.ts';
import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import { byCreation, type ListPosition, type Page, pageOf } from '../../kernel/page.ts';
import { requirePermission } from '../../kernel/permission.ts';
import { askFor } from './ask.ts';
import { EXPIRED_TOGETHER_MAX, LOOK_INTERVAL_MS, OVER_KEPT_MS } from './limits.ts';
import type { PermissionBook } from './permission-book.ts';
import type { PairingDependencies, PairingFilter } from './ports.ts';
import { requireSide, type Side } from './sides.ts';
import { createRules } from './standing-rules.ts';
import { createTelling, type Telling, unlessUncertain } from './telling.ts';
import type { Ask, Decision, Pairing, PairingRules, PairingView } from './types.ts';

/** Connections between two devices of a network: who asked, who allowed, and what may be sent. */
export interface PairingService extends PairingRules {
  /**
   * A device asks for another one, or a user in the name of a device of its tenant. Where something is open or allowed already, that.
   * A user who decides for both allows it by that. Refuses with `invalid_input`, `device_not_found`, `network_not_found`,
   * `limit_reached`, and with `rate_limited` too many questions.
   */
  ask(actor: Actor, ask: Ask): Promise<PairingView>;
  /**
   * Answers a question, or allows something else than before. Refuses with `connection_not_found`, with `forbidden` who isn't asked, and
   * with `connection_decided` what is over.
   */
  decide(actor: Actor, id: string, decision: Decision): Promise<PairingView>;
  /** Withdraws it, for either side: what is sent from then on is refused. Refuses with `connection_not_found`, `connection_decided`. */
  end(actor: Actor, id: string, reason: string): Promise<PairingView>;
  /** Refuses with `connection_not_found`. */
  get(actor: Actor, id: string): Promise<PairingView>;
  /** Those that the account sees, in the order in which they were asked for. Refuses with `network_not_found`. */
  list(
    actor: Actor,
    filter: PairingFilter,
    after: ListPosition<string> | null,
    limit: number,
  ): Promise<Page<PairingView, ListPosition<string>>>;
  /** A device can be told: it hears what it is asked. */
  sessionBegan(deviceId: DeviceId, networkId: NetworkId): void;
  /** Ends questions whose time is over, and tells who asked. */
  expire(): Promise<void>;
}

/** Builds the service. `book` is what senders are held to. */
export function createPairingService(
  book: PermissionBook,
  dependencies: PairingDependencies,
): PairingService {
  const { store, clock } = dependencies;
  const telling = createTelling(book, dependencies);
  const expiry = createExpiry(book, telling, dependencies);

  return {
    async ask(actor, ask) {
      try {
        return await askFor(book, dependencies, telling, actor, ask);
      } finally {
        expiry.asked(ask.waitMs);
      }
    },

    async decide(actor, id, decision) {
      const side = requireSide(actor, 'devices.manage');
      const nowMs = clock.nowMs();
      if (decision.untilMs !== null && decision.untilMs <= nowMs) throw invalidInput('That time is over.');
      const by = side.kind === 'device' ? 'device' : 'owner';
      const decided = await unlessUncertain(store.decide(side, id, decision, by, nowMs), () =>
        book.distrust(id),
      );
      if (decided !== null) return telling.changed(decided);
      const found = await store.find(side, id);
      if (found === null) throw notFound('connection');
      if (!isTarget(side, found)) throw new AppError('forbidden', 'forbidden', 'It is not you who is asked.');
      throw isOver();
    },

    async end(actor, id, reason) {
      const side = requireSide(actor, 'devices.manage');
      const ended = await unlessUncertain(store.end(side, id, reason, clock.nowMs()), () =>
        book.distrust(id),
      );
      if (ended !== null) return telling.changed(ended);
      if ((await store.find(side, id)) === null) throw notFound('connection');
      throw isOver();
    },

    async get(actor, id) {
      const found = await store.find(requireSide(actor, 'devices.read'), id);
      if (found === null) throw notFound('connection');
      return telling.view(found);
    },

    async list(actor, filter, after, limit) {
      const account = requirePermission(actor, 'devices.read');
      if (filter.networkId !== null) await dependencies.networks.getNetwork(account, filter.networkId);
      const page = pageOf(await store.list(account, filter, after, limit + 1), limit, byCreation);
      return { items: page.items.map(telling.view), next: page.next };
    },

    ...createRules(book, dependencies),

    sessionBegan(deviceId, networkId) {
      for (const pairing of book.peek(networkId)?.asksFor(deviceId, clock.nowMs()) ?? [])
        telling.ask(pairing);
    },

    expire: () => expiry.look(),
  };
}

/** Ends and forgets what is over, when something may be. */
function createExpiry(book: PermissionBook, telling: Telling, { store, clock }: PairingDependencies) {
  /** When a question may be over; at first nobody knows what an earlier server left. */
  let lookAtMs = 0;
  return {
    asked(waitMs: number): void {
      lookAtMs = Math.min(lookAtMs, clock.nowMs() + waitMs);
    },
    async look(): Promise<void> {
      telling.news(await book.reloadUnknown());
      const nowMs = clock.nowMs();
      if (nowMs < lookAtMs) return;
      // Set before it is read: who asks meanwhile moves it.
      lookAtMs = nowMs + LOOK_INTERVAL_MS;
      await inParts(
        () => store.expire(nowMs, EXPIRED_TOGETHER_MAX),
        (pairing) => void telling.changed(pairing),
      );
      await inParts(
        () => store.removeOver(nowMs - OVER_KEPT_MS, EXPIRED_TOGETHER_MAX),
        (pairing) => book.peek(pairing.networkId)?.drop(pairing),
      );
      lookAtMs = Math.min(lookAtMs, (await store.nextOverAtMs()) ?? lookAtMs);
    },
  };
}

async function inParts(
  next: () => Promise<readonly Pairing[]>,
  each: (pairing: Pairing) => void,
): Promise<void> {
  for (let isMore = true; isMore; ) {
    const part = await next();
    for (const pairing of part) each(pairing);
    isMore = part.length === EXPIRED_TOGETHER_MAX;
  }
}

const isTarget = (side: Side, { targetId, targetTenantId }: Pairing): boolean =>
  side.kind === 'device' ? targetId === side.deviceId : targetTenantId === side.tenantId;

function isOver(): AppError {
  return new AppError('conflict', 'connection_decided', 'That was answered already, or is over.');
}
