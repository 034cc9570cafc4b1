import { isList, isObject, type JsonObject, type JsonValue } from './json.ts';

/** A body, and the names that an endpoint knows things by. */
interface Adaptation {
  /** True where a refusal's text tells that the endpoint speaks this dialect. */
  readonly isMeant: RegExp;
  /** True where it tells that it speaks it no longer. */
  readonly isWrong?: RegExp;
  readonly change: (body: JsonObject) => JsonObject;
  /** False: of this request only, as what is refused may be its value. */
  readonly isLearned: boolean;
}

const UNKNOWN = 'unsupported|unknown|unrecogni[sz]ed|unexpected|extra|additional|deprecated';
const REFUSED = "(?:not|n't) (?:be )?(?:supported|permitted|allowed|recogni[sz]ed)";
/** Within a sentence, and not about a value: one that is too large, or wrong, is the requester's affair. */
const NEAR = '(?:(?!value)[^.]){0,80}';

/** Matches a text which says that a field is not known. */
function unknownField(field: string): RegExp {
  const before = `(?:${UNKNOWN}|(?:not|n't) (?:support|permit|allow|recogni[sz]e))${NEAR}\\b${field}\\b`;
  return new RegExp(`${before}|\\b${field}\\b${NEAR}(?:${UNKNOWN}|${REFUSED})`, 'i');
}

const without =
  (...names: readonly string[]) =>
  (body: JsonObject): JsonObject =>
    Object.fromEntries(Object.entries(body).filter(([name]) => !names.includes(name)));

const ADAPTATIONS: readonly Adaptation[] = [
  {
    // vLLM names both where the limit is too large.
    isMeant: new RegExp(
      `^(?!.*too (?:large|big|high|long)).*max_completion_tokens|${unknownField('max_tokens').source}`,
      'is',
    ),
    isWrong: unknownField('max_completion_tokens'),
    change: ({ max_tokens, ...others }) =>
      max_tokens === undefined ? others : { ...others, max_completion_tokens: max_tokens },
    isLearned: true,
  },
  { isMeant: unknownField('encoding_format'), change: without('encoding_format'), isLearned: true },
  { isMeant: /stream_options/i, change: without('stream_options'), isLearned: true },
  {
    // An answer in one piece is read as well.
    isMeant: unknownField('stream(?:ing)?'),
    change: without('stream', 'stream_options'),
    isLearned: true,
  },
  // A hint. A value that isn't known is refused by whoever knows the field.
  { isMeant: unknownField('reasoning_effort'), change: without('reasoning_effort'), isLearned: false },
  {
    isMeant: unknownField('(?:continue_final_message|add_generation_prompt)'),
    change: without('continue_final_message', 'add_generation_prompt'),
    isLearned: true,
  },
  { isMeant: /\bdeveloper\b/i, change: withSystemRole, isLearned: true },
];

/** The older name of the role. */
function withSystemRole(body: JsonObject): JsonObject {
  const { messages } = body;
  if (!isList(messages)) return body;
  return { ...body, messages: messages.map(asSystem) };
}

function asSystem(message: JsonValue): JsonValue {
  return isObject(message) && message.role === 'developer' ? { ...message, role: 'system' } : message;
}

/** What an endpoint has shown of a model's dialect by refusing another. */
export class Dialect {
  readonly #known = new Set<Adaptation>();

  /** The body as the model takes it, as far as that is known, with what is `tried` besides. */
  adapt(body: JsonObject, tried: ReadonlySet<Adaptation> = new Set()): JsonObject {
    const adaptations = new Set([...this.#known, ...tried]);
    return [...adaptations].reduce((adapted, { change }) => change(adapted), body);
  }

  /** What else might help after this refusal of such a body; null: nothing. */
  suggest(refusal: string, body: JsonObject, tried: ReadonlySet<Adaptation>): Adaptation | null {
    const adapted = JSON.stringify(this.adapt(body, tried));
    const mayHelp = (adaptation: Adaptation) =>
      !this.#known.has(adaptation) &&
      !tried.has(adaptation) &&
      adaptation.isMeant.test(refusal) &&
      JSON.stringify(this.adapt(body, new Set([...tried, adaptation]))) !== adapted;
    return ADAPTATIONS.find(mayHelp) ?? null;
  }

  /** The endpoint took a body that was adapted like this. */
  learn(tried: ReadonlySet<Adaptation>): void {
    for (const adaptation of tried) if (adaptation.isLearned) this.#known.add(adaptation);
  }

  /** Forgets what a refusal says is wrong: the endpoint may be another since it was learned. False: nothing of it was known. */
  forget(refusal: string): boolean {
    const wrong = [...this.#known].filter(({ isWrong }) => isWrong?.test(refusal));
    for (const adaptation of wrong) this.#known.delete(adaptation);
    return wrong.length > 0;
  }
}

/** What an endpoint has shown of the dialects of its models. */
export class Dialects {
  readonly #byModel = new Map<string, Dialect>();

  /** That of this body's model: as many are kept as this program sells models. */
  of({ model }: JsonObject): Dialect {
    const name = String(model);
    const dialect = this.#byModel.get(name) ?? new Dialect();
    this.#byModel.set(name, dialect);
    return dialect;
  }
}

export type { Adaptation };
