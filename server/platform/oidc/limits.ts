/** How long an issuer has for one answer, in seconds. */
export const ISSUER_TIMEOUT_SECONDS = 10;

/** A client secret that is signed is good for so long, in seconds: it is used at once. */
export const SIGNED_SECRET_SECONDS = 300;

/** What an issuer says of itself is asked again after so long, in milliseconds: keys and addresses change seldom. */
export const DISCOVERY_LIFE_MS = 3_600_000;
