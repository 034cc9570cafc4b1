import type { Reading } from '../api/types.ts';
import { numberText } from '../messages/format.ts';
import { t } from '../messages/index.svelte.ts';

/** Units by the names that devices give them, as people write them. */
const UNITS: Readonly<Record<string, string>> = {
  celsius: '°C',
  fahrenheit: '°F',
  percent: '%',
  watt: 'W',
  'kilowatt-hour': 'kWh',
  volt: 'V',
  ampere: 'A',
  hectopascal: 'hPa',
  lux: 'lx',
};

/** A unit as people write it. */
export const unitText = (unit: string): string => UNITS[unit] ?? unit;

/** The value of a reading, with its unit. */
export function valueText({ value, unit }: Pick<Reading, 'value' | 'unit'>): string {
  if (value === null) return '–';
  if (typeof value === 'boolean') return value ? t('device.switch.on') : t('device.switch.off');
  const text = typeof value === 'number' ? numberText(value) : value;
  return unit === '' ? text : `${text} ${unitText(unit)}`;
}
