import { ask } from '../../api/http.ts';
import type { CommandAnswer } from '../../api/types.ts';
import type { Argument } from './arguments.ts';

/** Seconds that the page waits for what becomes of a command. */
const WAIT_SECONDS = 5;

/** Asks a device to do something. */
export const sendCommand = (
  deviceId: string,
  name: string,
  given: Readonly<Record<string, Argument>>,
): Promise<CommandAnswer> =>
  ask('POST', `/devices/${encodeURIComponent(deviceId)}/commands`, {
    name,
    arguments: given,
    waitSeconds: WAIT_SECONDS,
  });
