/** What a device's signing key is bound to where it is kept. */
export const signingKeyContext = (tenantId: string, deviceId: string) =>
  `devices|signing_key|${tenantId}|${deviceId}`;

/** What the credentials of a claimed device are bound to until it fetches them. */
export const claimContext = (claimId: string) => `devices|claim|${claimId}`;
