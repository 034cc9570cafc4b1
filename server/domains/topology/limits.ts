/** What is counted of a device's trouble is half as much after so long, in milliseconds. */
export const TROUBLE_HALF_LIFE_MS = 5 * 60_000;

/** So many refusals and new connections within some minutes, and a device is failing. */
export const FAILING_COUNT = 5;

/** Devices whose trouble is known: of more, the one that had none for longest is forgotten. */
export const TROUBLED_MAX = 50_000;

/** Devices that are read together for the health of a network. */
export const READ_TOGETHER = 1_000;

/** Names of each list that are shown, those of most devices first. */
export const CAPABILITIES_SHOWN_MAX = 200;

/** Who follows networks at the same time, and changes that wait for one of them. */
export const FOLLOW_LIMITS = { perAccountMax: 8, perTenantMax: 32, max: 1_000, waitingMax: 1_000 };
