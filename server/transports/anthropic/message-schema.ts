import { z } from 'zod';
import { CONTENT_PARTS_MAX, MESSAGES_MAX, STOPS_MAX, TOOLS_MAX } from '../chat/limits.ts';

/** Parts of the text kind: what a block has beside its text (`cache_control`, `citations`) asks for nothing that is served. */
const textBlock = z.looseObject({ type: z.literal('text'), text: z.string() });
const textBlocks = z.union([z.string(), z.array(textBlock).max(CONTENT_PARTS_MAX)]);

/** Whether it is an image is seen where it is checked as a part of a chat. */
const imageBlock = z.looseObject({
  type: z.literal('image'),
  source: z.discriminatedUnion('type', [
    z.object({ type: z.literal('base64'), media_type: z.string().max(64), data: z.string() }),
    z.object({ type: z.literal('url'), url: z.string() }),
  ]),
});

const userBlock = z.discriminatedUnion('type', [
  textBlock,
  imageBlock,
  z.looseObject({
    type: z.literal('tool_result'),
    tool_use_id: z.string().max(128),
    content: z
      .union([
        z.string(),
        z.array(z.discriminatedUnion('type', [textBlock, imageBlock])).max(CONTENT_PARTS_MAX),
      ])
      .nullish(),
    is_error: z.boolean().nullish(),
  }),
]);
const assistantBlock = z.discriminatedUnion('type', [
  textBlock,
  z.looseObject({
    type: z.literal('tool_use'),
    id: z.string().max(128),
    name: z.string(),
    input: z.record(z.string(), z.unknown()),
  }),
  z.looseObject({ type: z.literal('thinking'), thinking: z.string() }),
  // Sealed by another server: nobody here can read it.
  z.looseObject({ type: z.literal('redacted_thinking') }),
]);

const userBlocks = z.array(userBlock).max(CONTENT_PARTS_MAX);
const assistantBlocks = z.array(assistantBlock).max(CONTENT_PARTS_MAX);

/** One message of a conversation. */
export const messageParamSchema = z.discriminatedUnion('role', [
  z.object({ role: z.literal('user'), content: z.union([z.string(), userBlocks]) }),
  z.object({ role: z.literal('assistant'), content: z.union([z.string(), assistantBlocks]) }),
]);

/** One whose content is blocks: says which of them is wrong, where a choice between text and blocks can't. */
export const messageOfBlocksSchema = z.discriminatedUnion('role', [
  z.object({ role: z.literal('user'), content: userBlocks }),
  z.object({ role: z.literal('assistant'), content: assistantBlocks }),
]);

const tool = z.looseObject({
  // The tools that Anthropic runs itself have types of their own.
  type: z.literal('custom', 'only tools of your own are served').nullish(),
  name: z.string().min(1).max(128),
  description: z.string().nullish(),
  input_schema: z.looseObject({ type: z.literal('object') }),
});

const toolChoice = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['auto', 'any']), disable_parallel_tool_use: z.boolean().nullish() }),
  z.object({
    type: z.literal('tool'),
    name: z.string(),
    disable_parallel_tool_use: z.boolean().nullish(),
  }),
  z.object({ type: z.literal('none') }),
]);

/** What the prompt of a message is made of: all that `count_tokens` takes. */
export const promptSchema = z.strictObject({
  model: z.string().min(1).max(128),
  messages: z.array(messageParamSchema).min(1).max(MESSAGES_MAX),
  system: textBlocks.nullish(),
  tools: z.array(tool).max(TOOLS_MAX).nullish(),
  tool_choice: toolChoice.nullish(),
  thinking: z
    .union([
      z.looseObject({ type: z.literal('enabled'), budget_tokens: z.int().min(1) }),
      z.looseObject({ type: z.enum(['disabled', 'adaptive']) }),
    ])
    .nullish(),
  output_config: z
    .looseObject({
      effort: z.string().max(32).nullish(),
      format: z.looseObject({ type: z.literal('json_schema'), schema: z.looseObject({}) }).nullish(),
    })
    .nullish(),
});

/**
 * What of Anthropic's request for a message is served: https://docs.claude.com/en/api/messages. What is not listed is
 * refused by name, so that nobody waits for an effect that doesn't come.
 */
export const messageRequestSchema = promptSchema.extend({
  max_tokens: z.int().min(1),
  stream: z.boolean().nullish(),
  temperature: z.number().min(0).max(1).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_k: z.int().min(0).nullish(),
  stop_sequences: z.array(z.string()).max(STOPS_MAX).nullish(),
  // Taken and left here.
  metadata: z.looseObject({}).nullish(),
  service_tier: z.enum(['auto', 'standard_only'], 'there are no tiers of service').nullish(),
});

/** A request for a message, checked. */
export type MessageRequest = z.output<typeof messageRequestSchema>;
/** A prompt, checked. */
export type Prompt = z.output<typeof promptSchema>;
/** A message of a conversation, checked. */
export type MessageParam = z.output<typeof messageParamSchema>;
