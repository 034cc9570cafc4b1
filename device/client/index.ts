/** The client library for Bifrost and Ratatoskr, for Node and browsers (Vedrfolnir in the story). */

import type { NoiseCrypto } from '../../proto/ratatoskr/index.ts';
import { nobleCrypto } from '../../proto/ratatoskr/noble.ts';
import { BifrostClient } from './bifrost-client.ts';
import { type DeviceCredentials, sealSecret } from './credentials.ts';
import type { DirectUse } from './direct/direct-paths.ts';
import type { DirectTransport } from './direct/ports.ts';
import { directOf } from './direct/setup.ts';
import { FrameChannel } from './frame-channel.ts';
import type { DeviceCapabilities } from './messages.ts';
import { NonceSource } from './nonce.ts';
import type { KnownPeers, PeerKeyChange } from './peer-keys.ts';
import { openPlatformSocket, systemClock, systemRandom } from './platform.ts';
import type { Clock, Random, SigningCore, SocketOpener } from './ports.ts';
import { type SealingMode, sealingOf } from './sealing.ts';
import type { StreamPosition } from './stream-reader.ts';
import { createWitness, type WitnessOptions } from './witness.ts';

export { FrameType } from '../../proto/index.ts';
export {
  ACTION_CHUNK_BYTES_MAX,
  ACTION_COMMAND,
  type ActionEnd,
  type ActionOutcome,
  type ActionReport,
  decodeAction,
  decodeActionCancel,
  encodeActionReport,
  LAST_REPORT,
  type RequestedAction,
} from './action-messages.ts';
export {
  type ActTogetherOptions,
  type NeededDevices,
  neededOf,
  partId,
  Tally,
  type TogetherEnd,
  type TogetherResult,
  type TogetherRun,
} from './actions-together.ts';
export type { ActionRun, ActOptions } from './asked-actions.ts';
export { ReconnectPlan } from './backoff.ts';
export type { BifrostClient } from './bifrost-client.ts';
export { connectRatatoskr, type RatatoskrDependencies, type RatatoskrOptions } from './connect-ratatoskr.ts';
export {
  CredentialsError,
  createSealKey,
  type DeviceCredentials,
  parseCredentials,
  signingSecret,
} from './credentials.ts';
export {
  type Allowance,
  type AskOptions,
  type DeviceAsk,
  type DeviceConnection,
  type DeviceConnectionStatus,
  DeviceConnections,
} from './device-connections.ts';
export type { DeviceShadow, ShadowSide, ShadowState, StateDifference, StateValue } from './device-shadow.ts';
export type { DirectPaths, DirectUse, PathStatus } from './direct/direct-paths.ts';
export type { PathQuality } from './direct/path-choice.ts';
export type { DirectLink, DirectPlace, DirectTransport } from './direct/ports.ts';
export { BifrostError, type ClientErrorCode } from './errors.ts';
export { type DropReason, FrameChannel, type OpenedFrame, type OutgoingFrame } from './frame-channel.ts';
export {
  ActionFailure,
  type ActionHandler,
  type ActionHandlerOptions,
  type IncomingAction,
} from './incoming-actions.ts';
export { type LockCalls, locksOverHttp, locksOverRatatoskr } from './lock-calls.ts';
export { createLocks, type HeldLock, type LockHolder, type LockOptions, type Locks } from './locks.ts';
export * from './messages.ts';
export { NonceSource } from './nonce.ts';
export type { Acceptance } from './outbox.ts';
export type { KnownPeers, PeerKeyChange, PeerKeys, ShownPeerKey } from './peer-keys.ts';
export { openPlatformSession, openPlatformSocket, systemClock, systemRandom } from './platform.ts';
export type { BifrostSocket, Clock, Random, SigningCore, SocketOpener } from './ports.ts';
export {
  type OperationInput,
  type RatatoskrClient,
  type RatatoskrClientEvents,
  RatatoskrError,
  type RequestOptions,
} from './ratatoskr-client.ts';
export { sealFingerprint } from './seal-fingerprint.ts';
export type { SealingMode, SealRefusal } from './sealing.ts';
export type { SessionEnd, SessionStart } from './session.ts';
export { readText, type SessionAnswer } from './session-answer.ts';
export type { SessionSocketOpener, WorkMessage } from './session-socket.ts';
export type { StreamPosition } from './stream-reader.ts';
export { createTokenGuard, type TokenGuard } from './token-guard.ts';
export type { BifrostClientEvents, BifrostClientState } from './types.ts';
export { fromValue, fromValues, type PlainValue, toValue, toValues } from './values.ts';
export {
  createWitness,
  type Witness,
  WitnessAlarm,
  type WitnessOptions,
  type WitnessStore,
} from './witness.ts';

/** What a client needs to know. */
export interface BifrostClientOptions {
  /** `wss://host/bifrost` */
  readonly url: string;
  readonly credentials: DeviceCredentials;
  /** Announced at the start of every session. */
  readonly capabilities?: DeviceCapabilities;
  /** Where an earlier run stopped reading (`client.position`). Absent: from the position that the server keeps. */
  readonly resume?: StreamPosition;
  /** The last nonce of an earlier run (`client.lastNonce`), for devices whose clock may go back. */
  readonly lastNonce?: number;
  /**
   * Whether what goes between devices is sealed, so that the server can't read it. `auto` where the credentials have a `sealKey`: for
   * devices that have one, too. What `required` does for all others is refuse.
   */
  readonly sealing?: SealingMode;
  /** Keys that other devices showed in an earlier run (`client.peers.known`). */
  readonly knownPeers?: KnownPeers;
  /** True: another key than before is taken for that device's. Absent: none is, until `client.peers.trust` or `forget` says so. */
  readonly acceptsKey?: (change: PeerKeyChange) => boolean;
  /** Private keys in base64url that this device had before: what was sealed for them is read, too. */
  readonly earlierSealKeys?: readonly string[];
  /** What goes over a direct path. Absent: `all`. */
  readonly directUse?: DirectUse;
  /** The device is a witness of its tenant's audit log, for as long as it is connected. */
  readonly witness?: Pick<WitnessOptions, 'store' | 'alarm' | 'intervalMs'>;
}

/** What a client is built on. Only the core has no default. */
export interface BifrostClientDependencies<Key> {
  readonly core: SigningCore<Key>;
  readonly openSocket?: SocketOpener;
  readonly clock?: Clock;
  readonly random?: Random;
  /** What seals. Absent: the primitives of `@noble`, which every platform runs; Node's own are in `proto/ratatoskr/node.ts`. */
  readonly crypto?: NoiseCrypto;
  /**
   * How this device reaches others without the server, where all owners permit it (`client.paths`): `createTlsPaths` of Node. Absent: not at
   * all.
   */
  readonly direct?: DirectTransport;
  /** One for all clients of a device that run at the same time, as where it is in several networks. Absent: its own. */
  readonly nonces?: NonceSource;
}

/** A client that isn't connected yet. Throws `CredentialsError` for credentials that can't be used. */
export function createBifrostClient<Key>(
  options: BifrostClientOptions,
  dependencies: BifrostClientDependencies<Key>,
): BifrostClient {
  const { core, openSocket = openPlatformSocket, clock = systemClock, random = systemRandom } = dependencies;
  const { nonces = new NonceSource(clock, options.lastNonce), crypto = nobleCrypto } = dependencies;
  const channel = FrameChannel.create(options.credentials, { core, nonces, random });
  const earlierKeys = (options.earlierSealKeys ?? []).map((sealKey) => sealSecret({ sealKey }) as Uint8Array);
  const setUpSealing = sealingOf(
    {
      mode: options.sealing ?? 'auto',
      key: sealSecret(options.credentials),
      earlierKeys,
      known: options.knownPeers ?? {},
      acceptsKey: options.acceptsKey ?? (() => false),
    },
    { channel, crypto, clock },
  );
  const client = new BifrostClient(
    { url: options.url, capabilities: options.capabilities ?? null, resume: options.resume ?? null },
    { channel, openSocket, clock, random, setUpSealing, direct: directOf(options, dependencies, channel) },
  );
  if (options.witness !== undefined) {
    const url = new URL(options.url).origin.replace(/^ws/, 'http');
    const { token } = options.credentials;
    const witness = createWitness({ ...options.witness, url, token }, { clock });
    client.on('open', () => witness.start());
    client.on('close', ({ retryInMs }) => {
      if (retryInMs === null) witness.stop();
    });
  }
  return client;
}
