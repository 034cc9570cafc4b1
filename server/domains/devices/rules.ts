import { NAME_PROBLEMS, toName } from '../../kernel/name.ts';
import { CAPABILITY_NAME_LENGTH_MAX, CAPABILITY_NAMES_MAX, SEAL_KEY_CHARACTERS } from './limits.ts';
import type { DeviceCapabilities, DeviceStatus } from './types.ts';

/**
 * The status of a device that was heard from last at this time; null: it isn't connected. `activeMs` is how long it may be
 * silent.
 */
export function statusOf(heardAtMs: number | null, nowMs: number, activeMs: number): DeviceStatus {
  if (heardAtMs === null) return 'offline';
  return nowMs - heardAtMs <= activeMs ? 'active' : 'inactive';
}

/** The versions of the document of capabilities that this server writes and reads. */
const CAPABILITIES_VERSIONS: readonly number[] = [1];

/** The highest version that both sides know; null: there is none. Who names none knows the first. */
export function commonCapabilitiesVersion(
  versions: readonly number[],
  known = CAPABILITIES_VERSIONS,
): number | null {
  const named = new Set(versions.length === 0 ? [1] : versions);
  // A device may name as many as its frame holds: those that are known are few.
  const common = known.filter((version) => named.has(version));
  return common.length === 0 ? null : Math.max(...common);
}

/** What is wrong with capabilities, in words for the device's owner, or null. */
export function checkCapabilities(capabilities: DeviceCapabilities): string | null {
  const { platform, firmware, sensors, actuators, commands, sealKey } = capabilities;
  if (sealKey !== undefined && sealKey.length !== SEAL_KEY_CHARACTERS) return 'sealKey: 32 bytes';
  for (const [list, names] of Object.entries({ sensors, actuators, commands })) {
    if (names.length > CAPABILITY_NAMES_MAX) return `${list}: at most ${CAPABILITY_NAMES_MAX} names`;
  }
  for (const [field, texts] of Object.entries({
    platform: platform === '' ? [] : [platform],
    firmware: firmware === '' ? [] : [firmware],
    sensors,
    actuators,
    commands,
  })) {
    const problem = texts.map(problemOf).find((found) => found !== null);
    if (problem) return `${field}: a name ${problem}`;
  }
  return null;
}

/** Both, the newly found first, as many names as may be. What has become an actuator is no sensor any more. */
export function joinedCapabilities(known: DeviceCapabilities, found: DeviceCapabilities): DeviceCapabilities {
  const joined = (list: 'sensors' | 'actuators' | 'commands'): string[] => [
    ...new Set([...found[list], ...known[list]]),
  ];
  const actuators = joined('actuators').slice(0, CAPABILITY_NAMES_MAX);
  const sensors = joined('sensors').filter((name) => !actuators.includes(name));
  return {
    platform: found.platform,
    firmware: found.firmware || known.firmware,
    sensors: sensors.slice(0, CAPABILITY_NAMES_MAX),
    actuators,
    commands: joined('commands').slice(0, CAPABILITY_NAMES_MAX),
  };
}

/** Others compare these names with what the device sends, so they must come in the form in which names are stored. */
function problemOf(text: string): string | null {
  const outcome = toName(text, CAPABILITY_NAME_LENGTH_MAX);
  if (!outcome.ok) return NAME_PROBLEMS[outcome.problem];
  return outcome.name === text ? null : 'is not in the form NFC, or has spaces at its ends';
}
