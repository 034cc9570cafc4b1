import type { Adapter } from './adapter.ts';

const SWITCHED = { ON: true, OFF: false } as const;
const UNITS = {
  Temperature: 'celsius',
  DewPoint: 'celsius',
  Humidity: 'percent',
  Pressure: 'hPa',
  Illuminance: 'lux',
  CarbonDioxide: 'ppm',
  eCO2: 'ppm',
  TVOC: 'ppb',
  Voltage: 'volt',
  Current: 'ampere',
  Power: 'watt',
  ApparentPower: 'VA',
  ReactivePower: 'var',
  Total: 'kWh',
  Today: 'kWh',
  Yesterday: 'kWh',
} as const;

/** Tasmota: `tele/` and `stat/` are said, `cmnd/` is heard. */
export const tasmota: Adapter = {
  name: 'tasmota',
  source: 'https://tasmota.github.io/docs/MQTT/',
  reads: [
    {
      topic: 'tele/:device/SENSOR',
      as: 'readings',
      name: '',
      payload: 'json',
      skip: /^(Time|TempUnit|PressureUnit)$|(^|\.)(Id|TotalStartTime)$/,
      units: UNITS,
    },
    {
      topic: 'tele/:device/STATE',
      as: 'state',
      name: '',
      payload: 'json',
      only: /^POWER\d*$/,
      words: SWITCHED,
      sets: /^POWER\d*$/,
      set: { topic: 'cmnd/:device/:way', on: 'ON', off: 'OFF' },
    },
    {
      topic: 'stat/:device/:relay(POWER\\d*)',
      as: 'state',
      name: ':relay',
      payload: 'text',
      words: SWITCHED,
      set: { topic: 'cmnd/:device/:relay', on: 'ON', off: 'OFF' },
    },
  ],
};
