/** What may help an endpoint's cache or says which program asks, and changes no answer. */
const HINTS: ReadonlySet<string> = new Set(['cache_control', 'session_id', 'trace']);

/** Hints and what says something about the requester, to an operation that doesn't know them; and what everybody gets. */
const HINTS_ELSEWHERE: ReadonlySet<string> = new Set([
  'usage',
  'user',
  'metadata',
  'safety_identifier',
  'reasoning_effort',
  'verbosity',
  'prompt_cache_key',
  'prompt_cache_retention',
  'prompt_cache_options',
]);

/** Values that ask for what is done without them, as JSON: "no limit" as some clients say it, and names left empty. */
const NEUTRAL: ReadonlyMap<string, readonly string[]> = new Map([
  ['max_tokens', ['-1']],
  ['max_completion_tokens', ['-1']],
  ['max_output_tokens', ['-1']],
  ['stop', ['""', '[""]']],
  ['response_format', ['{}']],
  ['modalities', ['[]']],
  ['route', ['""']],
  ['service_tier', ['""']],
  ['tool_choice', ['""']],
  ['reasoning_effort', ['""']],
  ['verbosity', ['""']],
]);

/** The same of fields that are not served: what llama.cpp, vLLM, OpenRouter and OpenAI take where nothing is said. */
const NEUTRAL_ELSEWHERE: ReadonlyMap<string, readonly string[]> = new Map([
  ['n', ['1']],
  ['best_of', ['1']],
  ['suffix', ['""']],
  ['route', ['"fallback"']],
  ['service_tier', ['"auto"', '"default"', '"standard"']],
  ['speed', ['"standard"']],
  ['response_format', ['{"type":"text"}']],
  ['include_reasoning', ['true']],
  ['presence_penalty', ['0']],
  ['frequency_penalty', ['0']],
  ['repeat_penalty', ['1']],
  ['length_penalty', ['1']],
  ['typical_p', ['1']],
  ['tfs_z', ['1']],
  ['top_a', ['0']],
  ['mirostat', ['0']],
  ['min_tokens', ['0']],
  ['skip_special_tokens', ['true']],
  ['spaces_between_special_tokens', ['true']],
  ['add_generation_prompt', ['true']],
]);

/** Fields that are not served, of which `false` is no default: without them a model thinks, tells it, or chooses by chance. */
const ASK_BY_FALSE: ReadonlySet<string> = new Set([
  'enable_thinking',
  'think',
  'thinking',
  'reasoning',
  'include_reasoning',
  'do_sample',
  'skip_special_tokens',
  'spaces_between_special_tokens',
  'add_generation_prompt',
]);

/** Fields of objects inside a request, of which the others may ask for nothing, too. */
const INNER_FIELDS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['stream_options', new Set(['include_usage', 'include_obfuscation'])],
  [
    'provider',
    new Set([
      'order',
      'only',
      'ignore',
      'allow_fallbacks',
      'sort',
      'max_price',
      'require_parameters',
      'data_collection',
    ]),
  ],
]);

/**
 * Without what asks for nothing: `null`, which is a field that isn't given, hints, values that ask for what is done anyway, and of
 * fields that are not served an empty list, an empty object and, of most, `false` (`logit_bias: {}`).
 */
export function withoutNothing(value: unknown, served: ReadonlySet<string>): unknown {
  if (!isObject(value)) return value;
  const fields = Object.entries(value).filter(([name, field]) => asks(name, field, served.has(name)));
  return Object.fromEntries(
    fields.map(([name, field]) => {
      const inner = served.has(name) ? INNER_FIELDS.get(name) : undefined;
      return [name, inner === undefined ? field : withoutNothing(field, inner)];
    }),
  );
}

function asks(name: string, field: unknown, isServed: boolean): boolean {
  if (field === null || HINTS.has(name) || isOneOf(NEUTRAL.get(name), field)) return false;
  if (isServed) return true;
  if (field === false) return ASK_BY_FALSE.has(name);
  return !HINTS_ELSEWHERE.has(name) && !isEmpty(field) && !isOneOf(NEUTRAL_ELSEWHERE.get(name), field);
}

function isOneOf(values: readonly string[] | undefined, field: unknown): boolean {
  return values?.includes(JSON.stringify(field)) === true;
}

/** True for what is empty, and for an object of such. */
function isEmpty(field: unknown): boolean {
  if (field === null || field === '') return true;
  if (Array.isArray(field)) return field.length === 0;
  return isObject(field) && Object.values(field).every(isEmpty);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
