import { AppError, type ErrorKind } from '../../kernel/errors.ts';
import type { MqttReason } from '../../platform/mqtt/reason.ts';

/** MQTT 5 section 2.4: the reason codes for kinds of errors, of those that PUBACK, PUBREC and DISCONNECT may have. */
const REASON_CODES: Readonly<Record<ErrorKind, number>> = {
  invalid: 0x99,
  unauthenticated: 0x87,
  payment_required: 0x97,
  forbidden: 0x87,
  not_found: 0x90,
  method_not_allowed: 0x83,
  conflict: 0x83,
  too_large: 0x97,
  unsupported_media_type: 0x99,
  unprocessable: 0x99,
  rate_limited: 0x97,
  unavailable: 0x83,
  internal: 0x80,
};

/** An error in MQTT 5's words: a reason code, and its own code and message as the reason string. */
export const reasonOf = ({ kind, code, publicMessage }: AppError): MqttReason => ({
  reasonCode: REASON_CODES[kind],
  reason: `${code}: ${publicMessage}`,
});

/** The refusal of a topic that is not the device's to publish to. */
export function topicForbidden(): AppError {
  return new AppError('forbidden', 'topic_forbidden', 'This topic is not yours to publish to.');
}

/** Why a connection ends whose device has other rights from now on: it may come again at once. */
export function rightsChanged(): AppError {
  return new AppError('unavailable', 'unavailable', 'Other topics are yours from now on: connect again.');
}
