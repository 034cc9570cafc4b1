import type { JsonObject, JsonValue } from '../../kernel/json.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What a body says about functions in OpenAI's form of before tools, in the form of today; and whether it does. */
export interface InNewerForm {
  readonly body: unknown;
  /** True: whoever asks knows no tools, and is to be answered in the older form, too. */
  readonly usesFunctions: boolean;
}

/**
 * OpenAI's older form, which clients of before November 2023 speak, as tools: `functions` and `function_call` (https://platform.openai.com/docs/api-reference/chat/create). What isn't as they have it stays, and is refused by
 * whoever checks the body. A function is called one at a time.
 */
export function inNewerForm(body: unknown): InNewerForm {
  if (!isObject(body)) return { body, usesFunctions: false };
  const { functions, function_call: choice, ...others } = body;
  const isAsked = isGiven(functions) && functions.every(isNamed) && isNothing(body.tools) && isChoice(choice);
  if (!isAsked) return { body, usesFunctions: false };
  const tools = functions.map((definition) => ({ type: 'function', function: definition }));
  const chosen = isObject(choice) ? { type: 'function', function: choice } : choice;
  const asked = { tools, parallel_tool_calls: false, ...(chosen == null ? {} : { tool_choice: chosen }) };
  return { body: { ...others, ...asked }, usesFunctions: true };
}

/**
 * Messages of that form as those of tools, to be called with each in turn: what a function gave goes with the call before it. One at a time,
 * so that nothing is looked at behind the first that is wrong.
 */
export function messagesInNewerForm(): (message: unknown, index: number) => unknown {
  let lastCallId = 'call_0';
  return (message, index) => {
    if (!isObject(message)) return message;
    const { function_call: called, ...others } = message;
    if (message.role === 'function') return { ...message, role: 'tool', tool_call_id: lastCallId };
    if (message.role !== 'assistant' || !isObject(called) || isGiven(message.tool_calls)) return message;
    lastCallId = `call_${index}`;
    return { ...others, tool_calls: [{ id: lastCallId, type: 'function', function: called }] };
  };
}

/** A message or a piece of one with the first of its calls in the older form. */
export function inOlderForm(message: JsonObject): JsonObject {
  const { tool_calls: calls, ...others } = message;
  if (!Array.isArray(calls)) return message;
  const first = calls.find((call: JsonValue) => isObject(call) && (call.index ?? 0) === 0);
  const called = isObject(first) ? (first.function as JsonValue | undefined) : undefined;
  return called === undefined ? others : { ...others, function_call: called };
}

/** Why an answer ended, in the older form. */
export function olderFinishReason<Reason extends string | null>(reason: Reason): Reason | 'function_call' {
  return reason === 'tool_calls' ? 'function_call' : reason;
}

function isGiven(list: unknown): list is readonly unknown[] {
  return Array.isArray(list) && list.length > 0;
}

const isNothing = (list: unknown): boolean => list == null || (Array.isArray(list) && list.length === 0);

const isNamed = (definition: unknown): boolean => isObject(definition) && typeof definition.name === 'string';

const isChoice = (choice: unknown): boolean =>
  choice == null || choice === 'auto' || choice === 'none' || isNamed(choice);

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
