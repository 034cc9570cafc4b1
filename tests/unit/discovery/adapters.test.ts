import { describe, expect, it } from 'vitest';
import { ADAPTERS } from '../../../server/domains/discovery/adapters/index.ts';
import { ForeignDevice } from '../../../server/domains/discovery/index.ts';
import { EXAMPLES } from './examples.ts';

const read = (device: ForeignDevice, topic: string, payload: string) =>
  device
    .read(topic, Buffer.from(payload))
    .values.map(({ as, name, value, unit }) => [as, name, value, unit].filter((part) => part !== ''));

describe.each(ADAPTERS)('$name', ({ name }) => {
  const examples = EXAMPLES[name] ?? [];

  it('has examples as its devices were recorded', () => {
    expect(examples.length).toBeGreaterThan(1);
  });

  it.each(examples)('reads $topic', ({ topic, payload, values }) => {
    const device = new ForeignDevice();
    expect(read(device, topic, payload)).toEqual(values);
    if (values.length > 0) expect(device.capabilities.platform).toBe(name);
  });

  it('is commanded in its own words, and with nothing else', () => {
    const device = new ForeignDevice();
    for (const { topic, payload } of examples) read(device, topic, payload);
    expect(device.capabilities.commands.length).toBeGreaterThan(0);
    for (const { sets } of examples) {
      if (sets === undefined) continue;
      const [command, on, off] = sets;
      expect(device.commandOf(command, { on: true })).toEqual(on);
      expect(device.commandOf(command, { on: false })).toEqual(off);
      for (const wrong of [{}, { on: 'ON' }, { on: true, more: 1 }])
        expect(device.commandOf(command, wrong)).toBe('wrong');
    }
    expect(device.commandOf('other.set', { on: true })).toBeNull();
    expect(device.commandOf('other', { on: true })).toBeNull();
  });
});

describe('what no firmware says', () => {
  it.each([
    ['tele/plug/SENSOR', 'no JSON'],
    ['tele/plug/SENSOR', `${'{"a":'.repeat(1_000)}1${'}'.repeat(1_000)}`],
    ['tele/plug/SENSOR', `{"a":"${'x'.repeat(20_000)}"}`],
    ['tele/plug/SENSOR', '{"a":1e999}'],
    ['tele/plug/SENSOR', ''],
    ['stat/plug/POWER', 'perhaps'],
    ['somewhere/else', '1'],
    ['tele/plug/more/SENSOR', '{"a":1}'],
  ])('means nothing on %s', (topic, payload) => {
    expect(read(new ForeignDevice(), topic, payload)).toEqual([]);
  });

  it('teaches no more names than capabilities have', () => {
    const device = new ForeignDevice();
    for (let index = 0; index < 200; index++) read(device, `plug/sensor/s${index}/state`, '1');
    read(device, `plug/sensor/${'x'.repeat(100)}/state`, '1');
    expect(device.capabilities.sensors).toHaveLength(64);
  });
});
