/** The version of the protocol that this code speaks. */
export const RATATOSKR_VERSION = 1;
/** The extension with which a session can be resumed: a bit of the client's features. */
export const RESUMPTION_FEATURE = 1;
/** The extension with which each operation is asked for under the type of its area. */
export const TYPES_FEATURE = 2;
/** The extension with which requests say when they were sent. */
export const TIMES_FEATURE = 4;
/** The extension with which payloads are signed but not encrypted once the session is open. */
export const CLEAR_FEATURE = 8;
/** The extension with which a device signs what moves money. */
export const SIGNATURES_FEATURE = 16;
/** The extension with which a client solves a puzzle before keys are agreed, where the server asks for it. */
export const PUZZLES_FEATURE = 32;
/** The subprotocol that both ends name when the WebSocket opens. */
export const RATATOSKR_SUBPROTOCOL = 'ratatoskr.v1';
/** Noise, revision 34, section 3: no message is longer. */
export const NOISE_MESSAGE_BYTES_MAX = 65_535;
/** RFC 8439: the tag behind a ciphertext. */
export const AEAD_TAG_BYTES = 16;
/** A message on the wire: its payload with type, sequence number and signature around it. */
export const MESSAGE_BYTES_MAX = NOISE_MESSAGE_BYTES_MAX + 64;
/** Input or body in one message; what is longer goes on in STREAM_DATA. Leaves room for the other fields of a message. */
export const PIECE_BYTES_MAX = 49_152;
