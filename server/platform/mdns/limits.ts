/** How often the addresses of the machine are compared with those that were announced, in milliseconds. */
export const ADDRESSES_LOOKED_AT_MS = 30_000;

/** How long a stop waits until the network was told, in milliseconds. */
export const GOODBYE_TIMEOUT_MS = 500;
