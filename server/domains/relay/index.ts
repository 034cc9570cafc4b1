export { type DeliverySession, NIL_UUID } from './delivery-session.ts';
export { mayComeAgain, relayError } from './errors.ts';
export type { FrameToDevice, MadeFrame, ServerFrame } from './made-frames.ts';
export type { Memberships, NetworkDevice, NetworkEvents } from './ports.ts';
export type { RelayService } from './relay-service.ts';
export { createRelayService } from './service.ts';
export { createRelayStore } from './store.postgres.ts';
export type {
  DeliveryChannel,
  DeviceIdentity,
  GroupMembers,
  JoinedGroup,
  Membership,
  MulticastGroups,
  Peer,
  RelayOptions,
  SendRules,
  StreamPosition,
} from './types.ts';
