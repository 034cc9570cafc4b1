import type { Adapter } from './adapter.ts';

/** Zigbee2MQTT: the devices of its radio, each by its friendly name; all belong to the one that is signed in. */
export const zigbee2mqtt: Adapter = {
  name: 'zigbee2mqtt',
  source: 'https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html',
  reads: [
    {
      topic: 'zigbee2mqtt/:device((?!bridge$)[^\\x2f]+)',
      as: 'state',
      name: ':device',
      payload: 'json',
      only: /^state$/,
      silent: /^state$/,
      words: { ON: true, OFF: false },
      sets: /^state$/,
      set: { topic: 'zigbee2mqtt/:device/set', on: '{"state":"ON"}', off: '{"state":"OFF"}' },
    },
    {
      topic: 'zigbee2mqtt/:device((?!bridge$)[^\\x2f]+)',
      as: 'readings',
      name: ':device',
      payload: 'json',
      skip: /^(state|last_seen|elapsed)$|^(device|update|color)(\.|$)/,
      units: {
        temperature: 'celsius',
        humidity: 'percent',
        pressure: 'hPa',
        battery: 'percent',
        illuminance: 'lux',
        co2: 'ppm',
        power: 'watt',
        current: 'ampere',
        energy: 'kWh',
      },
    },
  ],
};
