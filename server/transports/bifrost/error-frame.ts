import { ErrorPayload, encodePayload, errorCodeNumber, FrameType } from '../../../proto/index.ts';
import type { AppError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import { errorTable } from '../error-table.ts';

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

/** Logs a refused frame once, at the level of its kind: our own bugs with their stack, never a byte of its content. */
export function logRefusedFrame(
  logger: Logger,
  error: AppError,
  fields: { operation: string; deviceId: string; frameType: number | null },
): void {
  const { logLevel } = errorTable[error.kind];
  const reason = logLevel === 'error' ? { error: error.cause } : {};
  logger[logLevel]({ ...fields, code: error.code, ...reason }, 'frame refused');
}
