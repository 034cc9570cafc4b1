import type { FrameType } from '../../../proto/index.ts';
import type { DeviceIdentity } from '../../domains/devices/index.ts';
import { relayError } from '../../domains/relay/index.ts';
import { AppError, InvariantError } from '../../kernel/errors.ts';
import type { DeviceId } from '../../kernel/ids.ts';
import type { CallOnConnection, Connection, Pipeline } from '../pipeline/pipeline.ts';
import type { FrameAnswer, FrameServices, ReceivedFrame } from './frame-handler.ts';
import { FRAME_HANDLERS } from './frame-handlers.ts';
import { CONNECTION_OPERATION, FRAME_OPERATIONS } from './operations.ts';
import { createTopics, type Topics } from './topics.ts';

/** A device that connects: what it shows, and what is done once it is known who it is. */
export interface ConnectionAttempt {
  readonly token: string | null;
  /** The device's id, where the transport asks for it beside the token. */
  readonly username?: string;
  /** A broker of the operator's has looked at its credentials: the device of this id, and no token. */
  readonly vouchedFor?: DeviceId;
  /** A name and a password in place of a token, for devices that have such. */
  readonly login?: { readonly name: string; readonly password: string };
  readonly connection: Connection;
  /** Lets the device in; rejects with what it is refused with. */
  readonly admit: (identity: DeviceIdentity) => Promise<void>;
}

/** The operations of devices, with their steps made. One for all connections of all transports. */
export interface Frames extends Topics {
  /** Lets a device in. Refuses with `unauthenticated` a token that no device has, or another than `username`. */
  connect(attempt: ConnectionAttempt): Promise<void>;
  /**
   * Handles an accepted frame, in this turn where it can: gives, resolves with, throws or rejects with what its handler
   * does. Refuses with `frame_type_unexpected` what is no operation.
   */
  handle(received: ReceivedFrame): FrameAnswer | Promise<FrameAnswer>;
}

/** Makes the steps of every operation of devices. */
export function createFrames(services: FrameServices, pipeline: Pipeline): Frames {
  const calls = new Map<FrameType, CallOnConnection<ReceivedFrame, FrameAnswer>>();
  for (const [type, operation] of FRAME_OPERATIONS) {
    const handler = FRAME_HANDLERS.get(type);
    if (handler === undefined) throw new InvariantError(`${operation.operation} has no handler`);
    const serve = (_: unknown, received: ReceivedFrame) => handler(services, received);
    calls.set(type, pipeline.serveConnection(operation, serve));
  }
  return {
    ...createTopics(pipeline),
    connect: createConnect(services, pipeline),
    handle(received) {
      const call = calls.get(received.frame.header.type);
      if (call === undefined) throw notHere(received.frame.header.type);
      return call(received.peer.actor, received, received.connection);
    },
  };
}

/** The types of frames of providers until 0.6.0. */
const [FIRST_PROVIDER_TYPE, LAST_PROVIDER_TYPE] = [20, 28];

/** What is no operation of a frame. A provider of an earlier version ends at this, and shows its words. */
function notHere(type: number): AppError {
  if (type < FIRST_PROVIDER_TYPE || type > LAST_PROVIDER_TYPE) return relayError('frame_type_unexpected');
  return new AppError(
    'invalid',
    'frame_type_unexpected',
    'Providers speak Ratatoskr since 0.7.0: take the program of this version, and give it --server with the path /ratatoskr.',
  );
}

interface Attempt extends ConnectionAttempt {
  identity: DeviceIdentity | null;
}

function createConnect({ devices }: FrameServices, pipeline: Pipeline): Frames['connect'] {
  const call = pipeline.serve(
    CONNECTION_OPERATION,
    async (_, { identity, admit }: Attempt): Promise<void> => {
      if (identity === null) throw relayError('unauthenticated');
      await admit(identity);
    },
    {
      encode: () => {},
      refuse: (error) => {
        throw error;
      },
      observe: () => {},
    },
  );
  const identityOf = async ({ token, vouchedFor, login, connection }: ConnectionAttempt) => {
    if (vouchedFor !== undefined) return devices.findIdentity(vouchedFor);
    if (login !== undefined) {
      return devices.authenticateLogin(login.name, login.password, connection.remoteAddress);
    }
    return token === null ? null : devices.authenticate(token);
  };
  return (shown) => {
    const attempt: Attempt = { ...shown, identity: null };
    const { token, username, connection } = shown;
    const identify = async () => {
      const identity = await identityOf(shown);
      if (username === undefined || identity?.actor.deviceId === username) attempt.identity = identity;
      return attempt.identity?.actor ?? null;
    };
    return call({ ...connection, identify, shown: () => token }, attempt);
  };
}
