/** Descriptors kept for all that is no client: log, files, timers of the runtime, programs being started. */
export const RESERVED_DESCRIPTORS = 150;
/** What is taken for the process's limit where the system doesn't say: the usual one of a shell. */
export const DESCRIPTORS_UNKNOWN = 1_024;
/** The fewest connections a server can work with. */
export const CONNECTIONS_MIN = 32;
/** Of all connections, the part that may not have said yet who they are, from one address: others find room. Also of requests. */
export const ADDRESS_PART = 1 / 2;
/** Of the requests over HTTP that can be under way, the part one tenant may have: the rest is always there for others. */
export const TENANT_PART = 3 / 4;
/**
 * A tenant's devices may have so many times the connections that no known device has: three quarters of all while it is alone,
 * and however many do the same, a part stays for the next (dynamic thresholds, as in `FairQueue`).
 */
export const TENANT_TIMES_FREE = 3;
/** Of the requests that can be under way over HTTP, the part of one principal: its tenant's others find room. */
export const PRINCIPAL_PART = 1 / 2;
/** Of all connections, the part that HTTP requests may take: devices find room. */
export const HTTP_PART = 1 / 2;
/** Connections of one device: it needs one, and a few that it hasn't noticed are dead. */
export const DEVICE_CONNECTIONS_MAX = 8;
/** Once HTTP has so much of all connections, or few are left, its connections end with their next answer. */
export const HTTP_TIGHT_PART = 1 / 8;
export const TIGHT_PART = 9 / 10;
/** How often it is looked from where the connections for HTTP are, while they are many, in milliseconds. */
export const ADDRESSES_INTERVAL_MS = 1_000;
/** The log tells of connections that were cut or refused at most once in so many milliseconds. */
export const REPORT_INTERVAL_MS = 1_000;
/** With fewer descriptors left than this, listeners rest; with twice as many they go on. */
export const SPARE_DESCRIPTORS = 8;
/** How often it is looked whether there are any, in milliseconds: as long may a listener turn in circles. */
export const DESCRIPTORS_INTERVAL_MS = 500;
