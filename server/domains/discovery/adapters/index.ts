import type { Adapter } from './adapter.ts';
import { esphome } from './esphome.ts';
import { shelly } from './shelly.ts';
import { tasmota } from './tasmota.ts';
import { zigbee2mqtt } from './zigbee2mqtt.ts';

/** Every firmware that is understood. A new one is a file, and a line here. */
export const ADAPTERS: readonly Adapter[] = [tasmota, zigbee2mqtt, shelly, esphome];
