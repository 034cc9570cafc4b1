import { Command, encodePayload, FrameType } from '../../../proto/index.ts';
import type { State } from '../../domains/shadow/index.ts';
import { wireValue } from './json-values.ts';

/** The command by which a device is told what is wanted of it, where its capabilities name it. */
export const STATE_COMMAND = 'state.set';

/** The command to become so. */
export function stateCommand(state: State): { readonly type: FrameType; readonly payload: Uint8Array } {
  const wanted = Object.entries(state).map(([name, value]) => [name, wireValue(value)] as const);
  const payload = encodePayload(Command, { name: STATE_COMMAND, arguments: Object.fromEntries(wanted) });
  return { type: FrameType.COMMAND, payload };
}
