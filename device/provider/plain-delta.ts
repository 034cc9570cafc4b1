import { isList, isObject, type JsonObject, type JsonValue } from './json.ts';

/**
 * A delta, or a message, as OpenAI has it: without its role and what says nothing, its texts as text however they came, its
 * calls of tools as a list. What nobody has heard of yet stays as it is.
 */
export function plainDelta({
  role: _,
  content,
  thinking,
  function_call: call,
  ...others
}: JsonObject): JsonObject {
  const thought = textIn(content, THOUGHTS) || textIn(thinking) || detailsText(others);
  const fields = {
    ...others,
    content: textIn(content),
    ...textsOf(others),
    ...(thought === '' || textIn(others.reasoning_content) !== '' ? {} : { reasoning_content: thought }),
    ...callsOf(others.tool_calls, call),
  };
  return Object.fromEntries(
    Object.entries(fields).filter(([name, value]) => !RESERVED.has(name) && !saysNothing(value)),
  );
}

/** Names that a delta has beside what the endpoint says. */
const RESERVED: ReadonlySet<string> = new Set(['logprobs', 'choices', 'embeddings']);
/** Types of parts that are text, and of those that are what was thought. */
const TEXTS: ReadonlySet<string> = new Set([
  'text',
  'output_text',
  'refusal',
  'summary_text',
  'reasoning.text',
  'reasoning.summary',
]);
const THOUGHTS: ReadonlySet<string> = new Set(['thinking', 'reasoning']);
/** Where a part has its text. */
const TEXT_NAMES = ['text', 'refusal', 'thinking', 'reasoning', 'summary', 'content'] as const;

/** The text of a text, of a part, or of all parts of these types. */
function textIn(value: JsonValue | undefined, types: ReadonlySet<string> = TEXTS): string {
  if (typeof value === 'string') return types === THOUGHTS ? '' : value;
  if (typeof value === 'number' || typeof value === 'boolean') return types === THOUGHTS ? '' : String(value);
  if (isList(value)) return value.map((part) => textIn(part, types)).join('');
  if (!isObject(value) || !types.has(typeof value.type === 'string' ? value.type : 'text')) return '';
  const inner = TEXT_NAMES.map((name) => value[name]).find((one) => one != null);
  return textIn(inner);
}

/** What was thought, where it stands under one name only that none of OpenAI's clients know. */
function detailsText({
  reasoning_content: known,
  reasoning,
  reasoning_details: details,
}: JsonObject): string {
  return textIn(known) === '' && textIn(reasoning) === '' ? textIn(details) : '';
}

/** The texts beside the content, as text. */
function textsOf(fields: JsonObject): JsonObject {
  const names = ['reasoning_content', 'reasoning', 'refusal'].filter((name) => fields[name] != null);
  return Object.fromEntries(names.map((name) => [name, textIn(fields[name])]));
}

/** The calls of tools. The call of a function is how they were called before there were several. */
function callsOf(calls: JsonValue | undefined, call: JsonValue | undefined): JsonObject {
  if (isObject(calls)) return { tool_calls: [calls] };
  const isLegacy = saysNothing(calls ?? null) && isObject(call);
  return isLegacy ? { tool_calls: [{ index: 0, type: 'function', function: call }] } : {};
}

function saysNothing(value: JsonValue): boolean {
  return value === null || value === '' || (isList(value) && value.length === 0);
}
