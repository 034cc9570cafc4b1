import { CAPABILITY_NAME_LENGTH_MAX, CAPABILITY_NAMES_MAX } from './limits.ts';
import type { DeviceCapabilities } from './types.ts';

/** What is wrong with capabilities, in words for the device's owner, or null. */
export function checkCapabilities(capabilities: DeviceCapabilities): string | null {
  const { platform, firmware, sensors, actuators, commands } = capabilities;
  for (const [list, names] of Object.entries({ sensors, actuators, commands })) {
    if (names.length > CAPABILITY_NAMES_MAX) return `${list}: at most ${CAPABILITY_NAMES_MAX} names`;
  }
  const texts = [platform, firmware, ...sensors, ...actuators, ...commands];
  const wrong = texts.some(
    (text) => text.length > CAPABILITY_NAME_LENGTH_MAX || CONTROL_CHARACTER.test(text),
  );
  return wrong ? `names have at most ${CAPABILITY_NAME_LENGTH_MAX} characters, none of control` : null;
}

/** PostgreSQL's jsonb refuses U+0000; the others only do harm in logs and terminals. */
const CONTROL_CHARACTER = /\p{Cc}/u;
