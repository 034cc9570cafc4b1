import { z } from 'zod';

const usageSchema = z.object({
  prompt_tokens: z.int().nonnegative(),
  completion_tokens: z.int().nonnegative(),
});

/** What we read of a `chat.completion.chunk`; endpoints add much and leave out more. */
const chunkSchema = z.object({
  choices: z
    .array(
      z.object({
        delta: z.object({ content: z.string().nullish() }).nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  usage: usageSchema.nullish(),
  error: z.unknown().optional(),
});

/** The same for an answer in one piece, from endpoints that don't stream. */
const completionSchema = z.object({
  choices: z
    .array(
      z.object({ message: z.object({ content: z.string().nullish() }), finish_reason: z.string().nullish() }),
    )
    .min(1),
  usage: usageSchema.nullish(),
});

/** What an endpoint counted. */
export interface TokenUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** A piece of an answer. */
export interface CompletionChunk {
  readonly text: string;
  readonly finishReason: string | null;
  readonly usage: TokenUsage | null;
}

/** An endpoint's answer that isn't one. */
export class MalformedAnswerError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MalformedAnswerError';
  }
}

/** An endpoint that says itself that it failed. */
export class EndpointFailedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'EndpointFailedError';
  }
}

/** The data of one event. Throws `MalformedAnswerError`, or `EndpointFailedError` for an error inside the stream. */
export function parseCompletionChunk(data: string): CompletionChunk {
  const chunk = parse(chunkSchema, data);
  if (chunk.error !== undefined && chunk.error !== null) {
    throw new EndpointFailedError('the endpoint reported an error in its stream');
  }
  const choice = chunk.choices?.[0];
  return {
    text: choice?.delta?.content ?? '',
    finishReason: choice?.finish_reason ?? null,
    usage: tokenUsage(chunk.usage),
  };
}

/** An answer in one piece. Throws `MalformedAnswerError`. */
export function parseCompletion(body: string): CompletionChunk {
  const { choices, usage } = parse(completionSchema, body);
  return {
    text: choices[0]?.message.content ?? '',
    finishReason: choices[0]?.finish_reason ?? 'stop',
    usage: tokenUsage(usage),
  };
}

function tokenUsage(usage: z.infer<typeof usageSchema> | null | undefined): TokenUsage | null {
  return usage ? { promptTokens: usage.prompt_tokens, completionTokens: usage.completion_tokens } : null;
}

function parse<Schema extends z.ZodType>(schema: Schema, text: string): z.infer<Schema> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new MalformedAnswerError('the endpoint sent something that is not JSON');
  }
  const result = schema.safeParse(json);
  if (!result.success) throw new MalformedAnswerError('the endpoint sent something that is not a completion');
  return result.data;
}
