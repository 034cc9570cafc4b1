import { connect, type ErrorWithReasonCode, type MqttClient } from 'mqtt';
import type { DeviceCredentials } from '../client/index.ts';
import { type MqttConnector, type MqttLinkHandlers, MqttRefusedError } from './ports.ts';

const CONNECT_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_SECONDS = 30;
/** CONNACK return codes of [MQTT-3.2.2.3]: bad user name or password, not authorized. */
const REFUSALS: ReadonlySet<number> = new Set([4, 5]);

/** The topic on which a device publishes its frames. */
export function upTopic(deviceId: string): string {
  return `bifrost/v1/${deviceId}/up`;
}

/** The topic on which a device gets its frames. */
export function downTopic(deviceId: string): string {
  return `bifrost/v1/${deviceId}/down`;
}

/** Connects with MQTT 3.1.1 as this device. Reconnecting is the device's business, not the package's. */
export function createMqttConnector(url: string, credentials: DeviceCredentials): MqttConnector {
  const { deviceId, token } = credentials;
  return async (handlers) => {
    const client = connect(url, {
      protocolVersion: 4,
      clientId: deviceId,
      username: deviceId,
      password: token,
      clean: true,
      reconnectPeriod: 0,
      connectTimeout: CONNECT_TIMEOUT_MS,
      keepalive: KEEP_ALIVE_SECONDS,
    });
    let closing = false;
    client.on('message', (_topic, payload) => handlers.received(payload));
    try {
      await subscribed(client, downTopic(deviceId));
    } catch (error) {
      client.on('error', () => {});
      client.end(true);
      throw error;
    }
    reportLoss(client, handlers, () => closing);
    return {
      publish: async (payload) => {
        await client.publishAsync(upTopic(deviceId), Buffer.from(payload), { qos: 1 });
      },
      close: async () => {
        closing = true;
        await client.endAsync();
      },
    };
  };
}

function subscribed(client: MqttClient, topic: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let reason = 'the broker closed the connection';
    client.once('connect', () => {
      client.subscribe(topic, { qos: 1 }, (error) => {
        if (error === null) resolve();
        // The answer was a SUBACK, so the connection stands and the broker said no [MQTT-3.9.3].
        else if ('packet' in error) reject(new MqttRefusedError(`the broker refuses the topic ${topic}`));
        else reject(error);
      });
    });
    client.on('error', (error) => {
      const { code } = error as Partial<ErrorWithReasonCode>;
      if (typeof code === 'number' && REFUSALS.has(code)) {
        reject(new MqttRefusedError('the broker refuses these credentials (unknown device or wrong token)'));
      }
      reason = error.message || String(code);
    });
    client.once('close', () => reject(new Error(reason)));
  });
}

function reportLoss(client: MqttClient, handlers: MqttLinkHandlers, closing: () => boolean): void {
  let reason = 'the connection ended';
  client.on('error', (error) => {
    reason = error.message;
  });
  client.once('close', () => {
    if (closing()) return;
    // Without this the package keeps unacknowledged publications pending for a reconnect that never comes.
    client.end(true);
    handlers.lost(reason);
  });
}
