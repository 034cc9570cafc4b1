import { type ConnectionRegistry, createConnectionRegistry } from '../../server/domains/presence/index.ts';
import type { PresenceChange } from '../../server/domains/presence/types.ts';
import { FakeClock } from './clock.ts';

/** A registry of connections, and what it noted of devices that come and go. */
export function createTestConnections(clock = new FakeClock()): {
  connections: ConnectionRegistry;
  noted: PresenceChange[];
} {
  const noted: PresenceChange[] = [];
  const connections = createConnectionRegistry({ log: { note: (change) => void noted.push(change) }, clock });
  return { connections, noted };
}
