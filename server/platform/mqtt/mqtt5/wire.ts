import { bytesOf, type Outgoing, type Wire } from '../wire.ts';
import type { Properties } from './properties.ts';
import { encodePublish5 } from './write-packet.ts';

/** What a client said in CONNECT that it takes. */
export interface ClientLimits {
  /** Infinity: it didn't say. */
  readonly packetBytesMax: number;
  readonly topicAliasMax: number;
  readonly receiveMax: number;
}

/** MQTT 5 to one client: aliases for as many topics as it takes, and no packet that is larger [MQTT-3.1.2-24]. */
export function createWire5({ packetBytesMax, topicAliasMax, receiveMax }: ClientLimits): Wire {
  const aliases = new Map<string, number>();
  const within = (bytes: Buffer): Buffer | null => (bytes.length <= packetBytesMax ? bytes : null);

  const publish: Wire['publish'] = (packet, messageId, flags) => {
    const { topic } = packet;
    const properties = forwarded(packet);
    const known = aliases.get(topic);
    const payload = bytesOf(packet.payload);
    if (known !== undefined)
      return within(encodePublish5('', payload, messageId, flags, { ...properties, topicAlias: known }));
    if (aliases.size >= topicAliasMax)
      return within(encodePublish5(topic, payload, messageId, flags, properties));
    const topicAlias = aliases.size + 1;
    const bytes = within(encodePublish5(topic, payload, messageId, flags, { ...properties, topicAlias }));
    // The client knows the alias by this packet.
    if (bytes !== null) aliases.set(topic, topicAlias);
    return bytes;
  };

  return {
    receiveMax,
    publish,
    publishShared: (packet, shared) => {
      if (topicAliasMax > 0) return publish(packet, null, {});
      shared.level5 ??= encodePublish5(packet.topic, bytesOf(packet.payload), null, {}, forwarded(packet));
      return within(shared.level5);
    },
  };
}

/** The properties as they go on, with the time that is left of the message's life [MQTT-3.3.2-6]. */
function forwarded({ properties, messageExpiry }: Outgoing): Properties | undefined {
  if (messageExpiry === undefined) return properties as Properties | undefined;
  const messageExpiryInterval = Math.max(0, Math.ceil((messageExpiry - Date.now()) / 1_000));
  return { ...properties, messageExpiryInterval };
}
