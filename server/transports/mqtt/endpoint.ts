import type { FrameView } from '../../../proto/index.ts';
import type { DeviceIdentity } from '../../domains/devices/index.ts';
import { type DeliverySession, NIL_UUID, type Peer } from '../../domains/relay/index.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { MqttConnection, MqttEndpoint } from '../../platform/mqtt/types.ts';
import { decodeFrame } from '../bifrost/decode-frame.ts';
import { errorAnswer } from '../bifrost/error-frame.ts';
import { WrongFrames } from '../bifrost/wrong-frames.ts';
import { logRefusal, toAppError } from '../error-table.ts';
import type { FrameServices } from '../frames/frame-handler.ts';
import type { Frames } from '../frames/frames.ts';
import { downTopic } from '../frames/topics.ts';
import type { Connection } from '../pipeline/pipeline.ts';
import { WINDOW_FRAMES } from './limits.ts';

const OPERATION = 'mqtt.frames.receive';

/** A device's MQTT connection: what was found out about it, and its sessions once it subscribed. */
export interface MqttSession {
  readonly identity: DeviceIdentity;
  readonly peer: Peer;
  /** Where it came from. */
  readonly origin: Connection;
  /** The connection, once there is one, and whether the relay has cut it off. */
  readonly link: { connection: MqttConnection | null; isCut: boolean };
  /** True between SUBSCRIBE and UNSUBSCRIBE. */
  isSubscribed: boolean;
  isOpening: boolean;
  deliveries: DeliverySession[];
  /** What a PUBACK's token stands for. */
  readonly unacknowledged: Map<number, { delivery: DeliverySession; streamOffset: number }>;
  lastToken: number;
  readonly wrongFrames: WrongFrames;
  closed: boolean;
}

/**
 * The bridge for microcontrollers: CONNECT and SUBSCRIBE are the session, PUBACK is the acknowledgement, and every
 * payload is a Bifrost frame. User name: device id. Password: device token.
 */
export function createMqttEndpoint(
  dependencies: FrameServices & { readonly frames: Frames; readonly logger: Logger },
): MqttEndpoint<MqttSession> {
  const { frames, relay, devices, logger } = dependencies;

  const refuse = (
    connection: MqttConnection,
    session: MqttSession,
    cause: unknown,
    frame: FrameView | null,
  ) => {
    const error = toAppError(cause);
    const { deviceId } = session.identity.actor;
    const frameType = frame?.header.type ?? null;
    logRefusal(logger, error, { operation: OPERATION, deviceId, frameType }, 'frame refused');
    const answer = relay.makeFrame(session.peer, {
      ...errorAnswer(error),
      networkId: frame?.header.networkId ?? NIL_UUID,
      correlationId: frame?.header.id ?? null,
    });
    connection.deliver(downTopic(deviceId), answer);
    if (session.wrongFrames.refused(error)) {
      logger.warn({ operation: OPERATION, code: 'too_many_errors', deviceId }, 'connection closed');
      connection.close();
    }
    return error;
  };

  const openDeliveries = async (connection: MqttConnection, session: MqttSession) => {
    const { actor } = session.identity;
    for (const networkId of session.peer.memberships.keys()) {
      const channel = {
        windowFrames: WINDOW_FRAMES,
        deliver: (frame: Uint8Array, streamOffset: number) => {
          const topic = downTopic(actor.deviceId);
          if (streamOffset === 0) return connection.deliver(topic, frame);
          const token = ++session.lastToken;
          session.unacknowledged.set(token, { delivery, streamOffset });
          return connection.deliver(topic, frame, token);
        },
      };
      const { session: delivery } = await relay.openSession(session.peer, networkId, channel, null);
      if (session.closed || !session.isSubscribed) {
        relay.closeSession(delivery);
        return;
      }
      session.deliveries.push(delivery);
      delivery.start();
    }
  };

  const recordSeen = ({ identity }: MqttSession) => {
    devices.recordSeen(identity.actor).catch((error: unknown) => {
      logger.warn({ operation: 'devices.seen', error }, 'not recorded');
    });
  };

  return {
    async authenticate({ username, password, remoteAddress }) {
      const link: { connection: MqttConnection | null; isCut: boolean } = { connection: null, isCut: false };
      const origin: Connection = { remoteAddress, requestId: null };
      const connected = await frames
        .connect({
          token: new TextDecoder().decode(password),
          username,
          connection: origin,
          close: ({ code }) => {
            logger.info({ operation: 'mqtt.connections.close', code, deviceId: username }, 'closed');
            link.isCut = true;
            link.connection?.close();
          },
        })
        .catch((error: unknown) => {
          if (toAppError(error).kind === 'unauthenticated') return null;
          throw error;
        });
      if (connected === null) return null;
      const { identity, peer } = connected;
      return {
        identity,
        peer,
        origin,
        link,
        isSubscribed: false,
        isOpening: false,
        deliveries: [],
        unacknowledged: new Map(),
        lastToken: 0,
        wrongFrames: new WrongFrames(),
        closed: false,
      };
    },

    mayPublish: ({ identity, origin }, topic) => frames.mayPublish(identity.actor, topic, origin),

    maySubscribe: ({ identity, origin }, topic) => frames.maySubscribe(identity.actor, topic, origin),

    connected(connection, session) {
      const { link } = session;
      link.connection = connection;
      if (link.isCut) connection.close();
      else recordSeen(session);
    },

    disconnected(_connection, session) {
      session.closed = true;
      for (const delivery of session.deliveries) relay.closeSession(delivery);
      relay.disconnected(session.peer);
      recordSeen(session);
    },

    async published(connection, session, _topic, payload) {
      let frame: FrameView | null = null;
      try {
        frame = decodeFrame(payload);
        relay.accept(session.peer, frame);
        await frames.handle({
          peer: session.peer,
          frame,
          connection: session.origin,
          providerLink: null,
          session: null,
        });
        session.wrongFrames.accepted();
      } catch (cause) {
        const error = refuse(connection, session, cause, frame);
        // What could not be kept must not be acknowledged: without PUBACK the device sends it again.
        if (error.kind === 'unavailable' || error.kind === 'internal') throw error;
      }
    },

    subscribed(connection, session) {
      session.isSubscribed = true;
      if (session.isOpening || session.deliveries.length > 0) return;
      session.isOpening = true;
      openDeliveries(connection, session)
        .catch((error: unknown) => {
          logRefusal(
            logger,
            toAppError(error),
            { operation: 'mqtt.sessions.open' },
            'a session was not opened',
          );
          connection.close();
        })
        .finally(() => {
          session.isOpening = false;
        });
    },

    unsubscribed(_connection, session) {
      session.isSubscribed = false;
      for (const delivery of session.deliveries.splice(0)) relay.closeSession(delivery);
    },

    acknowledged(_connection, session, token) {
      const sent = session.unacknowledged.get(token);
      if (sent === undefined) return;
      session.unacknowledged.delete(token);
      sent.delivery.acknowledge(sent.streamOffset);
    },
  };
}
