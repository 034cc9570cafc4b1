import { isCovered, type TopicRights } from '../../domains/topic-rights/index.ts';
import type { DeviceId, NetworkId } from '../../kernel/ids.ts';
import { TOPIC_OPERATIONS, type TopicOperation } from './operations.ts';

const [PUBLISH, SUBSCRIBE] = TOPIC_OPERATIONS;

/** Where a device publishes its frames. */
export const upTopic = (deviceId: DeviceId) => topicOf(PUBLISH, deviceId);

/** Where a device gets frames. */
export const downTopic = (deviceId: DeviceId) => topicOf(SUBSCRIBE, deviceId);

function topicOf({ topic }: TopicOperation, deviceId: DeviceId): string {
  return topic.replace(':deviceId', deviceId);
}

/** Topics of frames: those of one's own, and nobody else's. */
const FRAME_TOPICS = 'bifrost/';
/** What is behind it and a device's id is published by that device and by the server. */
const DEVICE_TOPICS = 'devices/';
/** Where the tree of a network is in a broker that serves several. */
export const mountpointOf = (networkId: NetworkId): string => `networks/${networkId}/`;

/** What the server says of devices. */
const SERVER_TOPICS = 'yggdrasil/';

/** The topics of one device in the tree of its network. */
export const deviceTopics = (deviceId: DeviceId): string => `${DEVICE_TOPICS}${deviceId}/`;

/** A command for a device, by its name. */
const COMMAND_TOPIC = /^devices\/[^/]+\/commands\/[^/]+$/;
/** Under a device's topics these are not its own: others give commands, and the server says what it refused, dropped and wants. */
const OTHERS_WORDS = /^(commands|refused|dropped|desired|shadow)(\/|$)/;
/** Where a device asks for its shadow, and reports under a version. */
const SHADOW_TOPICS = /^shadow\/(get|report)$/;

/** True for what a device itself says under its topics. */
function isOwnInTree(deviceId: DeviceId, topic: string): boolean {
  const own = deviceTopics(deviceId);
  return topic.startsWith(own) && !OTHERS_WORDS.test(topic.slice(own.length));
}

/** True for what a device may publish in the tree of its network: what is not another's. */
export const isPublishedInTree = (deviceId: DeviceId, topic: string): boolean =>
  !topic.startsWith(FRAME_TOPICS) &&
  !topic.startsWith(SERVER_TOPICS) &&
  (!topic.startsWith(DEVICE_TOPICS) || isOwnInTree(deviceId, topic));

/** True for what it may subscribe to there: everything but frames. */
export const isReadInTree = (topicFilter: string): boolean => !topicFilter.startsWith(FRAME_TOPICS);

/** True: these rights let the device publish to the topic, or subscribe to the filter. Its own topics nobody can take from it. */
export const isAllowedBy = (
  rights: TopicRights | null,
  {
    deviceId,
    action,
    topic,
  }: { readonly deviceId: DeviceId; readonly action: keyof TopicRights; readonly topic: string },
): boolean => topic.startsWith(deviceTopics(deviceId)) || isCovered(rights, action, topic);

/** True for a command for another device. */
export const isCommandForOther = (deviceId: DeviceId, topic: string): boolean =>
  COMMAND_TOPIC.test(topic) && !topic.startsWith(deviceTopics(deviceId));

/** True for the topic of a device's results. */
export const isOwnResult = (deviceId: DeviceId, topic: string): boolean =>
  topic === `${deviceTopics(deviceId)}results`;

/** True for what a device asks of its shadow. */
export const isOwnShadowAsk = (deviceId: DeviceId, topic: string): boolean =>
  topic.startsWith(deviceTopics(deviceId)) && SHADOW_TOPICS.test(topic.slice(deviceTopics(deviceId).length));

/**
 * True: a device may publish to this topic, or subscribe to this filter, on a broker that asks for single words and has no others'
 * rules: where frames go, or in the tree of its network. What begins with `$`, shared subscriptions among them, is nobody's.
 */
export function mayUseTopic(
  deviceId: DeviceId,
  action: 'publish' | 'subscribe',
  topic: string,
  where: 'frames' | 'tree',
): boolean {
  if (topic === '' || topic.startsWith('$') || (action === 'publish' && /[#+]/.test(topic))) return false;
  if (where === 'frames') return topic === (action === 'publish' ? upTopic : downTopic)(deviceId);
  if (action === 'subscribe') return isReadInTree(topic);
  // No command for another device: its broker doesn't say to anybody who gives it.
  return [isPublishedInTree, isOwnShadowAsk].some((rule) => rule(deviceId, topic));
}
