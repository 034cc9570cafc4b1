import type { MessageKey } from '../../messages/en.ts';

/** Programs that people have, by what they call themselves. */
export const PROGRAMS = {
  mosquitto: 'mosquitto',
  tasmota: 'Tasmota',
  esphome: 'ESPHome',
  homeAssistant: 'Home Assistant',
  other: 'MQTT',
} as const;
export type Program = keyof typeof PROGRAMS;

/** Where a device connects, and as who. */
export interface MqttAccess {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly deviceId: string;
  readonly token: string;
}

/** A text to copy, and what it is. */
export interface SettingsText {
  readonly label: MessageKey;
  readonly text: string;
}

/** What a program must be told: the topics are those of `docs/plain-mqtt.md`. */
export function settingsFor(program: Program, access: MqttAccess): readonly SettingsText[] {
  const { host, port, tls, deviceId, token } = access;
  const topics = `devices/${deviceId}`;
  switch (program) {
    case 'mosquitto': {
      const way = `-h ${host} -p ${port}${tls ? ' --capath /etc/ssl/certs' : ''} -u ${deviceId} -P ${token}`;
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
          text: `Backlog MqttHost ${host}; MqttPort ${port}; ${tls ? 'SetOption103 1; ' : ''}MqttUser ${deviceId}; MqttPassword ${token}`,
        },
      ];
    case 'esphome':
      return [
        {
          label: 'connect.esphome',
          text: `mqtt:\n  broker: ${host}\n  port: ${port}\n  username: ${deviceId}\n  password: ${token}\n  discovery: false${tls ? '\n  certificate_authority: !secret yggdrasil_ca' : ''}`,
        },
      ];
    case 'homeAssistant':
      return [
        {
          label: 'connect.homeAssistant',
          text: `Broker: ${host}\nPort: ${port}\nUsername: ${deviceId}\nPassword: ${token}${tls ? '\nBroker certificate validation: Auto' : ''}`,
        },
      ];
    case 'other':
      return [
        {
          label: 'connect.other',
          text: [
            `${tls ? 'mqtts' : 'mqtt'}://${host}:${port}`,
            `user name  ${deviceId}`,
            `password   ${token}`,
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
