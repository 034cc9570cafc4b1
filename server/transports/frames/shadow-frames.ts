import {
  encodePayload,
  FrameType,
  Shadow,
  ShadowDifference,
  ShadowReport,
  type yggdrasil,
} from '../../../proto/index.ts';
import { relayError } from '../../domains/relay/index.ts';
import type {
  Shadow as DeviceShadow,
  ShadowOwner,
  State,
  StateChange,
  StateValue,
  VersionedState,
} from '../../domains/shadow/index.ts';
import type { NetworkId } from '../../kernel/ids.ts';
import { type FrameAnswer, type FrameHandler, payloadOf, type ReceivedFrame } from './frame-handler.ts';
import { wireValue } from './json-values.ts';

type WireValue = yggdrasil.v1.Value.$Properties;

const query: FrameHandler = async ({ shadows }, received) =>
  shadowAnswer(await shadows.getOwn(ownerOf(received)));

const report: FrameHandler = async ({ shadows }, received) => {
  const { state, version = null } = payloadOf(ShadowReport, received.frame);
  return shadowAnswer(await shadows.reportUnder(ownerOf(received), changeOf(state), version));
};

/** The device that sent the frame, in the network that it names. */
function ownerOf({ peer, frame }: ReceivedFrame): ShadowOwner {
  const membership = peer.memberships.get(frame.header.networkId as NetworkId);
  if (membership === undefined) throw relayError('network_not_found');
  const { networkId, networkTenantId: tenantId } = membership;
  return { networkId, tenantId, deviceId: peer.actor.deviceId };
}

/** What is no value of a state is refused where it is kept. */
function changeOf(state: Readonly<Record<string, WireValue>>): StateChange {
  const change = Object.entries(state).map(([name, value]) => {
    const said = value.boolean ?? value.integer ?? value.number ?? value.text ?? value.data ?? null;
    return [name, said as StateValue | null] as const;
  });
  return Object.fromEntries(change);
}

function shadowAnswer({ desired, reported }: DeviceShadow): FrameAnswer {
  const payload = encodePayload(Shadow, { desired: sideOf(desired), reported: sideOf(reported) });
  return { type: FrameType.SHADOW, payload };
}

const sideOf = ({ state, version, changedAtMs }: VersionedState) => ({
  state: valuesOf(state),
  version,
  changedAtMs: changedAtMs ?? 0,
});

const valuesOf = (state: State): Record<string, WireValue> =>
  Object.fromEntries(Object.entries(state).map(([name, value]) => [name, wireValue(value)]));

/** What is wanted of a device and not so, as it is told over Bifrost. */
export function differenceFrame(
  version: number,
  difference: State,
): { type: FrameType; payload: Uint8Array } {
  const payload = encodePayload(ShadowDifference, { version, state: valuesOf(difference) });
  return { type: FrameType.SHADOW_DIFFERENCE, payload };
}

/** The frames about what is wanted of devices, and what they say. */
export const SHADOW_FRAME_HANDLERS: readonly (readonly [FrameType, FrameHandler])[] = [
  [FrameType.SHADOW_QUERY, query],
  [FrameType.SHADOW_REPORT, report],
];
