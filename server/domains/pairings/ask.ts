import type { AccountActor, Actor } from '../../kernel/actor.ts';
import { AppError, invalidInput, notFound } from '../../kernel/errors.ts';
import { NETWORK_PAIRINGS_MAX, OPEN_ASKS_MAX, SOURCE_PAIRINGS_MAX } from './limits.ts';
import type { NetworkRules, PermissionBook } from './permission-book.ts';
import type { PairingDependencies } from './ports.ts';
import { requireSide, type Side } from './sides.ts';
import { type Telling, unlessUncertain } from './telling.ts';
import type { Ask, Pairing, PairingView } from './types.ts';

/** What `PairingService.ask` promises. */
export async function askFor(
  book: PermissionBook,
  dependencies: PairingDependencies,
  telling: Telling,
  actor: Actor,
  ask: Ask,
): Promise<PairingView> {
  const { store, clock, random } = dependencies;
  const side = await requireSource(dependencies, actor, ask);
  if (ask.sourceId === ask.targetId) throw invalidInput('A device does not ask for itself.');
  requirePatience(dependencies, ask);
  const rules = await book.load(ask.networkId);
  // Who waits for an answer that nobody knows to be kept hears it before the question is put anew.
  if (rules.isUnknown) telling.news(await book.reload(ask.networkId));
  requireRoom(rules, ask, clock.nowMs());
  const byRule = rules.isConnectedByRule(ask.sourceId, ask.targetId);
  const toKeep = { ...ask, id: random.uuid(), nowMs: clock.nowMs() };
  const kept = await rules.whileAsking(ask, () =>
    unlessUncertain(store.ask(side, toKeep, byRule), () => rules.distrust()),
  );
  if (kept === null) throw notFound('device');
  const { pairing, isNew } = kept;
  rules.apply(pairing);
  if (pairing.state !== 'asked') return telling.view(pairing);
  const own =
    side.kind === 'account'
      ? await unlessUncertain(decideOwn(dependencies, side, pairing, ask), () => rules.distrust())
      : null;
  if (own !== null) return telling.changed(own);
  if (isNew) telling.ask(pairing);
  return telling.view(pairing);
}

/** Who asks. A device asks for itself alone, a user for devices of its tenant that it sees, in networks of its tenant. */
async function requireSource(
  { devices, networks }: PairingDependencies,
  actor: Actor,
  { sourceId, networkId }: Ask,
): Promise<Side> {
  const side = requireSide(actor, 'devices.manage');
  if (side.kind === 'device') return side;
  await networks.getNetwork(side, networkId);
  const device = await devices.getDevice(side, sourceId);
  if (device.guest || !device.networkIds.includes(networkId)) throw notFound('device');
  return side;
}

/** Refuses with `rate_limited` too many questions: the asked one hears of none of them. */
function requirePatience({ asks, disturbances }: PairingDependencies, { sourceId, targetId }: Ask): void {
  const seconds = asks.countAndCheck(sourceId) ?? disturbances.countAndCheck(sourceId + targetId);
  if (seconds === null) return;
  throw new AppError('rate_limited', 'rate_limited', 'Too many questions: ask later.', {
    details: { retryAfterSeconds: seconds },
  });
}

function requireRoom(rules: NetworkRules, { sourceId, targetId }: Ask, nowMs: number): void {
  if (rules.isStanding(sourceId, targetId)) return;
  const { ofNetwork, ofSource, openForTarget } = rules.countOthers({ sourceId, targetId }, nowMs);
  const isFull =
    ofNetwork >= NETWORK_PAIRINGS_MAX || ofSource >= SOURCE_PAIRINGS_MAX || openForTarget >= OPEN_ASKS_MAX;
  if (isFull) {
    throw new AppError('conflict', 'limit_reached', 'There are as many connections or questions as may be.');
  }
}

/** A user who asks for a device of its own tenant's has answered by that; null: others are to answer. */
async function decideOwn(
  { store, clock }: PairingDependencies,
  account: AccountActor,
  pairing: Pairing,
  { operations }: Ask,
): Promise<Pairing | null> {
  if (pairing.targetTenantId !== account.tenantId) return null;
  const decision = { allow: true, reason: '', operations, untilMs: null, once: false };
  return store.decide(account, pairing.id, decision, 'owner', clock.nowMs());
}
