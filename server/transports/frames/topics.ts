import type { DeviceActor } from '../../kernel/actor.ts';
import type { DeviceId } from '../../kernel/ids.ts';
import type { Connection, Pipeline } from '../pipeline/pipeline.ts';
import { TOPIC_OPERATIONS, type TopicOperation } from './operations.ts';

const [PUBLISH, SUBSCRIBE, PUBLISH_IN_TREE, SUBSCRIBE_IN_TREE, SEND_COMMAND, SEND_RESULT] = TOPIC_OPERATIONS;

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

/** What the server says of devices. */
const SERVER_TOPICS = 'yggdrasil/';

/** The topics of one device in the tree of its network. */
export const deviceTopics = (deviceId: DeviceId): string => `${DEVICE_TOPICS}${deviceId}/`;

/** A command for a device, by its name. */
const COMMAND_TOPIC = /^devices\/[^/]+\/commands\/[^/]+$/;
/** Under a device's topics these are not its own: others give commands, and the server says what it refused and what is wanted. */
const OTHERS_WORDS = /^(commands|refused|desired)(\/|$)/;

/** True for what a device itself says under its topics. */
function isOwnInTree(deviceId: DeviceId, topic: string): boolean {
  const own = deviceTopics(deviceId);
  return topic.startsWith(own) && !OTHERS_WORDS.test(topic.slice(own.length));
}

/** Which topics a device may use. */
export interface Topics {
  mayPublish(actor: DeviceActor, topic: string, connection: Connection): boolean;
  maySubscribe(actor: DeviceActor, topic: string, connection: Connection): boolean;
  /** Of the tree of its network: what is not another device's. */
  mayPublishInTree(actor: DeviceActor, topic: string, connection: Connection): boolean;
  /** What the server makes a frame of and nobody else reads: another device's commands, its own results. */
  mayPublishPlain(actor: DeviceActor, topic: string, connection: Connection): boolean;
  /** Of the tree of its network: everything but frames. */
  maySubscribeInTree(actor: DeviceActor, topicFilter: string, connection: Connection): boolean;
}

/** Makes the steps of the operations of topics. */
export function createTopics(pipeline: Pipeline): Topics {
  const publish = pipeline.serveConnectionNow(
    PUBLISH,
    (actor, topic: string) => topic === upTopic(actor.deviceId),
  );
  const subscribe = pipeline.serveConnectionNow(
    SUBSCRIBE,
    (actor, topic: string) => topic === downTopic(actor.deviceId),
  );
  const publishInTree = pipeline.serveConnectionNow(
    PUBLISH_IN_TREE,
    (actor, topic: string) =>
      !topic.startsWith(FRAME_TOPICS) &&
      !topic.startsWith(SERVER_TOPICS) &&
      (!topic.startsWith(DEVICE_TOPICS) || isOwnInTree(actor.deviceId, topic)),
  );
  const subscribeInTree = pipeline.serveConnectionNow(
    SUBSCRIBE_IN_TREE,
    (_, filter: string) => !filter.startsWith(FRAME_TOPICS),
  );
  const sendCommand = pipeline.serveConnectionNow(
    SEND_COMMAND,
    (actor, topic: string) => COMMAND_TOPIC.test(topic) && !topic.startsWith(deviceTopics(actor.deviceId)),
  );
  const sendResult = pipeline.serveConnectionNow(
    SEND_RESULT,
    (actor, topic: string) => topic === `${deviceTopics(actor.deviceId)}results`,
  );
  return {
    mayPublish: publish,
    mayPublishPlain: (actor, topic, connection) =>
      sendCommand(actor, topic, connection) || sendResult(actor, topic, connection),
    maySubscribe: subscribe,
    mayPublishInTree: publishInTree,
    maySubscribeInTree: subscribeInTree,
  };
}
