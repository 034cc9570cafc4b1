import type { Membership } from '../../domains/relay/index.ts';
import type { NetworkId } from '../../kernel/ids.ts';

/**
 * The network whose tree a device sees: the one it names, or the one that it joined first. Null where it names one that it
 * doesn't belong to, or belongs to none.
 */
export function homeOf(
  memberships: ReadonlyMap<NetworkId, Membership>,
  wantedNetworkId: string | null,
): Membership | null {
  if (wantedNetworkId !== null) return memberships.get(wantedNetworkId as NetworkId) ?? null;
  const [first, ...others] = memberships.values();
  if (first === undefined) return null;
  return others.reduce(
    (earliest, other) => (other.joinedAtMs < earliest.joinedAtMs ? other : earliest),
    first,
  );
}
