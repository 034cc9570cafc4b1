import { ErrorPayload, encodePayload, errorCodeNumber, FrameType } from '../../../proto/index.ts';
import type { AppError } from '../../kernel/errors.ts';

/** Type and payload of the ERROR frame that tells a device what was refused. */
export function errorAnswer(error: AppError): { type: FrameType; payload: Uint8Array } {
  const lastNonce = error.details?.lastNonce;
  const payload = encodePayload(ErrorPayload, {
    code: errorCodeNumber(error.code),
    message: error.publicMessage,
    ...(typeof lastNonce === 'number' ? { lastNonce } : {}),
  });
  return { type: FrameType.ERROR, payload };
}
