import type { Registration } from '../../api/types.ts';

/** A model as it is typed: prices are cents for 1,000 tokens. */
export interface TypedModel {
  name: string;
  prompt: string;
  /** Empty: as the prompt. */
  cachedPrompt: string;
  completion: string;
  readonly contextTokensMax: number | null;
}

/** What is sold, as it is typed. */
export interface TypedTerms {
  models: TypedModel[];
  slots: number;
  sharing: Registration['sharing'];
}

/** A model that nobody has said anything of yet. */
export const emptyModel = (): TypedModel => ({
  name: '',
  prompt: '',
  cachedPrompt: '',
  completion: '',
  contextTokensMax: null,
});

/** What a registration says, to be changed; null: what a new one begins with. */
export function typedTerms(registration: Registration | null): TypedTerms {
  if (registration === null) return { models: [emptyModel()], slots: 1, sharing: 'everybody' };
  const { models, slots, sharing } = registration;
  return {
    slots,
    sharing,
    models: models.map(({ name, prices, contextTokensMax }) => ({ name, contextTokensMax, ...prices })),
  };
}

/** The terms as the API takes them; what isn't typed here stays as it was. */
export function termsBody({ models, slots, sharing }: TypedTerms, before: Registration | null): object {
  const kept =
    before === null
      ? {}
      : {
          hours: before.hours,
          qualityMin: before.qualityMin,
          waitSecondsMax: before.waitSecondsMax,
          dataPolicy: before.dataPolicy,
          hardware: before.hardware,
          isActive: before.isActive,
        };
  return {
    ...kept,
    slots,
    sharing,
    models: models.map(({ name, prompt, cachedPrompt, completion, contextTokensMax }) => ({
      name,
      contextTokensMax,
      prices: {
        prompt: prompt.trim(),
        completion: completion.trim(),
        ...(cachedPrompt.trim() === '' ? {} : { cachedPrompt: cachedPrompt.trim() }),
      },
    })),
  };
}

/** What runs on the machine so that it serves: docs/providers.md. */
export function connectCommand(origin: string): string {
  const server = origin.replace(/^http/, 'ws');
  return `yggdrasil provider connect --credentials device.json --server ${server}/ratatoskr --endpoint http://127.0.0.1:11434/v1`;
}
