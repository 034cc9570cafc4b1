import type { Config } from '../config/index.ts';
import type { TreeOwner } from '../domains/topics/index.ts';
import { createForeignBroker } from '../platform/mqtt/foreign-broker/client.ts';
import type { ForeignBroker } from '../platform/mqtt/foreign-broker/types.ts';
import { mountpointOf } from '../transports/frames/topic-rules.ts';
import type { BrokerBridge } from '../transports/mqtt/broker-bridge.ts';
import { brokerTopicOf, RETAINED_FILTERS, SAID_FILTERS } from '../transports/mqtt/broker-topics.ts';
import type { Part } from './lifecycle.ts';
import type { Platform } from './platform.ts';

const [PORT, SECURE_PORT] = [1_883, 8_883];

/** The client of the broker of the configuration; null: there is none. */
export function buildForeignBroker(
  { mqttBrokerUrl, mqttBrokerClientId: clientId }: Config,
  { clock, logger }: Platform,
): ForeignBroker | null {
  if (mqttBrokerUrl === undefined) return null;
  const url = new URL(mqttBrokerUrl);
  const isSecure = url.protocol === 'mqtts:';
  const own = (text: string) => (text === '' ? undefined : decodeURIComponent(text));
  return createForeignBroker(
    {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? (isSecure ? SECURE_PORT : PORT) : Number(url.port),
      isSecure,
      username: own(url.username),
      password: own(url.password),
      clientId,
      filters: SAID_FILTERS,
      retainedFilters: RETAINED_FILTERS,
      speakerOf: (topic) => brokerTopicOf(topic)?.deviceId ?? '',
    },
    { clock, logger },
  );
}

/** Says there what the server says in the trees of networks; what finds no room is said again when it changes. */
export function echoTo(broker: ForeignBroker | null) {
  if (broker === null) return null;
  return ({ networkId }: TreeOwner, topic: string, text: string): void => {
    const message = { topic: mountpointOf(networkId) + topic, payload: Buffer.from(text), retain: true };
    broker.publish(message, () => undefined);
  };
}

/** The connection with that broker: begins last, and ends before what it brings has nowhere to go. */
export function foreignBrokerPart(broker: ForeignBroker | null, bridge: BrokerBridge | null): Part {
  return {
    name: 'foreign broker',
    async start() {
      if (bridge !== null) broker?.start((publication) => bridge.received(publication));
    },
    async stop() {
      await broker?.stop();
      bridge?.stop();
    },
  };
}
