/** The subprotocol that both ends must name in the WebSocket handshake. */
export const SUBPROTOCOL = 'bifrost.v1';
/** From the first packet to WELCOME; a server that needs longer is taken for dead. */
export const WELCOME_TIMEOUT_MS = 10_000;
/** Acknowledgements are cumulative: one for all frames of this time, so that a burst costs one frame. */
export const ACKNOWLEDGE_DELAY_MS = 50;
/** Or for this many frames, whichever comes first. */
export const ACKNOWLEDGE_FRAMES_MAX = 100;
/** A PING after this share of the server's heartbeat interval without a frame: one lost PING is not yet silence. */
export const PING_INTERVAL_SHARE = 0.4;
/** First delay after a reconnect that failed; doubles from there. */
export const RECONNECT_DELAY_MS = 250;
/** The longest delay between two tries. */
export const RECONNECT_DELAY_MS_MAX = 30_000;
/** A session that held this long was a good one: the next reconnect is immediate again. */
export const STABLE_SESSION_MS = 5_000;
/** STORED frames that wait for their acknowledgement; more are refused with `outbox_full`. */
export const OUTBOX_FRAMES_MAX = 1_000;
/** Their payloads together. */
export const OUTBOX_BYTES_MAX = 33_554_432;
/** Bytes that wait in the socket before a TRANSIENT frame is given up instead of queued. */
export const SOCKET_BUFFER_BYTES_MAX = 4_194_304;
/** Header, tags and signature of a frame, at most: what a payload must leave free of FRAME_BYTES_MAX. */
export const FRAME_OVERHEAD_BYTES_MAX = 256;
/** How long a command may take, transport and execution, unless the caller says otherwise. */
export const COMMAND_TIMEOUT_MS = 10_000;
/** How long a question to another device stays open, unless the caller says otherwise. */
export const ASK_WAIT_MS = 60_000;
/** How much longer its answer may take to arrive. */
export const ANSWER_MARGIN_MS = 5_000;
/** How long the server may take to answer a request that isn't stored (an offer). */
export const REQUEST_TIMEOUT_MS = 10_000;
/** How often a frame is sent again with a higher nonce because another program of the device was ahead. */
export const REPLAYS_MAX = 8;
/** How often a witness looks at the audit log by itself. */
export const WITNESS_INTERVAL_MS = 600_000;
/** How long the server may take to begin the answer to a request of Ratatoskr, unless the caller says otherwise. */
export const SESSION_REQUEST_TIMEOUT_MS = 30_000;
/** How long an action may take until its end, unless the caller says otherwise. */
export const ACTION_TIMEOUT_MS = 60_000;
/** Events of an action that may be on their way to who asked, beyond those that were taken. */
export const ACTION_CREDIT = 64;
/** Actions that wait for their turn at a device. */
export const ACTIONS_QUEUED_MAX = 64;
/** Actions that a device knows again, of those that have ended the last ones: the server gives few at a time. */
export const ACTIONS_KNOWN_MAX = 256;
/** When a report that could not be kept is sent again. */
export const ACTION_RETRY_MS = 1_000;
/** Devices whose keys are kept: of more, none is taken, since forgetting one would let the server say another. */
export const KNOWN_PEERS_MAX = 20_000;
/** Devices of which is kept whether they have a key, the first ones forgotten first. */
export const PEERS_WITHOUT_KEY_MAX = 4_096;
/** When a device that had no key is asked for one again. */
export const PEERS_WITHOUT_KEY_MS = 60_000;
/** Frames that are sealed under one key before there is a new one: who learns that key reads no more. */
export const SEALED_FRAMES_MAX = 10_000;
/** Devices that are asked as one: no more than the server takes of one who asks, with room for others. */
export const ACTIONS_TOGETHER_MAX = 100;
