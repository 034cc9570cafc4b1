import { printList } from '../node/print.ts';
import { type RestApi, restApi } from '../node/rest-api.ts';
import type { ShowOptions } from './devices.ts';

/** A model, as `/v1/models` shows it; prices in cents for 1000 tokens. */
export interface ShownModel {
  readonly id: string;
  readonly providers: number;
  readonly context_tokens_max: number;
  readonly features: readonly string[];
  readonly prices_cents_per_1000_tokens_min: { readonly prompt: string; readonly completion: string };
}

const PAGE_MODELS = 1_000;

/** The models that somebody offers now. */
export async function readModels(api: RestApi): Promise<readonly ShownModel[]> {
  const models: ShownModel[] = [];
  for (let path: string | null = `/v1/models?limit=${PAGE_MODELS}`; path !== null; ) {
    const page: { data: readonly ShownModel[]; has_more: boolean; last_id: string | null } = await api.ask(
      'GET',
      path,
    );
    models.push(...page.data);
    const last = page.has_more ? page.last_id : null;
    path = last === null ? null : `/v1/models?limit=${PAGE_MODELS}&after=${encodeURIComponent(last)}`;
  }
  return models;
}

/** `models`: what is offered, with the lowest prices. */
export async function listModels(options: ShowOptions): Promise<void> {
  const columns = {
    MODEL: ({ id }: ShownModel) => id,
    PROVIDERS: ({ providers }: ShownModel) => String(providers),
    CONTEXT: ({ context_tokens_max: tokens }: ShownModel) => String(tokens),
    'PROMPT, CENTS/1000': (model: ShownModel) => model.prices_cents_per_1000_tokens_min.prompt,
    'ANSWER, CENTS/1000': (model: ShownModel) => model.prices_cents_per_1000_tokens_min.completion,
    CAN: ({ features }: ShownModel) => features.join(' '),
  };
  printList(options, await readModels(restApi(options)), columns, 'Nobody offers a model now.');
}
