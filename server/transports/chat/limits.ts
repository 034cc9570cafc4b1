/** Bytes of a request as it arrives: what a request's body may have, and its envelope. What goes to a provider is bounded again. */
export const BODY_BYTES_MAX = 8 * 1_024 * 1_024 + 65_536;
/** Tools of a request, as many as OpenAI takes. */
export const TOOLS_MAX = 128;
/** Messages of a conversation. */
export const MESSAGES_MAX = 2_000;
/** Parts of a message's content. */
export const CONTENT_PARTS_MAX = 1_000;
/** Texts that end an answer: OpenAI takes 4, other endpoints and Anthropic's clients more. */
export const STOPS_MAX = 16;
/** Tool calls of a message. */
export const TOOL_CALLS_MAX = 128;
/** Pairs of `metadata`, as many as OpenAI takes. */
export const METADATA_MAX = 16;
/** Characters of a refusal that name the place of what is wrong. */
export const PLACE_CHARACTERS_MAX = 256;
/** Objects and lists inside each other: a tool's schema has a few dozen. Thousands would exhaust the stack. */
export const LEVELS_MAX = 128;
/**
 * Values, names, objects and lists of a request: ten times what the longest conversation with all its tools has. A body of
 * 8 MiB could hold millions, each of which takes time and memory of its own.
 */
export const VALUES_MAX = 250_000;
/** Providers that a request may name in one of its preferences. */
export const PROVIDERS_NAMED_MAX = 64;
/** Milliseconds for which the answer to an official client is kept, should it ask again: as long as such a client waits for one. */
export const RETRIED_KEPT_MS = 600_000;
/** Bytes of such answers of one account, */
export const RETRIED_BYTES_OF_ACCOUNT_MAX = 4 * 1_024 * 1_024;
/** and of all together. */
export const RETRIED_BYTES_MAX = 64 * 1_024 * 1_024;
/** Answers to one request, of all its prompts together, as many as OpenAI gives to one prompt. */
export const CHOICES_MAX = 128;
/** Likely tokens that are told beside each, as many as OpenAI tells. */
export const TOP_LOGPROBS_MAX = 20;
/** Fields of a request that are not known here: what a provider declares at most. */
export const EXTRA_FIELDS_MAX = 64;
/** Characters of the address of an image. */
export const IMAGE_URL_CHARACTERS_MAX = 8_192;
/** Tokens that an image is counted as: what OpenAI's models make of 1024 by 1536 dots, the most for most pictures; */
export const IMAGE_TOKENS = 1_105;
/** and of one of which no details are wanted. */
export const IMAGE_TOKENS_LOW = 85;
/** Bytes of sound that are counted as a token: 16 a second of MP3 at 128 kbit/s, 31 of speech without compression. */
export const AUDIO_BYTES_PER_TOKEN = 1_024;
/** Milliseconds for which an answer that outlives its requester is kept when it has ended. */
export const LASTING_KEPT_MS = 3_600_000;
/** Such answers of one account that are at work at a time. */
export const LASTING_OF_ACCOUNT_MAX = 64;
/** Such answers of one account that are kept. */
export const LASTING_KEPT_OF_ACCOUNT_MAX = 1_000;
/** Bytes of such answers of one account, */
export const LASTING_BYTES_OF_ACCOUNT_MAX = 16 * 1_024 * 1_024;
/** and of all together, above which whoever has most gives up first. */
export const LASTING_BYTES_MAX = 128 * 1_024 * 1_024;
/** Characters of which tools may be called, as JSON: the names of `TOOLS_MAX` tools. */
export const TOOL_CHOICE_CHARACTERS_MAX = 16_384;
