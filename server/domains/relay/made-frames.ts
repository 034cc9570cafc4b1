import {
  Delivery,
  encodeContent,
  encodeFrame,
  FRAME_VERSION,
  type FrameType,
  type FrameView,
  STORED_CONTENT_BYTES_MAX,
} from '../../../proto/index.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import { NIL_UUID } from './delivery-session.ts';
import { relayError } from './errors.ts';
import type { RelayCore } from './ports.ts';
import type { FrameToStore, Peer } from './types.ts';

/** What the server says to a device. */
export interface ServerFrame {
  readonly type: FrameType;
  readonly networkId: string;
  readonly payload: Uint8Array;
  readonly correlationId?: string | null;
}

/** What the server says in the name of a device. */
export interface MadeFrame extends ServerFrame {
  readonly delivery: Delivery;
  readonly destinationId?: string | null;
  /** Absent: a new one. */
  readonly id?: string;
}

/** A command or another frame of the server's own for one device, kept in the stream until the device has it. */
export interface FrameToDevice {
  readonly id: string;
  readonly type: FrameType;
  readonly networkId: NetworkId;
  /** Who owns the network. */
  readonly tenantId: TenantId;
  readonly deviceId: DeviceId;
  readonly payload: Uint8Array;
}

/** The frame as it is stored. Refuses with `frame_too_large`. */
export function serverFrameToStore(
  { id, type, networkId, tenantId, deviceId, payload }: FrameToDevice,
  nonce: number,
): FrameToStore {
  const sourceId = NIL_UUID as DeviceId;
  const header = { id, type, delivery: Delivery.STORED, networkId, sourceId, destinationId: deviceId, nonce };
  const content = encodeContent(header, payload);
  if (content.length > STORED_CONTENT_BYTES_MAX) throw relayError('frame_too_large');
  return {
    sourceId,
    sourceTenantId: tenantId,
    networkId,
    tenantId,
    frameId: id,
    destinationId: deviceId,
    destinationUnknown: true,
    nonce: null,
    isRepetition: false,
    content,
  };
}

/** What tells a new frame from all others. */
interface FrameIdentity {
  readonly id: string;
  readonly nonce: number;
}

const NO_SIGNATURE = new Uint8Array(0);

/** A frame of the server's own for this device, signed with its key. */
export function serverFrame(
  peer: Peer,
  { type, networkId, payload, correlationId }: ServerFrame,
  identity: FrameIdentity,
  core: Pick<RelayCore, 'signInto'>,
): Uint8Array {
  return encodeFrame(
    {
      ...identity,
      type,
      delivery: Delivery.TRANSIENT,
      networkId,
      sourceId: NIL_UUID,
      destinationId: peer.actor.deviceId,
      correlationId: correlationId ?? null,
    },
    payload,
    (signed, out, start) => core.signInto(peer.signingKey, signed, out, start),
  );
}

/** A device in a network, and who owns the network. */
export type DeviceOfTenant = Pick<FrameToDevice, 'networkId' | 'tenantId' | 'deviceId'>;

/** A frame in the name of a device that may be away, as it is stored. Refuses with `frame_too_large`. */
export function frameInNameToStore(
  { networkId, tenantId, deviceId }: DeviceOfTenant,
  frame: Pick<MadeFrame, 'type' | 'payload'>,
  identity: FrameIdentity,
): FrameToStore {
  const made = { ...frame, networkId, delivery: Delivery.STORED };
  const content = frameInName({ actor: { deviceId } }, made, identity).bytes;
  if (content.length > STORED_CONTENT_BYTES_MAX) throw relayError('frame_too_large');
  return {
    sourceId: deviceId,
    sourceTenantId: tenantId,
    networkId,
    tenantId,
    frameId: identity.id,
    destinationId: null,
    destinationUnknown: false,
    nonce: null,
    isRepetition: false,
    content,
  };
}

/** A frame in the name of this device, which says that the server made it. It is signed for its receivers only. */
export function frameInName(
  peer: { readonly actor: Pick<Peer['actor'], 'deviceId'> },
  { payload, id, ...header }: MadeFrame,
  identity: FrameIdentity,
): FrameView {
  const made = {
    destinationId: null,
    correlationId: null,
    ...header,
    ...identity,
    ...(id === undefined ? {} : { id }),
    sourceId: peer.actor.deviceId,
    madeByServer: true,
  };
  const bytes = encodeContent(made, payload);
  return {
    bytes,
    header: { ...made, version: FRAME_VERSION },
    payload,
    contentLength: bytes.length,
    streamOffset: 0,
    signedBytes: bytes,
    signature: NO_SIGNATURE,
  };
}

/** The same frame with bytes of its own, as far as they are forwarded. */
export function copyOfView({ bytes, contentLength, ...frame }: FrameView): FrameView {
  return { ...frame, bytes: bytes.slice(0, contentLength), contentLength };
}
