import { CommandResult, decodePayload, errorCodeName } from '../../../proto/index.ts';

/** The code that a device says its command failed with; null: it was done. What can't be read is its fault. */
export function codeOfResult(payload: Uint8Array): string | null {
  try {
    const { error } = decodePayload(CommandResult, payload);
    return error ? errorCodeName(error.code ?? 0) : null;
  } catch {
    return 'frame_payload_malformed';
  }
}
