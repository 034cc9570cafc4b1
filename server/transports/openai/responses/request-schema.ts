import { z } from 'zod';
import { effortFields, effortOf } from '../../chat/effort.ts';
import { CONTENT_PARTS_MAX, MESSAGES_MAX, METADATA_MAX, TOOLS_MAX } from '../../chat/limits.ts';

const inputText = z.object({ type: z.literal('input_text'), text: z.string() });
// An answer comes back as history, with whatever it had.
const outputPart = z.discriminatedUnion('type', [
  z.object({ type: z.literal('output_text'), text: z.string() }),
  z.object({ type: z.literal('refusal'), refusal: z.string() }),
]);
const inputImage = z.object({
  type: z.literal('input_image'),
  image_url: z.string('files are not stored: give the image, or its address'),
  detail: z.enum(['auto', 'low', 'high']).nullish(),
});
const inputContent = z.union([z.string(), z.array(inputText).max(CONTENT_PARTS_MAX)]);
const userContent = z.union([
  z.string(),
  z.array(z.discriminatedUnion('type', [inputText, inputImage])).max(CONTENT_PARTS_MAX),
]);
const outputContent = z.union([z.string(), z.array(outputPart).max(CONTENT_PARTS_MAX)]);

const message = z.discriminatedUnion('role', [
  z.object({
    type: z.literal('message').optional(),
    role: z.enum(['system', 'developer']),
    content: inputContent,
  }),
  z.object({
    type: z.literal('message').optional(),
    role: z.literal('user'),
    content: userContent,
  }),
  z.object({
    type: z.literal('message').optional(),
    role: z.literal('assistant'),
    content: outputContent,
  }),
]);

const otherItem = z.discriminatedUnion('type', [
  // An item of a response that is kept.
  z.object({ type: z.literal('item_reference'), id: z.string().max(256) }),
  z.object({
    type: z.literal('function_call'),
    call_id: z.string().max(128),
    name: z.string(),
    arguments: z.string(),
  }),
  z.object({
    type: z.literal('function_call_output'),
    call_id: z.string().max(128),
    output: inputContent,
  }),
  z.object({
    type: z.literal('reasoning'),
    summary: z.array(z.looseObject({ text: z.string() })).max(CONTENT_PARTS_MAX),
    content: z
      .array(z.looseObject({ text: z.string() }))
      .max(CONTENT_PARTS_MAX)
      .nullish(),
  }),
]);

/** One item of a conversation: a message, a call of a tool, what it gave, what was thought, or one of these by its id. */
export const inputItemSchema = z.union([message, otherItem]);
/** A message; says what is wrong with it, where a choice among all items can't. */
export const inputMessageSchema = message;
/** An item that is no message; as `inputMessageSchema`. */
export const otherItemSchema = otherItem;

const tool = z.looseObject({
  type: z.literal('function', 'only functions of your own are served'),
  name: z.string().min(1).max(128),
  description: z.string().nullish(),
  parameters: z.looseObject({}).nullish(),
  strict: z.boolean().nullish(),
});

const textFormat = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['text', 'json_object']) }),
  z.object({
    type: z.literal('json_schema'),
    name: z.string(),
    schema: z.looseObject({}),
    description: z.string().nullish(),
    strict: z.boolean().nullish(),
  }),
]);

/**
 * What of OpenAI's request for a response is served: https://platform.openai.com/docs/api-reference/responses/create. What
 * is not listed is refused by name, so that nobody waits for an effect that doesn't come.
 */
export const responseRequestSchema = z.strictObject({
  model: z.string().min(1).max(128),
  input: z.union([z.string(), z.array(inputItemSchema).min(1).max(MESSAGES_MAX)]),
  instructions: z.string().nullish(),
  max_output_tokens: z.int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  tools: z.array(tool).max(TOOLS_MAX).nullish(),
  tool_choice: z
    .union([
      z.enum(['none', 'auto', 'required']),
      z.object({ type: z.literal('function'), name: z.string() }),
    ])
    .nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  reasoning: z
    .looseObject({ ...effortFields, summary: z.string().nullish() })
    .transform((reasoning) => ({ effort: effortOf(reasoning) }))
    .nullish(),
  text: z.looseObject({ format: textFormat.nullish(), verbosity: z.string().max(32).nullish() }).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_obfuscation: z.boolean().nullish() }).nullish(),
  // The response that the conversation goes on from: its input and its output come before this input.
  previous_response_id: z.string().max(256).nullish(),
  // False: this response is not kept.
  store: z.boolean().nullish(),
  // Worked on without whoever asked, who comes back for it.
  background: z.boolean().nullish(),
  // Nothing is left out of a conversation, which `auto` allows and doesn't ask for.
  truncation: z.enum(['auto', 'disabled']).nullish(),
  // Of tools that OpenAI runs itself.
  max_tool_calls: z.int().min(1).nullish(),
  include: z.array(z.literal('reasoning.encrypted_content', 'it is not served')).nullish(),
  top_logprobs: z.literal(0, 'log probabilities are not served').nullish(),
  service_tier: z.enum(['auto', 'default'], 'there are no tiers of service').nullish(),
  metadata: z
    .record(z.string().max(64), z.string().max(512))
    .refine((pairs) => Object.keys(pairs).length <= METADATA_MAX, `at most ${METADATA_MAX} pairs`)
    .nullish(),
  // Taken and left here: they say something about the requester, which is nobody else's business.
  user: z.string().nullish(),
  safety_identifier: z.string().nullish(),
  prompt_cache_key: z.string().nullish(),
  prompt_cache_retention: z.string().nullish(),
});

/** A request for a response, checked. */
export type ResponseRequest = z.output<typeof responseRequestSchema>;
/** An item as whoever asks gives it, checked. */
export type GivenItem = z.output<typeof inputItemSchema>;
/** An item of a conversation, checked, as it is. */
export type InputItem = Exclude<GivenItem, { readonly type: 'item_reference' }>;
