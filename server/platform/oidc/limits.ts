/** How long an issuer has for one answer, in seconds. */
export const ISSUER_TIMEOUT_SECONDS = 10;

/** What an issuer says of itself is asked again after so long, in milliseconds: keys and addresses change seldom. */
export const DISCOVERY_LIFE_MS = 3_600_000;
