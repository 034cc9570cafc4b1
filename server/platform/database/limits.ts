/** Connections of each pool. PostgreSQL's figures flatten at a few connections a core. */
export const POOL_CONNECTIONS_MAX = 10;
/** How long a connection may take, so that an unreachable database is an error and not a wait. */
export const CONNECT_TIMEOUT_MS = 5_000;
/** Milliseconds between two tries to connect again. Only a transaction that waits makes one. */
export const RECONNECT_DELAY_MS = 250;
/**
 * Transactions of a pool that wait for a connection, of one tenant half as many; more are refused, so that a stuck
 * database costs no memory.
 */
export const TRANSACTIONS_WAITING_MAX = 2_000;
/** How long a transaction waits for a connection: past this its caller has better things to do. */
export const ACQUIRE_TIMEOUT_MS = 10_000;
/** A transaction meets a serialization failure or a deadlock this often before the caller hears of it. */
export const TRANSACTION_ATTEMPTS_MAX = 3;
/** Mean wait before the second attempt; before the third it is four times this. */
export const RETRY_DELAY_MS = 10;
/** One statement. The longest of ours is a batch of the ledger writer: milliseconds. */
export const STATEMENT_TIMEOUT_MS = 30_000;
/**
 * A transaction that holds locks and does nothing: its owner is gone. Well below a statement's time, so that who waits
 * for those locks gets them: a server that takes over from one that hangs, for one.
 */
export const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000;
/** How soon PostgreSQL ends a statement whose server is gone, and lets go of its locks, instead of working on for nobody. */
export const CLIENT_CHECK_INTERVAL_MS = 1_000;
/** How long a migration waits for another server that migrates the same database. */
export const MIGRATION_LOCK_TIMEOUT_MS = 120_000;
/** Oldest PostgreSQL that the migrations were run against. */
export const SERVER_VERSION_MIN = 150_000;

/** The embedded database: until it answers. Recovery after a crash reads up to `max_wal_size` (1 GB) of log. */
export const EMBEDDED_START_TIMEOUT_MS = 120_000;
/** Until a database that is being stopped has written its checkpoint. */
export const EMBEDDED_STOP_TIMEOUT_MS = 60_000;
/** A database of the same directory that still answers after this belongs to a server that lives. */
export const EMBEDDED_TAKEOVER_MS = 3_000;
/** Between two looks at whether the embedded database has started or ended. */
export const EMBEDDED_POLL_MS = 20;
/** When it ends by itself: the first pause before it is started again, which doubles; */
export const EMBEDDED_RESTART_PAUSE_MS = 250;
/** the longest pause, after which it is tried for as long as the server lives; */
export const EMBEDDED_RESTART_PAUSE_MAX_MS = 30_000;
/** and how long it must have run for the next end to be the first again. */
export const EMBEDDED_STEADY_MS = 300_000;
/** Connections it admits beside those of both pools: migrations, an operator with psql, PostgreSQL's own reserve of 3. */
export const EMBEDDED_SPARE_CONNECTIONS = 10;
/** Unix socket paths end at 107 bytes (Linux) or 103 (macOS); the socket's file name takes 19 of them. */
export const SOCKET_DIRECTORY_BYTES_MAX = 84;

/** PostgreSQL's log of changes: at most this share of a small disk, */
export const EMBEDDED_LOG_DISK_SHARE = 1 / 8;
/** at least this much, four of its files, */
export const EMBEDDED_LOG_BYTES_MIN = 64 * 1024 * 1024;
/** and never more than PostgreSQL allows it by itself. */
export const EMBEDDED_LOG_BYTES_MAX = 1024 * 1024 * 1024;

/** Between two tries to have the database for this server alone, */
export const EXCLUSIVE_RETRY_MS = 500;
/** and how many there are at the start: 5 s for a server that is ending, and as long again for one that hangs. */
export const EXCLUSIVE_TRIES = 10;
/** What a first start left, older than this in milliseconds, is nobody's any more: making a cluster takes seconds. */
export const UNFINISHED_AGE_MS = 600_000;
/** Scopes that are remembered with their signatures, some 500 bytes each. Forgotten all at once when full. */
export const SIGNED_SCOPES_MAX = 10_000;

/** How many prepared statements of one transaction may be found to be of tables as they were: it is begun anew after each. */
export const STALE_PLANS_MAX = 16;
