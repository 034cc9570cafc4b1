/** Retained messages of one network: a large home has some thousand. */
export const RETAINED_MESSAGES_MAX = 100_000;
/** Bytes of them, topics and payloads: they are in memory while a device of the network is connected. */
export const RETAINED_BYTES_MAX = 67_108_864;
/** Bytes of those of all networks of one tenant that are in use. */
export const TENANT_RETAINED_BYTES_MAX = 268_435_456;
/** Subscriptions of all lasting sessions of one network. */
export const NETWORK_SUBSCRIPTIONS_MAX = 100_000;
/** Sessions of one network: MQTT 5 keeps those that have nothing in them, too, and a client chooses its ids. */
export const NETWORK_SESSIONS_MAX = 10_000;
/** Bytes of a will's message: it comes with CONNECT, of which 4,096 bytes are read before anybody has signed in. */
export const WILL_BYTES_MAX = 2_048;
/** Rows of one transaction for each kind of change: more wait for the next. */
export const BATCH_ROWS_MAX = 5_000;
/** How long a tree stays in memory after its last client left, in milliseconds. */
export const TREE_IDLE_MS = 30_000;
