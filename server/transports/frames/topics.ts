import type { DeviceActor } from '../../kernel/actor.ts';
import type { Connection, Pipeline } from '../pipeline/pipeline.ts';
import { TOPIC_OPERATIONS } from './operations.ts';
import {
  downTopic,
  isCommandForOther,
  isOwnResult,
  isOwnShadowAsk,
  isPublishedInTree,
  isReadInTree,
  upTopic,
} from './topic-rules.ts';

const [PUBLISH, SUBSCRIBE, PUBLISH_IN_TREE, SUBSCRIBE_IN_TREE, SEND_COMMAND, SEND_RESULT, ASK_SHADOW] =
  TOPIC_OPERATIONS;

/** Which topics a device may use. */
export interface Topics {
  mayPublish(actor: DeviceActor, topic: string, connection: Connection): boolean;
  maySubscribe(actor: DeviceActor, topic: string, connection: Connection): boolean;
  /** Of the tree of its network: what is not another device's. */
  mayPublishInTree(actor: DeviceActor, topic: string, connection: Connection): boolean;
  /** What the server makes a frame of and nobody else reads: another device's commands, its own results, what it asks of its shadow. */
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
  const publishInTree = pipeline.serveConnectionNow(PUBLISH_IN_TREE, ({ deviceId }, topic: string) =>
    isPublishedInTree(deviceId, topic),
  );
  const subscribeInTree = pipeline.serveConnectionNow(SUBSCRIBE_IN_TREE, (_, filter: string) =>
    isReadInTree(filter),
  );
  const sendCommand = pipeline.serveConnectionNow(SEND_COMMAND, ({ deviceId }, topic: string) =>
    isCommandForOther(deviceId, topic),
  );
  const sendResult = pipeline.serveConnectionNow(SEND_RESULT, ({ deviceId }, topic: string) =>
    isOwnResult(deviceId, topic),
  );
  const askShadow = pipeline.serveConnectionNow(ASK_SHADOW, ({ deviceId }, topic: string) =>
    isOwnShadowAsk(deviceId, topic),
  );
  return {
    mayPublish: publish,
    mayPublishPlain: (actor, topic, connection) =>
      sendCommand(actor, topic, connection) ||
      sendResult(actor, topic, connection) ||
      askShadow(actor, topic, connection),
    maySubscribe: subscribe,
    mayPublishInTree: publishInTree,
    maySubscribeInTree: subscribeInTree,
  };
}
