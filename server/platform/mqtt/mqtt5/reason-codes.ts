/** MQTT 5 section 2.4: those that this server gives. */
export const REASON = {
  success: 0x00,
  disconnectWithWill: 0x04,
  noSubscriptionExisted: 0x11,
  unspecified: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  implementationSpecific: 0x83,
  clientIdentifierNotValid: 0x85,
  badUserNameOrPassword: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverBusy: 0x89,
  serverShuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  packetIdentifierNotFound: 0x92,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  messageRateTooHigh: 0x96,
  quotaExceeded: 0x97,
  administrativeAction: 0x98,
  payloadFormatInvalid: 0x99,
  sharedSubscriptionsNotSupported: 0x9e,
} as const;

/** From here on a reason code is a failure. */
export const FAILURE = 0x80;

/** Why a connection of MQTT 5 ends: what DISCONNECT says, or CONNACK where it was not sent yet. */
export class Mqtt5Fault extends Error {
  readonly reasonCode: number;

  constructor(reasonCode: number, reason: string) {
    super(reason);
    this.name = 'Mqtt5Fault';
    this.reasonCode = reasonCode;
  }
}

/** A packet that can't be read. */
export const malformed = (reason: string): Mqtt5Fault => new Mqtt5Fault(REASON.malformedPacket, reason);

/** A packet that can be read, and that the protocol forbids. */
export const forbidden = (reason: string): Mqtt5Fault => new Mqtt5Fault(REASON.protocolError, reason);
