import { readFileSync } from 'node:fs';
import { CONNECTIONS_MIN, DESCRIPTORS_UNKNOWN, RESERVED_DESCRIPTORS } from './limits.ts';

/** How many descriptors this process may have open, as Linux says (proc_pid_limits(5)). */
export function readDescriptorLimit(): number {
  let limits = '';
  try {
    limits = readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return DESCRIPTORS_UNKNOWN;
  }
  const soft = /^Max open files +(\d+|unlimited)/m.exec(limits)?.[1];
  if (soft === undefined) return DESCRIPTORS_UNKNOWN;
  return soft === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(soft);
}

/** The most connections there may be, where `databaseConnections` and the rest of the process need theirs. */
export function connectionsWithin(descriptorsMax: number, databaseConnections: number): number {
  return Math.max(CONNECTIONS_MIN, descriptorsMax - databaseConnections - RESERVED_DESCRIPTORS);
}
