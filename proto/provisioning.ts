/** What a device of a fleet signs with the key of its certificate when it registers itself. */
export interface SignedProvisioning {
  /** The bootstrap key that its authority belongs to. */
  readonly keyId: string;
  /** The device's own id. */
  readonly deviceId: string;
  readonly secret: string;
  readonly worldType: string;
  /** As it is sent; null: none. */
  readonly sessionKey: string | null;
  /** ISO 8601, as it is sent. */
  readonly signedAt: string;
}

/** The bytes that are signed: lines of UTF-8, in this order. */
export function provisioningBytes(signed: SignedProvisioning): Uint8Array {
  const { keyId, deviceId, secret, worldType, sessionKey, signedAt } = signed;
  const lines = [
    'yggdrasil device provisioning',
    keyId,
    deviceId,
    secret,
    worldType,
    sessionKey ?? '',
    signedAt,
  ];
  return new TextEncoder().encode(lines.join('\n'));
}
