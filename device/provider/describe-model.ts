import { FEATURES, USUAL_FEATURES } from './features.ts';
import { isList, isObject, type JsonObject, type JsonValue } from './json.ts';

/** What an endpoint says of a model. */
export interface ModelDescription {
  /** In the order of `FEATURES`; where it says nothing, the usual ones. */
  readonly features: readonly string[];
  /** Prompt and answer together; null: it doesn't say. */
  readonly contextTokens: number | null;
}

/** Asks the endpoint, as `Endpoint.look` does. Null: no answer in JSON. */
export type Look = (path: string, init?: { readonly post: JsonObject }) => Promise<JsonValue | null>;

/**
 * What an endpoint says of a model in its list of models (OpenRouter, vLLM, LM Studio, a server of Yggdrasil), at `/api/show`
 * (Ollama) and at `/props` (llama.cpp). Never rejects: who says nothing is taken as an endpoint of the usual kind.
 */
export async function describeModel(model: string, look: Look): Promise<ModelDescription> {
  const listed = entryOf(await look('/models'), model);
  const said = [fromList(listed), ...(await others(listed, model, look))];
  const found = new Set(said.flatMap(({ features }) => features));
  const contextTokens = said.map((each) => each.contextTokens).find((tokens) => tokens !== null) ?? null;
  const features = FEATURES.filter((name) => found.has(name));
  return { features: features.length === 0 ? USUAL_FEATURES : features, contextTokens };
}

async function others(listed: JsonObject, model: string, look: Look): Promise<ModelDescription[]> {
  switch (listed.owned_by) {
    case 'library':
      return [fromOllama(await look('//api/show', { post: { model } }))];
    case 'llamacpp':
      return [fromLlamaCpp(await look('//props'))];
    case 'vllm':
      return [{ features: [...USUAL_FEATURES, 'logprobs', 'n', 'completions'], contextTokens: null }];
    default:
      return [];
  }
}

function entryOf(list: JsonValue | null, model: string): JsonObject {
  const entries =
    isObject(list ?? undefined) && isList((list as JsonObject).data) ? (list as JsonObject).data : [];
  const entry = (entries as readonly JsonValue[]).find((one) => isObject(one) && one.id === model);
  return isObject(entry) ? entry : {};
}

function fromList(entry: JsonObject): ModelDescription {
  const { features, supported_parameters: parameters, architecture, max_model_len: length } = entry;
  const inputs = isObject(architecture) ? textsOf(architecture.input_modalities) : [];
  const named = textsOf(parameters);
  const found = [
    ...textsOf(features),
    ...(named.length === 0 ? [] : ['chat']),
    ...named.flatMap((name) => FEATURES_OF_PARAMETERS[name] ?? []),
    ...inputs.flatMap((name) => FEATURES_OF_INPUTS[name] ?? []),
  ];
  const tokens = [entry.context_tokens_max, entry.context_length, length].find(isCount);
  return { features: found, contextTokens: tokens ?? null };
}

/** Ollama cuts a prompt at a length that its owner sets and that it doesn't tell, so the model's own means nothing. */
function fromOllama(shown: JsonValue | null): ModelDescription {
  const capabilities = isObject(shown ?? undefined) ? textsOf((shown as JsonObject).capabilities) : [];
  const chats = capabilities.includes('completion');
  const found = [
    ...(chats ? ['chat', 'structured_output', 'completions'] : []),
    ...capabilities.flatMap((name) => FEATURES_OF_CAPABILITIES[name] ?? []),
  ];
  return { features: found, contextTokens: null };
}

function fromLlamaCpp(props: JsonValue | null): ModelDescription {
  const { default_generation_settings: settings, modalities } = isObject(props ?? undefined)
    ? (props as JsonObject)
    : {};
  const takes = (name: string) => isObject(modalities) && modalities[name] === true;
  const features = [
    ...USUAL_FEATURES,
    'logprobs',
    'completions',
    ...(takes('vision') ? ['images'] : []),
    ...(takes('audio') ? ['audio'] : []),
  ];
  const tokens = isObject(settings) && isCount(settings.n_ctx) ? settings.n_ctx : null;
  return { features, contextTokens: tokens };
}

/** OpenRouter's names. */
const FEATURES_OF_PARAMETERS: Readonly<Record<string, string | undefined>> = {
  tools: 'tools',
  response_format: 'structured_output',
  structured_outputs: 'structured_output',
  reasoning: 'reasoning',
  logprobs: 'logprobs',
  n: 'n',
};
const FEATURES_OF_INPUTS: Readonly<Record<string, string | undefined>> = { image: 'images', audio: 'audio' };
/** Ollama's names. */
const FEATURES_OF_CAPABILITIES: Readonly<Record<string, string | undefined>> = {
  tools: 'tools',
  vision: 'images',
  audio: 'audio',
  thinking: 'reasoning',
  embedding: 'embeddings',
};

function textsOf(value: JsonValue | undefined): string[] {
  return isList(value) ? value.filter((one) => typeof one === 'string') : [];
}

function isCount(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 10_000_000;
}
