/** What a device's signing key is bound to where it is kept. */
export const signingKeyContext = (tenantId: string, deviceId: string) =>
  `devices|signing_key|${tenantId}|${deviceId}`;

/** What the credentials of a claimed device are bound to until it fetches them. */
export const claimContext = (claimId: string) => `devices|claim|${claimId}`;

/** What the credentials of a device that registered itself are bound to while they are kept for its retry. */
export const bootstrapContext = (keyId: string, hardwareId: string) =>
  `devices|bootstrap|${keyId}|${hardwareId}`;
