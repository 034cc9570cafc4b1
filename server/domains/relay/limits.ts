/** Frames written in one transaction: enough to hide a commit's latency, few enough to keep it in milliseconds. */
export const BATCH_FRAMES_MAX = 500;
/** Frames of one transaction while several tenants store: a frame waits for the transaction before its own, whoever fills it. */
export const SHARED_BATCH_FRAMES_MAX = 64;
/** For how long after another tenant's frame transactions stay that small, in milliseconds. */
export const SHARED_BATCHES_MS = 1_000;
/** The longest pause of a tenant that fills transactions alone meanwhile, in milliseconds: a slow disk is no reason for more. */
export const REST_MAX_MS = 50;
/** Content of the frames that are written in one transaction, but for one frame: what the statement takes in memory. */
export const BATCH_BYTES_MAX = 4 * 1024 * 1024;
/** How often a batch is written that meets a network which is being removed: once more for each one removed at that moment. */
export const APPEND_ATTEMPTS_MAX = 5;

/**
 * Frames that may wait to be stored; of one tenant's devices at most as many as there is room left. Past it senders are
 * refused with `unavailable` rather than memory growing.
 */
export const WAITING_FRAMES_MAX = 20_000;

/** Bytes that may wait to be stored, shared in the same way. */
export const WAITING_BYTES_MAX = 64 * 1024 * 1024;

/** TRANSIENT frames of a device to somebody who isn't there that are looked into at a time; others go unanswered. */
export const QUESTIONS_MAX = 16;

/** What a stored frame counts beside its content: about what its row and its places in three indexes take on the disk. */
export const STORED_FRAME_BYTES = 256;
/** Frames removed in one transaction: enough to be done soon, few enough not to keep the stream's writer waiting. */
export const REMOVED_FRAMES_MAX = 1_000;

/** Frames read from the stream at a time, */
export const PAGE_FRAMES_MAX = 256;
/** and bytes of them, but for one frame: what a device can have unacknowledged. */
export const PAGE_BYTES_MAX = 1024 * 1024;

/** When the stream can't be read: the first pause before it is tried again, which doubles, */
export const READ_RETRY_MS = 250;
/** and how often in a row. Together 16 s, enough for a database that starts again. */
export const READ_RETRIES_MAX = 6;

/** Of how many STORED frames to a device one is timed until it is acknowledged. */
export const TIMED_FRAMES = 64;

/** Unacknowledged bytes a device can have: beyond, it reads from the stream when it has acknowledged. */
export const WINDOW_BYTES_MAX = 1024 * 1024;

/** Frames signed at a time: a multiple of the four lanes, and what the core's batch holds. */
export const BATCH_SIGNATURES_MAX = 64;
/** From how many receivers on one frame is signed in a batch: lanes that stay empty cost as much as full ones. */
export const SAME_FRAME_BATCH_MIN = 4;
/** From how many on different frames are: each has to be copied to where the core reads it. */
export const MIXED_BATCH_MIN = 8;

/** Devices whose state is read together when they connect at the same time: some milliseconds of the database. */
export const CONNECTING_MAX = 500;
