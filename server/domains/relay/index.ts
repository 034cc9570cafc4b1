export { type DeliverySession, NIL_UUID } from './delivery-session.ts';
export { mayComeAgain, relayError } from './errors.ts';
export type { FrameToDevice, MadeFrame } from './made-frames.ts';
export type { Memberships, NetworkDevice } from './ports.ts';
export { createRelayService, type RelayService } from './service.ts';
export { createRelayStore } from './store.postgres.ts';
export type {
  DeliveryChannel,
  DeviceIdentity,
  Membership,
  Peer,
  RelayOptions,
  StreamPosition,
} from './types.ts';
