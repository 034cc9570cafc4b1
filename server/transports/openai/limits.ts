/** Bytes of a request as it arrives; what goes to a provider is bounded again, to one frame. */
export const BODY_BYTES_MAX = 524_288;
/** Messages of a conversation. */
export const MESSAGES_MAX = 2_000;
