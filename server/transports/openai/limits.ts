/** Bytes of a request as it arrives: what a request's body may have, and its envelope. What goes to a provider is bounded again. */
export const BODY_BYTES_MAX = 8 * 1_024 * 1_024 + 65_536;
/** Tools of a request, as many as OpenAI takes. */
export const TOOLS_MAX = 128;
/** Messages of a conversation. */
export const MESSAGES_MAX = 2_000;
