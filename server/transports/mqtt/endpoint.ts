import { mayComeAgain } from '../../domains/relay/index.ts';
import { restrictSession, type TopicService, WILL_BYTES_MAX } from '../../domains/topics/index.ts';
import { isUuid } from '../../kernel/ids.ts';
import type { MqttTopics } from '../../platform/mqtt/tree-types.ts';
import type { MqttEndpoint } from '../../platform/mqtt/types.ts';
import { toAppError } from '../error-table.ts';
import { homeOf } from '../frames/home.ts';
import { MqttDevice, type MqttDeviceDependencies } from './connection.ts';
import { reasonOf, topicForbidden } from './reasons.ts';

/** What the endpoint needs; without `topics` there are frames only. */
export interface MqttDependencies extends MqttDeviceDependencies {
  readonly topics?: TopicService;
}

/**
 * The way in for MQTT. User name: the device's id, and `@` with a network's where it is in several and means another than the
 * one that it joined first. Password: the device's token. Or, in place of the id and the token, the short name and the password
 * that its owner gave it: the session is the same.
 *
 * On the device's two topics for frames every payload is a Bifrost frame: CONNECT and SUBSCRIBE are the session, PUBACK is the
 * acknowledgement. All other topics are the tree of its network.
 *
 * A frame that asks to be kept gets its PUBACK when it is kept, or after an ERROR frame said why it never will be. One that
 * may be kept another time, and one whose device is not subscribed and so can't be told, get none: the connection closes. A device
 * of MQTT 5 is told by the reason code of PUBACK, too.
 */
export function createMqttEndpoint(dependencies: MqttDependencies): MqttEndpoint<MqttDevice> {
  const { topics } = dependencies;
  return {
    ...(topics === undefined ? {} : { tree: createTree(topics) }),

    async authenticate({ username, password, remoteAddress }) {
      const [name = '', wantedNetworkId = null] = username.split('@');
      const speaksFrames = isUuid(name);
      const device = new MqttDevice(remoteAddress, { wantedNetworkId, speaksFrames }, dependencies);
      try {
        const secret = new TextDecoder().decode(password);
        await (speaksFrames
          ? device.session.connect(secret, name)
          : device.session.connectByLogin(name, secret));
        return device;
      } catch (error) {
        if (toAppError(error).kind === 'unauthenticated') return null;
        throw error;
      }
    },

    usernameOf: ({ session, wantedNetworkId }) =>
      wantedNetworkId === null ? session.actor.deviceId : `${session.actor.deviceId}@${wantedNetworkId}`,

    ownerOf: ({ session }) => session.actor,

    mayPublish: (device, topic) =>
      (device.speaksFrames && device.session.mayPublish(topic)) || saysPlainly(device, topic),

    maySubscribe: ({ session, speaksFrames }, topicFilter) =>
      speaksFrames && session.maySubscribe(topicFilter),

    connected: (connection, device) => device.attach(connection),

    disconnected: (_connection, device) => device.closed(),

    async published(_connection, device, topic, payload) {
      if (device.plain !== null && saysPlainly(device, topic)) {
        const told = await device.plain.say(topic, payload);
        return told === null ? true : { ...told, isTold: true };
      }
      const refused = await device.session.receive(payload);
      if (refused === null) return true;
      // Without PUBACK the device sends it again.
      if (mayComeAgain(refused.error)) return false;
      // Sending it again would not help. MQTT 3.1.1 can say so with the end of the connection only [MQTT-3.3.5-2].
      return { ...reasonOf(refused.error), isTold: device.hears || !refused.isCountedOn };
    },

    subscribed: (_connection, device) => device.subscribed(),

    unsubscribed: (_connection, device) => device.unsubscribed(),

    acknowledged: (_connection, device, token) => device.acknowledged(token),
  };
}

/** True for what the server makes a frame of. */
const saysPlainly = (device: MqttDevice, topic: string): boolean =>
  device.plain !== null && device.session.mayPublishPlain(topic) && device.isAllowed('publish', topic);

function createTree(topics: TopicService): MqttTopics<MqttDevice> {
  return {
    willBytesMax: WILL_BYTES_MAX,

    async open(device, clientId) {
      const home = homeOf(device.session.memberships, device.wantedNetworkId);
      if (home === null) return null;
      const { networkId, networkTenantId: tenantId, joinedAtMs } = home;
      const use = await topics.open({ networkId, tenantId });
      await device.enter(home, use);
      await use.tree.begin(clientId, joinedAtMs);
      await restrictSession(use.tree, clientId, (filter) => device.isAllowed('subscribe', filter));
      return use.tree;
    },

    mayPublish: (device, topic) =>
      device.session.mayPublishInTree(topic) && device.isAllowed('publish', topic),

    maySubscribe: (device, topicFilter) =>
      device.session.maySubscribeInTree(topicFilter) && device.isAllowed('subscribe', topicFilter),

    subscribed: (device, topicFilter, qos) => device.subscribedInTree(topicFilter, qos),

    unsubscribed: (device, topicFilter) => device.unsubscribedInTree(topicFilter),

    refusal: ({ plain }, packet) => plain?.refusal(packet) ?? null,

    async forbidden({ plain }, topic) {
      await plain?.refuse(topic, topicForbidden());
    },

    published: async ({ plain }, packet) => (await plain?.published(packet)) ?? null,
  };
}
