import { AppError } from '../../kernel/errors.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';

/** What a provider may declare that a model of it can do. */
export const FEATURES = [
  'chat',
  'tools',
  'structured_output',
  'reasoning',
  'images',
  'audio',
  'logprobs',
  'n',
  'completions',
  'embeddings',
] as const;

/** One of `FEATURES`. */
export type Feature = (typeof FEATURES)[number];

/** What a provider declares of a model. */
export interface Capabilities {
  readonly features: ReadonlySet<Feature>;
  /** Further fields of a request's body, by name. */
  readonly fields: ReadonlySet<string>;
}

/** What declares capabilities, or doesn't say. */
interface Declaring {
  readonly capabilities?: Capabilities;
}

/** What a request can't be served without. */
export interface Need {
  readonly kind: 'feature' | 'field';
  readonly name: string;
  /** The parameter of the request that asks for it. */
  readonly param: string;
}

/** What kind of answer is wanted. */
export interface ComputeTask {
  /** Which of the endpoint's operations the body is for. */
  readonly api: 'chat' | 'completions' | 'embeddings';
  /** How many answers are wanted; of embeddings, how many vectors. */
  readonly choices: number;
  readonly needs: readonly Need[];
}

/** One answer to a conversation, and nothing special. */
export const PLAIN_CHAT: ComputeTask = { api: 'chat', choices: 1, needs: [] };

/** Of who doesn't say: what everybody was given before providers could say it. */
const UNDECLARED: Capabilities = {
  features: new Set<Feature>(['chat', 'tools', 'structured_output', 'reasoning']),
  fields: new Set(),
};

const KNOWN: ReadonlySet<string> = new Set(FEATURES);

/** What an offer declares; names that aren't known are of a later version, and left out. Null: it doesn't say. */
export function capabilitiesOf(
  features: readonly string[],
  fields: readonly string[],
): { readonly capabilities: Capabilities } | null {
  if (features.length === 0 && fields.length === 0) return null;
  const known = features.filter((name): name is Feature => KNOWN.has(name));
  return { capabilities: { features: new Set(known), fields: new Set(fields) } };
}

/** What the models can do together, in the order of `FEATURES`. */
export function featuresOf(models: readonly Declaring[]): Feature[] {
  return FEATURES.filter((name) => models.some((model) => declared(model).features.has(name)));
}

/** True: what the request needs is declared for the model. */
export function meetsNeeds(model: Declaring, needs: readonly Need[]): boolean {
  return needs.every((need) => meets(model, need));
}

/** What is declared for each of the models. */
export function commonCapabilities(models: readonly Declaring[]): Capabilities {
  const [first, ...others] = models.map(declared);
  const inAll = <Name>(names: ReadonlySet<Name>, of: (one: Capabilities) => ReadonlySet<Name>) =>
    new Set([...names].filter((name) => others.every((one) => of(one).has(name))));
  return {
    features: inAll(first?.features ?? new Set(), ({ features }) => features),
    fields: inAll(first?.fields ?? new Set(), ({ fields }) => fields),
  };
}

/**
 * Those of `offers` whose providers declare all that is needed. Refuses with `feature_not_supported` where there are none,
 * naming the first need that nobody declares together with those before it.
 */
export function capableOffers<Offer extends { readonly model: Declaring }>(
  offers: readonly Offer[],
  needs: readonly Need[],
): readonly Offer[] {
  let capable = offers;
  for (const need of needs) {
    const left = capable.filter(({ model }) => meets(model, need));
    if (left.length === 0 && offers.length > 0) throw notSupported(need);
    capable = left;
  }
  return capable;
}

/** True where a delta is of the answers that are wanted, and of no more. */
export function isOfTask({ choices, embeddings }: JsonObject, { api, choices: count }: ComputeTask): boolean {
  const first = api === 'embeddings' ? 0 : 1;
  const isItem = (item: JsonValue) => {
    const index = isObject(item) ? item.index : undefined;
    return typeof index === 'number' && Number.isInteger(index) && index >= first && index < count;
  };
  if (api === 'embeddings') return isList(embeddings) && embeddings.every(isItem);
  return embeddings === undefined && (choices === undefined || (isList(choices) && choices.every(isItem)));
}

/** The items of a delta that belong to further choices, or the vectors that are in it. */
export function itemsOf({ choices, embeddings }: JsonObject): readonly JsonObject[] {
  const items = choices ?? embeddings;
  return isList(items) ? items.filter(isObject) : [];
}

function declared({ capabilities = UNDECLARED }: Declaring): Capabilities {
  return capabilities;
}

function meets(model: Declaring, { kind, name }: Need): boolean {
  const { features, fields } = declared(model);
  return kind === 'feature' ? features.has(name as Feature) : fields.has(name);
}

function notSupported({ kind, name, param }: Need): AppError {
  const what = kind === 'feature' ? name : `the field ${name}`;
  return new AppError(
    'invalid',
    'feature_not_supported',
    `${param}: no provider of this model declares support for ${what}.`,
    { details: { param, feature: name } },
  );
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !isList(value);
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}
