import { describe, expect, it } from 'vitest';
import { ComputeResult, encodePayload, RatatoskrType, toHex, uuidToBytes } from '../../../proto/index.ts';
import {
  deviceSignedBytes,
  findSignatureProblem,
  readDeviceSignedBytes,
} from '../../../proto/ratatoskr/index.ts';
import { nobleSigning } from '../../../proto/ratatoskr/noble.ts';
import { nodeSigning } from '../../../proto/ratatoskr/node.ts';
import { writtenSignature } from '../../../server/domains/audit/index.ts';
import { ed25519 } from '../../../server/platform/secrets/index.ts';

const { COMPUTE_RESULT, PROVIDER_REGISTRATION, HEARTBEAT } = RatatoskrType;
const privateKey = new Uint8Array(32).fill(7);
const publicKey = nodeSigning.publicKeyOf(privateKey);
const handshakeHash = new Uint8Array(32).fill(9);
const request = '00000000-0000-4000-8000-000000000001';
const message = encodePayload(ComputeResult, { requestId: uuidToBytes(request), finishReason: 'stop' });

/** The receipt of a request whose device has signed a message of this type. */
function receiptWith(type: RatatoskrType, change: Partial<ReturnType<typeof writtenSignature>> = {}): string {
  const bytes = deviceSignedBytes(handshakeHash, { type, sequence: 5, message });
  const signature = nodeSigning.sign(privateKey, bytes);
  return JSON.stringify({
    request,
    signed: { ...writtenSignature({ publicKey, signature, bytes }), ...change },
  });
}

const problemOf = (content: string) => findSignatureProblem(content, ed25519.isSignedBy);

describe('what a device signs', () => {
  it('is laid out as the document says, and is read back', () => {
    const placed = { type: COMPUTE_RESULT, sequence: 2 ** 40 + 3, message: Uint8Array.of(0xab, 0xcd) };
    const bytes = deviceSignedBytes(handshakeHash, placed);
    const label = Buffer.from('yggdrasil ratatoskr 1 device signature').toString('hex');
    expect(toHex(bytes)).toBe(`${label}${'09'.repeat(32)}01120000010000000003abcd`);
    expect(readDeviceSignedBytes(bytes)).toEqual(placed);
    for (const wrong of [bytes.subarray(0, 70), bytes.with(0, 0), bytes.with(70, 2)])
      expect(readDeviceSignedBytes(wrong)).toBeNull();
  });

  it('is signed the same by Node and in browsers', () => {
    expect([...nobleSigning.publicKeyOf(privateKey)]).toEqual([...publicKey]);
    expect([...nobleSigning.sign(privateKey, message)]).toEqual([...nodeSigning.sign(privateKey, message)]);
  });
});

describe('the signature in a receipt', () => {
  it('is right where it is of the receipt’s request', () => {
    expect(problemOf(receiptWith(COMPUTE_RESULT))).toBeNull();
    expect(problemOf(receiptWith(PROVIDER_REGISTRATION))).toBeNull();
    expect(problemOf(JSON.stringify({ request, signed: null }))).toBeNull();
  });

  it('is found wrong with any byte of it changed', () => {
    const content = receiptWith(COMPUTE_RESULT);
    const { signed } = JSON.parse(content) as { signed: Record<string, string> };
    for (const [name, hex] of Object.entries(signed)) {
      for (let at = 0; at < hex.length; at++) {
        const digit = (Number.parseInt(hex.charAt(at), 16) ^ 1).toString(16);
        const changed = `${hex.slice(0, at)}${digit}${hex.slice(at + 1)}`;
        expect(problemOf(receiptWith(COMPUTE_RESULT, { [name]: changed })), `${name} ${at}`).not.toBeNull();
      }
    }
  });

  it('is found wrong where something else was signed', () => {
    expect(problemOf(receiptWith(HEARTBEAT))).toBe('the device has signed something else');
    const other = receiptWith(COMPUTE_RESULT).replace(request, request.replace('1', '2'));
    expect(problemOf(other)).toBe('the device has signed the result of another request');
    expect(problemOf(receiptWith(COMPUTE_RESULT, { bytes: 'x' }))).toBe(
      'the signature of the device can not be read',
    );
  });
});
