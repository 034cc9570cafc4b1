import type { DeviceSignature } from '../../kernel/device-signature.ts';
import type { Receipt } from './types.ts';

/** A signature as the texts of receipts have it, each part in hexadecimal: `findSignatureProblem` checks it. */
export function writtenSignature({ publicKey, signature, bytes }: DeviceSignature) {
  const hex = (part: Uint8Array) => Buffer.from(part).toString('hex');
  return { publicKey: hex(publicKey), signature: hex(signature), bytes: hex(bytes) };
}

/** What a device signed of an operation, to be kept with the operation's record under the name of its request. */
export function signedReceipt(
  { request, deviceId, operation }: { request: string; deviceId: string; operation: string },
  signature: DeviceSignature,
): Omit<Receipt, 'record'> {
  const content = {
    receipt: 'yggdrasil signed message 1',
    request,
    device: deviceId,
    operation,
    signed: writtenSignature(signature),
  };
  return { subjectId: request, partId: deviceId, accountId: null, content: JSON.stringify(content) };
}
