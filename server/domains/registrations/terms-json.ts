import type { ProviderTerms, RegisteredModel } from './types.ts';

/** Terms as they are kept: prices are micro-cents in digits. */
export interface KeptTerms extends Partial<Omit<ProviderTerms, 'models' | 'slots'>> {
  readonly slots: number;
  readonly models: readonly {
    readonly name: string;
    readonly contextTokensMax: number;
    readonly prices: Readonly<Record<keyof RegisteredModel['prices'], string>>;
  }[];
}

/** Terms for a column of JSON. */
export function keptTerms({ models, ...rest }: ProviderTerms): KeptTerms {
  return {
    ...rest,
    models: models.map(({ prices, ...model }) => ({
      ...model,
      prices: {
        prompt: prices.prompt.toString(),
        cachedPrompt: prices.cachedPrompt.toString(),
        completion: prices.completion.toString(),
      },
    })),
  };
}

/** Terms out of a column of JSON. What an earlier version didn't know is what it did. */
export function readTerms({ models, ...rest }: KeptTerms): ProviderTerms {
  return {
    hours: null,
    sharing: 'everybody',
    qualityMin: null,
    waitMsMax: null,
    dataPolicy: null,
    hardware: null,
    ...rest,
    models: models.map(({ prices, ...model }) => ({
      ...model,
      prices: {
        prompt: BigInt(prices.prompt),
        cachedPrompt: BigInt(prices.cachedPrompt),
        completion: BigInt(prices.completion),
      },
    })),
  };
}
