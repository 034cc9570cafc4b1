import { ask } from '../../api/http.ts';
import type { Action } from '../../api/types.ts';

/** What the API takes as an argument of an action: bytes are in base64. */
export type ActionArgument = string | number | boolean | { readonly base64: string };

/** Between two looks at an action that is under way. */
const LOOK_MS = 300;
const TIMEOUT_SECONDS = 30;

/** A device did not do what it was asked. */
export class ActionError extends Error {
  override readonly name = 'ActionError';
}

/** Asks a device to do something, and waits for its end. Throws ActionError with what the device says where it isn't done. */
export async function runAction(
  deviceId: string,
  name: string,
  given: Readonly<Record<string, ActionArgument>> = {},
): Promise<Action['values']> {
  const path = `/devices/${encodeURIComponent(deviceId)}/actions`;
  let action = await ask<Action>('POST', path, { name, arguments: given, timeoutSeconds: TIMEOUT_SECONDS });
  while (action.ended === null) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    action = await ask<Action>('GET', `/actions/${action.id}`);
  }
  if (action.status === 'done') return action.values;
  const { code, message } = action.error ?? { code: action.status, message: '' };
  throw new ActionError(message === '' ? code : `${code}: ${message}`);
}
