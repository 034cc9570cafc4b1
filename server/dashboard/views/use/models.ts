import { send } from '../../api/http.ts';

/** A model, as `/v1/models` shows it. */
export interface Model {
  readonly id: string;
  readonly providers: number;
  readonly prices_cents_per_1000_tokens_min: { readonly prompt: string; readonly completion: string };
}

/** The models that somebody offers now: as many as one answer has. */
export async function listModels(): Promise<readonly Model[]> {
  const response = await send('GET', '/v1/models?limit=1000');
  return ((await response.json()) as { data: readonly Model[] }).data;
}
