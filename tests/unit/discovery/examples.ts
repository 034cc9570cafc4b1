/** A message as a device of this firmware published it, and what it says. */
interface Example {
  readonly topic: string;
  readonly payload: string;
  readonly values: readonly (readonly unknown[])[];
  /** A command that it teaches, and what is published for on and off. */
  readonly sets?: Setting;
}

type Setting = readonly [
  command: string,
  on: { readonly topic: string; readonly payload: string },
  off: { readonly topic: string; readonly payload: string },
];

const both = (command: string, topic: string, on: string, off: string): Setting => [
  command,
  { topic, payload: on },
  { topic, payload: off },
];

/** Recorded messages, by firmware. */
export const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  tasmota: [
    {
      topic: 'tele/tasmota_AABBCC/SENSOR',
      payload:
        '{"Time":"2024-02-11T14:28:02","AM2301":{"Temperature":26.1,"Humidity":53.0,"DewPoint":15.8},"TempUnit":"C"}',
      values: [
        ['readings', 'AM2301.Temperature', 26.1, 'celsius'],
        ['readings', 'AM2301.Humidity', 53, 'percent'],
        ['readings', 'AM2301.DewPoint', 15.8, 'celsius'],
      ],
    },
    {
      topic: 'tele/plug/SENSOR',
      payload:
        '{"Time":"2024-02-11T14:30:00","ENERGY":{"TotalStartTime":"2023-01-01T00:00:00","Total":3.185,"Power":42,"Voltage":231}}',
      values: [
        ['readings', 'ENERGY.Total', 3.185, 'kWh'],
        ['readings', 'ENERGY.Power', 42, 'watt'],
        ['readings', 'ENERGY.Voltage', 231, 'volt'],
      ],
    },
    {
      topic: 'tele/plug/STATE',
      payload:
        '{"Time":"2024-02-11T14:28:02","Uptime":"0T01:00:10","Heap":26,"POWER1":"ON","POWER2":"OFF","Wifi":{"AP":1,"RSSI":78}}',
      values: [
        ['state', 'POWER1', true],
        ['state', 'POWER2', false],
      ],
      sets: both('POWER1.set', 'cmnd/plug/POWER1', 'ON', 'OFF'),
    },
    {
      topic: 'stat/plug/POWER',
      payload: 'OFF',
      values: [['state', 'POWER', false]],
      sets: both('POWER.set', 'cmnd/plug/POWER', 'ON', 'OFF'),
    },
    { topic: 'tele/plug/LWT', payload: 'Online', values: [] },
  ],
  esphome: [
    {
      topic: 'livingroom/sensor/temperature/state',
      payload: '21.5',
      values: [['readings', 'temperature', 21.5]],
    },
    {
      topic: 'livingroom/sensor/temperature/state',
      payload: 'nan',
      values: [['readings', 'temperature', null]],
    },
    { topic: 'livingroom/binary_sensor/motion/state', payload: 'ON', values: [['readings', 'motion', true]] },
    {
      topic: 'livingroom/switch/relay/state',
      payload: 'ON',
      values: [['state', 'relay', true]],
      sets: both('relay.set', 'livingroom/switch/relay/command', 'ON', 'OFF'),
    },
    {
      topic: 'livingroom/light/lamp/state',
      payload: '{"effect":"None","color_mode":"brightness","state":"OFF","brightness":127}',
      values: [
        ['state', 'lamp', false],
        ['state', 'lamp.brightness', 127],
      ],
      sets: both('lamp.set', 'livingroom/light/lamp/command', '{"state":"ON"}', '{"state":"OFF"}'),
    },
    { topic: 'livingroom/status', payload: 'online', values: [] },
  ],
  zigbee2mqtt: [
    {
      topic: 'zigbee2mqtt/bedroom_climate',
      payload:
        '{"battery":97,"humidity":46.2,"linkquality":112,"temperature":20.7,"voltage":3005,"update":{"state":"idle"}}',
      values: [
        ['readings', 'bedroom_climate.battery', 97, 'percent'],
        ['readings', 'bedroom_climate.humidity', 46.2, 'percent'],
        ['readings', 'bedroom_climate.linkquality', 112],
        ['readings', 'bedroom_climate.temperature', 20.7, 'celsius'],
        ['readings', 'bedroom_climate.voltage', 3005],
      ],
    },
    {
      topic: 'zigbee2mqtt/hall plug',
      payload: '{"state":"ON","power":12.4,"last_seen":"2024-02-11T14:28:02+00:00"}',
      values: [
        ['state', 'hall plug', true],
        ['readings', 'hall plug.power', 12.4, 'watt'],
      ],
      sets: both('hall plug.set', 'zigbee2mqtt/hall plug/set', '{"state":"ON"}', '{"state":"OFF"}'),
    },
    { topic: 'zigbee2mqtt/bridge/state', payload: '{"state":"online"}', values: [] },
  ],
  shelly: [
    {
      topic: 'shellies/shelly1pm-AABBCC/relay/0',
      payload: 'on',
      values: [['state', 'relay.0', true]],
      sets: both('relay.0.set', 'shellies/shelly1pm-AABBCC/relay/0/command', 'on', 'off'),
    },
    {
      topic: 'shellies/shelly1pm-AABBCC/relay/0/power',
      payload: '61.20',
      values: [['readings', 'relay.0.power', 61.2, 'watt']],
    },
    {
      topic: 'shellies/shellyht-112233/sensor/temperature',
      payload: '22.50',
      values: [['readings', 'temperature', 22.5, 'celsius']],
    },
    { topic: 'shellies/shelly1-AABBCC/input/0', payload: '1', values: [['readings', 'input.0', true]] },
    {
      topic: 'shellyplus1pm-a8032abe54dc/status/switch:0',
      payload:
        '{"id":0,"source":"MQTT","output":true,"apower":8.9,"voltage":237.5,"current":0.045,"aenergy":{"total":6.532,"by_minute":[45.199,47.141,88.397],"minute_ts":1626935779},"temperature":{"tC":23.5,"tF":74.4}}',
      values: [
        ['state', 'switch:0', true],
        ['readings', 'switch:0.apower', 8.9, 'watt'],
        ['readings', 'switch:0.voltage', 237.5, 'volt'],
        ['readings', 'switch:0.current', 0.045, 'ampere'],
        ['readings', 'switch:0.aenergy.total', 6.532, 'Wh'],
        ['readings', 'switch:0.temperature.tC', 23.5, 'celsius'],
      ],
      sets: both('switch:0.set', 'shellyplus1pm-a8032abe54dc/command/switch:0', 'on', 'off'),
    },
  ],
};
