import type { DeviceActor } from '../../kernel/actor.ts';
import type { DeviceId } from '../../kernel/ids.ts';
import type { Connection, Pipeline } from '../pipeline/pipeline.ts';
import { TOPIC_OPERATIONS, type TopicOperation } from './operations.ts';

const [PUBLISH, SUBSCRIBE] = TOPIC_OPERATIONS;

/** Where a device publishes its frames. */
export const upTopic = (deviceId: DeviceId) => topicOf(PUBLISH, deviceId);

/** Where a device gets frames. */
export const downTopic = (deviceId: DeviceId) => topicOf(SUBSCRIBE, deviceId);

function topicOf({ topic }: TopicOperation, deviceId: DeviceId): string {
  return topic.replace(':deviceId', deviceId);
}

/** Which topics a device may use. */
export interface Topics {
  mayPublish(actor: DeviceActor, topic: string, connection: Connection): boolean;
  maySubscribe(actor: DeviceActor, topic: string, connection: Connection): boolean;
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
  return { mayPublish: publish, maySubscribe: subscribe };
}
