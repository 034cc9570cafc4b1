import { z } from 'zod';
import type { HttpRequest } from '../../../platform/http/types.ts';
import type { ChatRequest } from '../../chat/chat-schema.ts';
import { MESSAGES_MAX } from '../../chat/limits.ts';
import { withoutNothing } from '../../chat/neutral-values.ts';
import { checked, checkedChat, readChatJson, requireWholeCharacters } from '../../chat/read-chat-request.ts';
import {
  type GivenItem,
  type InputItem,
  inputMessageSchema,
  otherItemSchema,
  type ResponseRequest,
  responseRequestSchema,
} from './request-schema.ts';

const SERVED: ReadonlySet<string> = new Set(Object.keys(responseRequestSchema.shape));
const envelopeSchema = responseRequestSchema.extend({
  input: z.union([z.string(), z.array(z.unknown()).min(1).max(MESSAGES_MAX)]),
});

/** A request for a response. Refuses as `readChatJson` does, and with `invalid_input`. */
export function readResponseRequest(request: HttpRequest): ResponseRequest {
  const body = readChatJson(request);
  const { input, ...rest } = checked(envelopeSchema, withoutNothing(body, SERVED), []);
  // One by one: all together would list what is wrong with each before the first is told.
  const items =
    typeof input === 'string' ? input : input.map((item, index) => checkedItem(item, ['input', index]));
  requireWholeCharacters(body);
  return { ...rest, input: items };
}

/** An item of a conversation at that place, checked. Refuses with `invalid_input`. */
export function checkedItem(item: unknown, place: readonly PropertyKey[]): GivenItem {
  return checked(schemaOf(item), item, place);
}

/** The chat that asks for the same with this conversation. Refuses with `invalid_input`. */
export function chatOfResponse(asked: ResponseRequest, items: readonly InputItem[]): ChatRequest {
  return checkedChat(chatOf(asked, items));
}

/** An item without a type is a message; one with a role is meant as one. */
function schemaOf(item: unknown) {
  const isMessage = typeof item === 'object' && item !== null && 'role' in item;
  return isMessage ? inputMessageSchema : otherItemSchema;
}

function chatOf(
  { model, instructions, tools, text, reasoning, ...rest }: ResponseRequest,
  items: readonly InputItem[],
): object {
  const { max_output_tokens, temperature, top_p, tool_choice, parallel_tool_calls } = rest;
  const messages = chatMessages(items);
  return {
    model,
    messages: [...(instructions ? [{ role: 'system', content: instructions }] : []), ...messages],
    max_completion_tokens: max_output_tokens,
    temperature,
    top_p,
    tools: tools?.map(({ type: _, name, description, parameters, strict }) => ({
      type: 'function',
      function: withoutNulls({ name, description, parameters, strict }),
    })),
    tool_choice:
      typeof tool_choice === 'object' && tool_choice !== null
        ? { type: 'function', function: { name: tool_choice.name } }
        : tool_choice,
    parallel_tool_calls,
    reasoning_effort: reasoning?.effort,
    verbosity: text?.verbosity,
    response_format: text?.format ? responseFormat(text.format) : null,
  };
}

function responseFormat(format: NonNullable<NonNullable<ResponseRequest['text']>['format']>): object {
  if (format.type !== 'json_schema') return { type: format.type };
  const { name, schema, description, strict } = format;
  return { type: 'json_schema', json_schema: withoutNulls({ name, schema, description, strict }) };
}

/** What of an assistant's turn stands in items of its own is one message in a chat. */
interface Turn {
  role: 'assistant';
  content: string | null;
  reasoning_content?: string;
  tool_calls?: object[];
}

/** The conversation as a chat has it: thought, text and calls that follow each other are one message of the assistant. */
function chatMessages(items: readonly InputItem[]): object[] {
  const messages: object[] = [];
  let turn: Turn | null = null;
  const assistant = (): Turn => {
    if (turn !== null) return turn;
    turn = { role: 'assistant', content: null };
    messages.push(turn);
    return turn;
  };
  for (const item of items) {
    if ('role' in item && item.role === 'assistant') {
      const said = assistant();
      said.content = (said.content ?? '') + textOf(item.content);
    } else if ('role' in item) {
      turn = null;
      messages.push({
        role: item.role,
        content: item.role === 'user' ? userContent(item.content) : textOf(item.content),
      });
    } else if (item.type === 'function_call') {
      const { call_id: id, name, arguments: given } = item;
      const calling = assistant();
      calling.tool_calls = [
        ...(calling.tool_calls ?? []),
        { id, type: 'function', function: { name, arguments: given } },
      ];
    } else if (item.type === 'function_call_output') {
      turn = null;
      messages.push({ role: 'tool', tool_call_id: item.call_id, content: textOf(item.output) });
    } else {
      const thought = textOf(item.content ?? item.summary);
      if (thought === '') continue;
      const thinking = assistant();
      thinking.reasoning_content = (thinking.reasoning_content ?? '') + thought;
    }
  }
  return messages;
}

type UserContent = Extract<InputItem, { role: 'user' }>['content'];

/** What a user says, as a chat has it: as text, unless there is an image in it. */
function userContent(content: UserContent): string | object[] {
  if (typeof content === 'string') return content;
  const texts = content.flatMap((part) => (part.type === 'input_text' ? [part.text] : []));
  if (texts.length === content.length) return texts.join('');
  return content.map((part) =>
    part.type === 'input_text'
      ? { type: 'text', text: part.text }
      : { type: 'image_url', image_url: withoutNulls({ url: part.image_url, detail: part.detail }) },
  );
}

function textOf(content: string | readonly { readonly text?: string; readonly refusal?: string }[]): string {
  if (typeof content === 'string') return content;
  return content.map(({ text, refusal }) => text ?? refusal ?? '').join('');
}

function withoutNulls(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && value !== undefined),
  );
}
