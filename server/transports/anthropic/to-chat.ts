import { z } from 'zod';
import { invalidInput } from '../../kernel/errors.ts';
import type { HttpRequest } from '../../platform/http/types.ts';
import type { ChatRequest } from '../chat/chat-schema.ts';
import { effortOfTokens } from '../chat/effort.ts';
import { MESSAGES_MAX } from '../chat/limits.ts';
import { withoutNothing } from '../chat/neutral-values.ts';
import { checked, checkedChat, readChatJson, requireWholeCharacters } from '../chat/read-chat-request.ts';
import {
  type MessageParam,
  type MessageRequest,
  messageOfBlocksSchema,
  messageParamSchema,
  messageRequestSchema,
  type Prompt,
  promptSchema,
} from './message-schema.ts';

/** A request for a message, and the chat that asks for the same. Refuses as `readChatJson` does, and with `invalid_input`. */
export function readMessageRequest(request: HttpRequest): {
  readonly message: MessageRequest;
  readonly chat: ChatRequest;
} {
  const message = read(messageRequestSchema, request);
  const { max_tokens, stream, temperature, top_p, top_k, stop_sequences: stop } = message;
  const chat = { ...promptChat(message), max_tokens, stream, temperature, top_p, top_k, stop };
  return { message, chat: checkedChat(chat) };
}

/** The chat whose prompt is to be counted. Refuses as `readMessageRequest` does. */
export function readPrompt(request: HttpRequest): ChatRequest {
  return checkedChat(promptChat(read(promptSchema, request)));
}

/** Messages are checked one by one: all together would list what is wrong with each before the first is told. */
function read<Schema extends typeof promptSchema>(schema: Schema, request: HttpRequest): z.output<Schema> {
  const envelope = schema.extend({ messages: z.array(z.unknown()).min(1).max(MESSAGES_MAX) });
  const served = new Set(Object.keys(schema.shape));
  const body = readChatJson(request);
  requireNoThread(body);
  const { messages, ...rest } = checked(envelope, withoutNothing(body, served), []);
  const message = {
    ...rest,
    messages: messages.map((message, index) => checked(schemaOf(message), message, ['messages', index])),
  };
  requireWholeCharacters(body);
  return message as z.output<Schema>;
}

/** Refuses with `invalid_input` what asks for a conversation that is kept here: official clients begin one when they run tools. */
function requireNoThread(body: unknown): void {
  const thread = (body as { thread?: unknown } | null)?.thread;
  if (thread === undefined || thread === null) return;
  const details = { param: 'thread', isThread: true };
  throw invalidInput('thread: conversations are not stored. Send all of its messages.', details);
}

function schemaOf(message: unknown) {
  const content = (message as { content?: unknown } | null)?.content;
  return Array.isArray(content) ? messageOfBlocksSchema : messageParamSchema;
}

function promptChat({ model, messages, system, tools, tool_choice, thinking, output_config }: Prompt) {
  const instructions = system ? textOf(system) : '';
  const parallel = tool_choice && 'disable_parallel_tool_use' in tool_choice;
  const format = output_config?.format;
  return {
    model,
    messages: [
      ...(instructions === '' ? [] : [{ role: 'system', content: instructions }]),
      ...messages.flatMap(chatMessages),
    ],
    tools: tools?.map(({ name, description, input_schema: parameters }) => ({
      type: 'function',
      function: { name, ...(description ? { description } : {}), parameters },
    })),
    tool_choice: tool_choice ? chatToolChoice(tool_choice) : null,
    parallel_tool_calls: parallel && tool_choice.disable_parallel_tool_use ? false : null,
    reasoning_effort: output_config?.effort ?? effortOf(thinking),
    response_format: format
      ? { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema: format.schema } }
      : null,
  };
}

/**
 * One message of Anthropic's may be several of OpenAI's: the results of tools are messages of their own. Those are texts alone, so the
 * images that tools gave stand in the message behind them.
 */
function chatMessages({ role, content }: MessageParam): object[] {
  if (typeof content === 'string') return [{ role, content }];
  if (role === 'assistant') return [assistantMessage(content)];
  const given = content.filter((block) => block.type === 'tool_result');
  const results = given.map((block) => ({
    role: 'tool',
    tool_call_id: block.tool_use_id,
    content: resultText(block),
  }));
  const parts = [...given.flatMap(imagesOf), ...content.flatMap(chatPart)];
  const texts = parts.flatMap((part) => (part.type === 'text' ? [part.text] : []));
  const said = texts.length === parts.length ? texts.join('') : parts;
  return parts.length === 0 ? results : [...results, { role, content: said }];
}

type UserBlock = Exclude<Extract<MessageParam, { role: 'user' }>['content'], string>[number];
type ChatPart = { type: 'text'; text: string } | { type: 'image_url'; image_url: { url: string } };

/** A block as a part of a chat's message, where it is one. */
function chatPart(block: UserBlock): ChatPart[] {
  if (block.type === 'text') return [{ type: 'text', text: block.text }];
  return block.type === 'image' ? [{ type: 'image_url', image_url: { url: imageUrlOf(block.source) } }] : [];
}

type ToolResult = Extract<UserBlock, { type: 'tool_result' }>;

const imagesOf = ({ content }: ToolResult): ChatPart[] =>
  typeof content === 'string'
    ? []
    : (content ?? []).flatMap((block) => (block.type === 'image' ? chatPart(block) : []));

type ImageSource = { type: 'url'; url: string } | { type: 'base64'; media_type: string; data: string };

function imageUrlOf(source: ImageSource): string {
  return source.type === 'url' ? source.url : `data:${source.media_type};base64,${source.data}`;
}

function assistantMessage(content: Exclude<Extract<MessageParam, { role: 'assistant' }>['content'], string>) {
  const calls = content.flatMap((block) =>
    block.type === 'tool_use'
      ? [
          {
            id: block.id,
            type: 'function',
            function: { name: block.name, arguments: JSON.stringify(block.input) },
          },
        ]
      : [],
  );
  const text = content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  const thought = content.map((block) => (block.type === 'thinking' ? block.thinking : '')).join('');
  return {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    ...(thought === '' ? {} : { reasoning_content: thought }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
}

/** What a tool gave, in words. OpenAI's form has no mark for a failure, so it is told, and no result without a text. */
function resultText({ content, is_error: isError }: ToolResult): string {
  const blocks = typeof content === 'string' ? [] : (content ?? []);
  const texts =
    typeof content === 'string' ? content : textOf(blocks.filter((block) => block.type === 'text'));
  const text = texts === '' && blocks.some(({ type }) => type === 'image') ? 'An image follows.' : texts;
  return isError ? `Error: ${text}` : text;
}

function textOf(content: string | readonly { readonly text: string }[]): string {
  return typeof content === 'string' ? content : content.map(({ text }) => text).join('');
}

function chatToolChoice(choice: NonNullable<Prompt['tool_choice']>): string | object {
  switch (choice.type) {
    case 'tool':
      return { type: 'function', function: { name: choice.name } };
    case 'any':
      return 'required';
    default:
      return choice.type;
  }
}

function effortOf(thinking: Prompt['thinking']): string | null {
  if (thinking?.type !== 'enabled') return null;
  return effortOfTokens((thinking as { budget_tokens: number }).budget_tokens);
}
