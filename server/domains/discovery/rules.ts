import { isUuid } from '../../kernel/ids.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { NAME_CHARACTERS_MAX } from './limits.ts';
import type { DescribedDevice, KnownReading, ReadingKind, SaidValue } from './types.ts';

/** Home Assistant's prefix of discovery messages. */
const DISCOVERY = 'homeassistant';
/** What the server says of devices in the tree of their network; nobody else publishes there. */
const SERVER = 'yggdrasil';

/** The command by which a device is told what is wanted of it. */
const STATE_COMMAND = 'state.set';

/** The topic of a reading's last value. */
export const valueTopic = (deviceId: string, name: string): string =>
  `${SERVER}/${deviceId}/readings/${name}`;

/** The topic that says whether a device is connected. */
export const availabilityTopic = (deviceId: string): string => `${SERVER}/${deviceId}/online`;

/** Filters of all that the server says of one device. */
export const filtersOf = (deviceId: string): readonly string[] => [
  configFilter(deviceId),
  `${SERVER}/${deviceId}/#`,
];

/** A filter of the discovery messages of one device. */
export const configFilter = (deviceId: string): string => `${DISCOVERY}/+/${deviceId}/+/config`;

/** A filter of the discovery messages of all that have a level of their own. */
export const EVERY_CONFIG = `${DISCOVERY}/+/+/+/config`;
/** A filter of all else that the server says. */
export const EVERY_VALUE = `${SERVER}/#`;

/** True for a discovery message that the server made: its level for the device is an id of ours. */
export const isOurConfig = (topic: string): boolean => isUuid(topic.split('/')[2] ?? '');

/** True for a name that can be a level of a topic: others are not announced. */
export function isLevel(name: string): boolean {
  return name.length <= NAME_CHARACTERS_MAX && /^[^\p{Cc}\p{Cs}#+/]+$/u.test(name);
}

/** What a value's reading is. */
export function kindOf(value: SaidValue['value']): ReadingKind {
  if (value === null) return 'unknown';
  if (typeof value === 'string') return 'text';
  return typeof value === 'number' ? 'number' : 'boolean';
}

/** A value as it is published. */
export function valuePayload({ value, unit, atMs }: SaidValue): string {
  return JSON.stringify({ value, unit, measuredAt: new Date(atMs).toISOString() });
}

/**
 * The discovery messages of a device in a network, by topic: a sensor for each reading and each sensor that it names, a
 * switch for each actuator with a command that sets it
 * (https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery).
 */
export function configsOf(
  device: DescribedDevice,
  readings: readonly KnownReading[],
): ReadonlyMap<string, string> {
  const configs = new Map<string, string>();
  const common = commonOf(device);
  const add = (component: string, name: string, config: JsonObject): void => {
    const object = objectOf(name);
    const topic = `${DISCOVERY}/${component}/${device.deviceId}/${object}/config`;
    const named = { name, unique_id: `${device.deviceId}_${object}`, ...config, ...common };
    configs.set(topic, JSON.stringify(named));
  };
  const { sensors = [], actuators = [] } = device.capabilities ?? {};
  const ofSwitches = new Set<string>();
  for (const actuator of actuators.filter(isLevel)) {
    const config = switchOf(device, actuator, readings);
    if (config === null) continue;
    add('switch', actuator, config);
    for (const name of [actuator, `${actuator}.state`]) ofSwitches.add(name);
  }
  const known = new Map(readings.map((reading) => [reading.name, reading]));
  for (const name of sensors) if (!known.has(name)) known.set(name, { name, unit: '', kind: 'unknown' });
  for (const reading of known.values()) {
    if (ofSwitches.has(reading.name) || !isLevel(reading.name)) continue;
    const component = reading.kind === 'boolean' ? 'binary_sensor' : 'sensor';
    add(component, reading.name, sensorOf(device, reading));
  }
  return configs;
}

/** A name as Home Assistant takes it in a topic: letters, digits and `-`, everything else as its bytes. */
function objectOf(name: string): string {
  return [...Buffer.from(name)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[A-Za-z0-9-]/.test(character) ? character : `_${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
}

function commonOf({ deviceId, name, capabilities }: DescribedDevice): JsonObject {
  const about = {
    ...(capabilities?.platform ? { model: capabilities.platform } : {}),
    ...(capabilities?.firmware ? { sw_version: capabilities.firmware } : {}),
  };
  return {
    availability_topic: availabilityTopic(deviceId),
    device: { identifiers: [`yggdrasil_${deviceId}`], name, manufacturer: 'Yggdrasil', ...about },
    origin: { name: 'Yggdrasil' },
  };
}

function sensorOf({ deviceId }: DescribedDevice, { name, unit, kind }: KnownReading): JsonObject {
  const config = { state_topic: valueTopic(deviceId, name), value_template: '{{ value_json.value }}' };
  // Its templates write a truth as Python does.
  if (kind === 'boolean') return { ...config, payload_on: 'True', payload_off: 'False' };
  if (kind !== 'number') return config;
  const known = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
  const measured = known ?? (unit === '' ? {} : { unit_of_measurement: unit });
  return { ...config, ...measured, state_class: 'measurement' };
}

/** Null: no command sets it. */
function switchOf(
  { deviceId, capabilities }: DescribedDevice,
  actuator: string,
  readings: readonly KnownReading[],
): JsonObject | null {
  const commands = capabilities?.commands ?? [];
  const own = `${actuator}.set`;
  const command = [own, STATE_COMMAND].find((name) => commands.includes(name));
  if (command === undefined) return null;
  const argument = command === own ? 'on' : actuator;
  const state = readings.some(({ name }) => name === `${actuator}.state`) ? `${actuator}.state` : actuator;
  return {
    state_topic: valueTopic(deviceId, state),
    value_template: "{{ 'ON' if value_json.value in [true, 1, 'on', 'ON', 'true'] else 'OFF' }}",
    state_on: 'ON',
    state_off: 'OFF',
    command_topic: `devices/${deviceId}/commands/${command}`,
    payload_on: JSON.stringify({ [argument]: true }),
    payload_off: JSON.stringify({ [argument]: false }),
    qos: 1,
  };
}

/** Units that devices name by words, as Home Assistant knows them, and what is measured in them. */
const UNITS: Readonly<Record<string, JsonObject>> = {
  celsius: { unit_of_measurement: '°C', device_class: 'temperature' },
  '°C': { unit_of_measurement: '°C', device_class: 'temperature' },
  fahrenheit: { unit_of_measurement: '°F', device_class: 'temperature' },
  percent: { unit_of_measurement: '%' },
  ppm: { unit_of_measurement: 'ppm' },
  lux: { unit_of_measurement: 'lx', device_class: 'illuminance' },
  hPa: { unit_of_measurement: 'hPa', device_class: 'atmospheric_pressure' },
  volt: { unit_of_measurement: 'V', device_class: 'voltage' },
  V: { unit_of_measurement: 'V', device_class: 'voltage' },
  ampere: { unit_of_measurement: 'A', device_class: 'current' },
  A: { unit_of_measurement: 'A', device_class: 'current' },
  watt: { unit_of_measurement: 'W', device_class: 'power' },
  W: { unit_of_measurement: 'W', device_class: 'power' },
};
