import type { Adapter } from './adapter.ts';

const SWITCHED = { ON: true, OFF: false } as const;

/** ESPHome: `<prefix>/<component>/<object>/state` is said, `.../command` is heard. */
export const esphome: Adapter = {
  name: 'esphome',
  source: 'https://esphome.io/components/mqtt/',
  reads: [
    {
      topic: ':device/sensor/:object/state',
      as: 'readings',
      name: ':object',
      payload: 'text',
      words: { nan: null },
    },
    { topic: ':device/text_sensor/:object/state', as: 'readings', name: ':object', payload: 'text' },
    {
      topic: ':device/binary_sensor/:object/state',
      as: 'readings',
      name: ':object',
      payload: 'text',
      words: SWITCHED,
    },
    {
      topic: ':device/switch/:object/state',
      as: 'state',
      name: ':object',
      payload: 'text',
      words: SWITCHED,
      set: { topic: ':device/switch/:object/command', on: 'ON', off: 'OFF' },
    },
    {
      topic: ':device/light/:object/state',
      as: 'state',
      name: ':object',
      payload: 'json',
      only: /^(state|brightness)$/,
      silent: /^state$/,
      words: SWITCHED,
      sets: /^state$/,
      set: { topic: ':device/light/:object/command', on: '{"state":"ON"}', off: '{"state":"OFF"}' },
    },
  ],
};
