import { invalidInput } from '../../kernel/errors.ts';
import type { JointOutcome, NeededDevices } from './joint-types.ts';
import { JOINT_DEVICES_MAX } from './limits.ts';
import type { EndState } from './types.ts';

/** How many of the devices are needed. Refuses with `invalid_input` none, too many, one named twice, and more than there are. */
export function neededOf(need: NeededDevices, deviceIds: readonly string[]): number {
  const total = deviceIds.length;
  if (total < 1 || total > JOINT_DEVICES_MAX || new Set(deviceIds).size < total)
    throw invalidInput(`Name 1 to ${JOINT_DEVICES_MAX} devices, each once.`);
  const needed = need === 'all' ? total : need === 'any' ? 1 : need;
  if (!Number.isInteger(needed) || needed < 1 || needed > total)
    throw invalidInput(`Of ${total} devices 1 to ${total} can be needed.`);
  return needed;
}

/** What the ends of the parts decide; a part that has none may still be done. */
export function outcomeOf(needed: number, states: readonly (EndState | null)[]): JointOutcome | null {
  const done = states.filter((state) => state === 'done').length;
  const open = states.filter((state) => state === null).length;
  if (done >= needed) return 'done';
  return done + open < needed ? 'failed' : null;
}
