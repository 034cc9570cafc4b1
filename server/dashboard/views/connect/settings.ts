import type { MessageKey } from '../../messages/en.ts';

/** Programs that people have, by what they call themselves. */
export const PROGRAMS = {
  mosquitto: 'mosquitto',
  tasmota: 'Tasmota',
  shelly: 'Shelly',
  esphome: 'ESPHome',
  homeAssistant: 'Home Assistant',
  other: 'MQTT',
} as const;
export type Program = keyof typeof PROGRAMS;

/** Those with room for 32 characters of a user name: a device's id has 36. */
export const SHORT_NAMES_ONLY: ReadonlySet<Program> = new Set(['tasmota', 'shelly']);

/** Where a device connects, and as who. */
export interface MqttAccess {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly deviceId: string;
  /** The device's id, or a short name of its own. */
  readonly username: string;
  /** Its token, or the password of that name. */
  readonly password: string;
}

/** A text to copy, and what it is. */
export interface SettingsText {
  readonly label: MessageKey;
  readonly text: string;
}

/** What a program must be told: the topics are those of `docs/plain-mqtt.md`. */
export function settingsFor(program: Program, access: MqttAccess): readonly SettingsText[] {
  const { host, port, tls, deviceId, username, password } = access;
  const topics = `devices/${deviceId}`;
  switch (program) {
    case 'mosquitto': {
      const way = `-h ${host} -p ${port}${tls ? ' --capath /etc/ssl/certs' : ''} -u ${username} -P ${password}`;
      return [
        {
          label: 'connect.mosquitto.publish',
          text: `mosquitto_pub ${way} -q 1 -t ${topics}/readings/temperature -m 21.5`,
        },
        { label: 'connect.mosquitto.subscribe', text: `mosquitto_sub ${way} -v -t '${topics}/commands/#'` },
      ];
    }
    case 'tasmota':
      return [
        {
          label: 'connect.tasmota',
          text: `Backlog MqttHost ${host}; MqttPort ${port}; ${tls ? 'SetOption103 1; ' : ''}MqttUser ${username}; MqttPassword ${password}`,
        },
      ];
    case 'shelly':
      return [
        {
          label: 'connect.shelly',
          text: `Server: ${host}:${port}\nConnection type: ${tls ? 'TLS, certificate checked' : 'No TLS'}\nUsername: ${username}\nPassword: ${password}`,
        },
      ];
    case 'esphome':
      return [
        {
          label: 'connect.esphome',
          text: `mqtt:\n  broker: ${host}\n  port: ${port}\n  username: ${username}\n  password: ${password}\n  discovery: false${tls ? '\n  certificate_authority: !secret yggdrasil_ca' : ''}`,
        },
      ];
    case 'homeAssistant':
      return [
        {
          label: 'connect.homeAssistant',
          text: `Broker: ${host}\nPort: ${port}\nUsername: ${username}\nPassword: ${password}${tls ? '\nBroker certificate validation: Auto' : ''}`,
        },
      ];
    case 'other':
      return [
        {
          label: 'connect.other',
          text: [
            `${tls ? 'mqtts' : 'mqtt'}://${host}:${port}`,
            `user name  ${username}`,
            `password   ${password}`,
            '',
            `${topics}/readings/<name>   21.5`,
            `${topics}/state/<name>      true`,
            `${topics}/capabilities      {"sensors":["temperature"],"actuators":["led"],"commands":["led.set"]}`,
            `${topics}/commands/#        subscribe`,
            `${topics}/results           {"id":"...","values":{"on":true}}`,
          ].join('\n'),
        },
      ];
  }
}

/** The beginning of a short user name: as much of a device's name as it may have in it. */
export function shortNameOf(name: string): string {
  const letters = name.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
  const word = letters
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+/g, '')
    .slice(0, NAME_LENGTH_MAX)
    .replaceAll(/-+$/g, '');
  return word === '' ? 'device' : word;
}

const NAME_LENGTH_MAX = 15;
