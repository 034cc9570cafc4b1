import type { Adapter } from './adapter.ts';

/** Shelly of the first generation (`shellies/<id>/...`), and of those after it (`<prefix>/status/<component>`). */
export const shelly: Adapter = {
  name: 'shelly',
  source:
    'https://shelly-api-docs.shelly.cloud/gen1/#mqtt-support, https://shelly-api-docs.shelly.cloud/gen2/ComponentsAndServices/Mqtt',
  reads: [
    {
      topic: 'shellies/:device/relay/:channel(\\d+)',
      as: 'state',
      name: 'relay.:channel',
      payload: 'text',
      words: { on: true, off: false, overpower: false },
      set: { topic: 'shellies/:device/relay/:channel/command', on: 'on', off: 'off' },
    },
    {
      topic:
        'shellies/:device/:meter(relay|emeter)/:channel(\\d+)/:quantity(power|energy|voltage|current|total)',
      as: 'readings',
      name: ':meter.:channel.:quantity',
      payload: 'text',
      units: { power: 'watt', voltage: 'volt', current: 'ampere', energy: 'Wmin', total: 'Wh' },
    },
    {
      topic: 'shellies/:device/sensor/:quantity(temperature|humidity|battery|lux)',
      as: 'readings',
      name: ':quantity',
      payload: 'text',
      units: { temperature: 'celsius', humidity: 'percent', battery: 'percent', lux: 'lux' },
    },
    {
      topic: 'shellies/:device/input/:channel(\\d+)',
      as: 'readings',
      name: 'input.:channel',
      payload: 'text',
      words: { '0': false, '1': true },
    },
    {
      topic: ':device/status/:component(switch:\\d+)',
      as: 'state',
      name: ':component',
      payload: 'json',
      only: /^output$/,
      silent: /^output$/,
      sets: /^output$/,
      set: { topic: ':device/command/:component', on: 'on', off: 'off' },
    },
    {
      topic: ':device/status/:component((switch|temperature|humidity|input|pm1):\\d+)',
      as: 'readings',
      name: ':component',
      payload: 'json',
      only: /^(apower|voltage|current|freq|pf|tC|rh|state|aenergy\.total|temperature\.tC)$/,
      units: {
        apower: 'watt',
        voltage: 'volt',
        current: 'ampere',
        freq: 'Hz',
        tC: 'celsius',
        rh: 'percent',
        total: 'Wh',
      },
    },
  ],
};
