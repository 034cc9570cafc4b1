import {
  encodePayload,
  errorCodeNumber,
  FrameType,
  RouteQuery,
  Routes,
  uuidFromBytes,
  uuidToBytes,
} from '../../../proto/index.ts';
import { ROUTES_MAX, ROUTES_PAGE, type SealedRoute } from '../../domains/routes/index.ts';
import { invalidInput, notFound } from '../../kernel/errors.ts';
import { asId, type DeviceId, type NetworkId } from '../../kernel/ids.ts';
import { type FrameHandler, payloadOf } from './frame-handler.ts';

const routeOf = ({ deviceId, path, reason, sinceMs, heardAtMs, roundTripMs, sealKey }: SealedRoute) => ({
  deviceId: uuidToBytes(deviceId),
  path: path ?? '',
  reason: reason === null ? 0 : errorCodeNumber(reason),
  sinceMs: sinceMs ?? 0,
  heardAtMs: heardAtMs ?? 0,
  roundTripUs: Math.round((roundTripMs ?? 0) * 1_000),
  sealKey: sealKey === null ? new Uint8Array(0) : Buffer.from(sealKey, 'base64url'),
});

const query: FrameHandler = async ({ routing }, { peer, frame }) => {
  const { networkId } = frame.header;
  const { targetId, after, limit } = payloadOf(RouteQuery, frame);
  if (limit > ROUTES_MAX) throw invalidInput(`Ask for ${ROUTES_MAX} routes at most.`);
  const { items, isMore } = await routing.query(peer.actor, networkId as NetworkId, {
    deviceId: idOf(targetId),
    after: idOf(after),
    limit: limit || ROUTES_PAGE,
  });
  return { type: FrameType.ROUTES, payload: encodePayload(Routes, { routes: items.map(routeOf), isMore }) };
};

/** Null: none is named. What is no id is nobody's. */
function idOf(bytes: Uint8Array): DeviceId | null {
  if (bytes.length === 0) return null;
  if (bytes.length !== 16) throw notFound('device');
  return asId<DeviceId>(uuidFromBytes(bytes));
}

/** The frames about who can be reached. */
export const ROUTE_FRAME_HANDLERS: readonly (readonly [FrameType, FrameHandler])[] = [
  [FrameType.ROUTE_QUERY, query],
];
