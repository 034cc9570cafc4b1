import type { MqttEndpoint } from '../../platform/mqtt/types.ts';
import { toAppError } from '../error-table.ts';
import type { SessionDependencies } from '../frames/device-session.ts';
import { MqttDevice } from './connection.ts';

/**
 * The bridge for microcontrollers: CONNECT and SUBSCRIBE are the session, PUBACK is the acknowledgement, and every
 * payload is a Bifrost frame. User name: device id. Password: device token.
 */
export function createMqttEndpoint(dependencies: SessionDependencies): MqttEndpoint<MqttDevice> {
  return {
    async authenticate({ username, password, remoteAddress }) {
      const device = new MqttDevice(remoteAddress, dependencies);
      try {
        await device.session.connect(new TextDecoder().decode(password), username);
        return device;
      } catch (error) {
        if (toAppError(error).kind === 'unauthenticated') return null;
        throw error;
      }
    },

    ownerOf: ({ session }) => session.actor,

    mayPublish: ({ session }, topic) => session.mayPublish(topic),

    maySubscribe: ({ session }, topicFilter) => session.maySubscribe(topicFilter),

    connected: (connection, device) => device.attach(connection),

    disconnected: (_connection, { session }) => session.closed(),

    async published(_connection, { session }, _topic, payload) {
      const refusal = await session.receive(payload);
      // What could not be kept must not be acknowledged: without PUBACK the device sends it again.
      if (refusal?.kind === 'unavailable' || refusal?.kind === 'internal') throw refusal;
    },

    subscribed: (_connection, device) => device.subscribed(),

    unsubscribed: (_connection, device) => device.unsubscribed(),

    acknowledged: (_connection, device, token) => device.acknowledged(token),
  };
}
