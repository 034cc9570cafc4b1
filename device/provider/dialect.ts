import type { JsonObject } from './json.ts';

/** A body, and the names that an endpoint knows things by. */
type Change = (body: JsonObject) => JsonObject;

interface Adaptation {
  /** True where a refusal's text tells that the endpoint speaks this dialect. */
  readonly isMeant: RegExp;
  readonly change: Change;
}

const ADAPTATIONS: readonly Adaptation[] = [
  {
    isMeant: /max_(completion_)?tokens/,
    change: ({ max_tokens, ...others }) =>
      max_tokens === undefined ? others : { ...others, max_completion_tokens: max_tokens },
  },
  { isMeant: /encoding_format/, change: ({ encoding_format: _, ...others }) => others },
  { isMeant: /stream_options/, change: ({ stream_options: _, ...others }) => others },
];

/** What an endpoint has shown of its dialect by refusing another. */
export class Dialect {
  readonly #known = new Set<Adaptation>();

  /** The body as the endpoint takes it, as far as that is known, with what is `tried` besides. */
  adapt(body: JsonObject, tried: ReadonlySet<Adaptation> = new Set()): JsonObject {
    const adaptations = [...this.#known, ...tried];
    return adaptations.reduce((adapted, { change }) => change(adapted), body);
  }

  /** What else might help after this refusal; null: nothing. */
  suggest(refusal: string, tried: ReadonlySet<Adaptation>): Adaptation | null {
    const isNew = (adaptation: Adaptation) => !this.#known.has(adaptation) && !tried.has(adaptation);
    return ADAPTATIONS.find((adaptation) => isNew(adaptation) && adaptation.isMeant.test(refusal)) ?? null;
  }

  /** The endpoint took a body that was adapted like this. */
  learn(tried: ReadonlySet<Adaptation>): void {
    for (const adaptation of tried) this.#known.add(adaptation);
  }
}

export type { Adaptation };
