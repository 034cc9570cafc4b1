import type { JsonObject, JsonValue } from '../../kernel/json.ts';

/** Everything in a delta that costs tokens: content, reasoning, refusal, names and arguments of tool calls. */
export function deltaText(fields: JsonObject): string {
  const { content, refusal, tool_calls: calls, choices } = fields;
  const called = isList(calls) ? calls.map((item) => calledText(item, 'function')) : [];
  return [
    reasoningText(fields),
    textIn(content),
    textIn(refusal),
    ...called,
    calledText(fields, 'function_call'),
    ...(isList(choices) ? choices.map(choiceText) : []),
  ].join('');
}

/** What of one of several answers costs tokens. */
function choiceText(choice: JsonValue): string {
  const delta = isObject(choice) ? choice.delta : undefined;
  return isObject(delta) ? deltaText({ ...delta, choices: null }) : '';
}

/** The reasoning in a delta. Endpoints that give it under two names give the same one twice. */
export function reasoningText({ reasoning_content: content, reasoning }: JsonObject): string {
  return textIn(content) || textIn(reasoning);
}

/** Name and arguments of the function under `key`. */
function calledText(call: JsonValue, key: string): string {
  const called = isObject(call) ? call[key] : undefined;
  return isObject(called) ? textIn(called.name) + textIn(called.arguments) : '';
}

/** The text of a string, or of parts of which some are text. */
export function textIn(value: JsonValue | undefined): string {
  if (typeof value === 'string') return value;
  if (!isList(value)) return '';
  return value.map((part) => (isObject(part) && typeof part.text === 'string' ? part.text : '')).join('');
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !isList(value);
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}
