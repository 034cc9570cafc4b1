import { mayComeAgain } from '../../domains/relay/index.ts';
import type { MqttEndpoint } from '../../platform/mqtt/types.ts';
import { toAppError } from '../error-table.ts';
import type { SessionDependencies } from '../frames/device-session.ts';
import { MqttDevice } from './connection.ts';

/**
 * The bridge for microcontrollers: CONNECT and SUBSCRIBE are the session, PUBACK is the acknowledgement, and every
 * payload is a Bifrost frame. User name: device id. Password: device token.
 *
 * A frame that asks to be kept gets its PUBACK when it is kept, or after an ERROR frame said why it never will be. One that
 * may be kept another time, and one whose device is not subscribed and so can't be told, get none: the connection closes.
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

    async published(_connection, device, _topic, payload) {
      const refused = await device.session.receive(payload);
      if (refused === null) return true;
      // Without PUBACK the device sends it again.
      if (mayComeAgain(refused.error)) return false;
      // Sending it again would not help. MQTT 3.1.1 can say so with the end of the connection only [MQTT-3.3.5-2].
      return device.hears || !refused.isCountedOn;
    },

    subscribed: (_connection, device) => device.subscribed(),

    unsubscribed: (_connection, device) => device.unsubscribed(),

    acknowledged: (_connection, device, token) => device.acknowledged(token),
  };
}
