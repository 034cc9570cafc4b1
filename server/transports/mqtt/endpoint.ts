import type { MqttEndpoint } from '../../platform/mqtt/types.ts';
import type { SessionDependencies } from '../frames/device-session.ts';
import { MqttDevice } from './connection.ts';
import { downTopic, upTopic } from './topics.ts';

/**
 * The bridge for microcontrollers: CONNECT and SUBSCRIBE are the session, PUBACK is the acknowledgement, and every
 * payload is a Bifrost frame. User name: device id. Password: device token.
 */
export function createMqttEndpoint(dependencies: SessionDependencies): MqttEndpoint<MqttDevice> {
  return {
    async authenticate({ username, password }) {
      const identity = await dependencies.devices.authenticate(new TextDecoder().decode(password));
      if (identity === null || identity.actor.deviceId !== username) return null;
      const device = new MqttDevice(identity.actor.deviceId, dependencies);
      await device.session.connect(identity);
      return device;
    },

    mayPublish: ({ deviceId }, topic) => topic === upTopic(deviceId),

    maySubscribe: ({ deviceId }, topicFilter) => topicFilter === downTopic(deviceId),

    connected: (connection, device) => device.attach(connection),

    disconnected: (_connection, device) => device.session.closed(),

    async published(_connection, device, _topic, payload) {
      const refusal = await device.session.receive(payload);
      // What could not be kept must not be acknowledged: without PUBACK the device sends it again.
      if (refusal?.kind === 'unavailable' || refusal?.kind === 'internal') throw refusal;
    },

    subscribed: (_connection, device) => device.subscribed(),

    unsubscribed: (_connection, device) => device.unsubscribed(),

    acknowledged: (_connection, device, token) => device.acknowledged(token),
  };
}
