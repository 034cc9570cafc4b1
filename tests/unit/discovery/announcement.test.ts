import { describe, expect, it } from 'vitest';
import { announcementOf, ForeignDevice } from '../../../server/domains/discovery/index.ts';

const OWN = '00000000-0000-4000-8000-000000000001';
const OTHER = '00000000-0000-4000-8000-000000000002';

/** A device that announced this; what it then says on a topic. */
function device(announced: Readonly<Record<string, unknown>>) {
  const foreign = new ForeignDevice();
  for (const [topic, config] of Object.entries(announced)) {
    foreign.announced(topic, announcementOf(OWN, topic, Buffer.from(JSON.stringify(config))));
  }
  const said = (topic: string, payload: string) =>
    foreign
      .read(topic, Buffer.from(payload))
      .values.map(({ as, name, value, unit }) => [as, name, value, unit]);
  return { foreign, said };
}

describe('a discovery message', () => {
  it('becomes capabilities, and says how values are read', () => {
    const { foreign, said } = device({
      'homeassistant/sensor/boiler/temp/config': {
        state_topic: 'boiler/all',
        value_template: "{{ value_json['DS18'].Temp | round(1) }}",
        unit_of_measurement: '°C',
      },
      'homeassistant/binary_sensor/door/config': {
        '~': 'door',
        stat_t: '~/open',
        pl_on: 'yes',
        pl_off: 'no',
      },
      'homeassistant/switch/pump/config': { state_topic: 'pump/on', command_topic: 'pump/set' },
      'homeassistant/light/lamp/config': { schema: 'json', stat_t: 'lamp', cmd_t: 'lamp/set' },
      'homeassistant/climate/heat/config': { mode_state_topic: 'heat/mode' },
    });
    expect(foreign.capabilities).toEqual({
      platform: 'home-assistant',
      firmware: '',
      sensors: ['boiler.temp', 'door'],
      actuators: ['pump', 'lamp'],
      commands: ['pump.set', 'lamp.set'],
    });
    expect([
      said('boiler/all', '{"DS18":{"Temp":55.5},"Other":1}'),
      said('door/open', 'yes'),
      said('pump/on', 'OFF'),
      said('lamp', '{"state":"ON","brightness":3}'),
      said('boiler/other', '1'),
    ]).toEqual([
      [['readings', 'boiler.temp', 55.5, '°C']],
      [['readings', 'door', true, '']],
      [['state', 'pump', false, '']],
      [['state', 'lamp', true, '']],
      [],
    ]);
    expect([
      foreign.commandOf('pump.set', { on: true }),
      foreign.commandOf('lamp.set', { on: false }),
    ]).toEqual([
      { topic: 'pump/set', payload: 'ON' },
      { topic: 'lamp/set', payload: '{"state":"OFF"}' },
    ]);
  });

  it('takes the place of what a firmware is known to say on the same topic', () => {
    const { said } = device({
      'homeassistant/sensor/x/config': { stat_t: 'tele/plug/SENSOR', val_tpl: '{{ value_json.a }}' },
    });
    expect(said('tele/plug/SENSOR', '{"a":1,"b":2}')).toEqual([['readings', 'x', 1, '']]);
  });

  it('that is too clever is known by name, and not read', () => {
    const { foreign, said } = device({
      'homeassistant/sensor/x/config': { stat_t: 'x', val_tpl: '{{ value_json.a * 2 }}' },
    });
    expect([foreign.capabilities.sensors, said('x', '{"a":1}')]).toEqual([['x'], []]);
  });

  const config = { state_topic: 'x/state', command_topic: 'x/set' };
  it.each([
    ['in the place of another', `homeassistant/switch/${OTHER}/x/config`, config],
    ['in the place where the server announces it', `homeassistant/switch/${OWN}/x/config`, config],
    ['by its id', 'homeassistant/switch/x/config', { ...config, unique_id: `${OTHER}_led` }],
    [
      'among its identifiers',
      'homeassistant/switch/x/config',
      { ...config, dev: { ids: [`yggdrasil_${OTHER}`] } },
    ],
    [
      'by its topics',
      'homeassistant/switch/x/config',
      { ...config, command_topic: `devices/${OTHER}/commands/led` },
    ],
    ['by topics of the server', 'homeassistant/switch/x/config', { ...config, avty_t: 'yggdrasil/x/online' }],
    [
      'with a base',
      'homeassistant/switch/x/config',
      { ...config, '~': `devices/${OTHER}`, stat_t: '~/state' },
    ],
  ])('is refused that names another device %s', (_, topic, said) => {
    expect(() => announcementOf(OWN, topic, Buffer.from(JSON.stringify(said)))).toThrow(
      'names another device',
    );
  });

  it.each([
    ['no JSON', '{', 'malformed_json'],
    ['no object', '[]', 'invalid_input'],
    ['no UTF-8', Buffer.from([0x7b, 0xff]), 'malformed_json'],
    ['deep', `${'{"a":'.repeat(1_000)}1${'}'.repeat(1_000)}`, 'invalid_input'],
    ['large', JSON.stringify({ name: 'x'.repeat(20_000) }), 'too_large'],
    ['without a topic', '{}', 'invalid_input'],
    ['with a topic that is none', '{"state_topic":"a/#"}', 'invalid_input'],
    ['with a topic that is no text', '{"state_topic":1}', 'invalid_input'],
    ['with a template that is none', '{"state_topic":"a","value_template":{}}', 'invalid_input'],
  ])('that is %s is refused with a reason', (_, payload, code) => {
    const announced = () =>
      announcementOf(OWN, 'homeassistant/sensor/x/config', Buffer.from(payload as string));
    expect(announced).toThrow(expect.objectContaining({ code }));
  });
});
