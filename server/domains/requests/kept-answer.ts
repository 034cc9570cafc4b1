import type { TransactionId } from '../../kernel/ids.ts';
import type { SecretBox } from '../../kernel/secret-box.ts';
import type { ComputeAnswer, ComputeEvent, KeptAnswer } from './types.ts';

/** What a kept answer is bound to. */
export const answerContext = (id: TransactionId) => `marketplace_keyed_requests|answer|${id}`;

/** An answer as it is kept for whoever repeats its request. */
export function sealAnswer(secretBox: SecretBox, id: TransactionId, answer: KeptAnswer): Uint8Array {
  const { end, ...rest } = answer;
  const json = JSON.stringify({ ...rest, end: { ...end, costMicrocents: end.costMicrocents.toString() } });
  return secretBox.seal(new TextEncoder().encode(json), answerContext(id));
}

/** What `sealAnswer` was given, as an answer that is given again: all of it in one piece. `askedModel`: the first that was asked for. */
export function openAnswer(
  secretBox: SecretBox,
  id: TransactionId,
  sealed: Uint8Array,
  askedModel: string,
): ComputeAnswer {
  const json = new TextDecoder('utf-8', { ignoreBOM: true }).decode(
    secretBox.open(sealed, answerContext(id)),
  );
  const kept = JSON.parse(json) as Omit<KeptAnswer, 'end'> & {
    readonly end: Omit<KeptAnswer['end'], 'costMicrocents'> & { readonly costMicrocents: string };
  };
  const end = { ...kept.end, costMicrocents: BigInt(kept.end.costMicrocents) };
  const isEmpty = Object.keys(kept.fields).length === 0;
  const events: ComputeEvent[] = isEmpty ? [end] : [{ kind: 'delta', fields: kept.fields }, end];
  const { model = askedModel, providerId, createdAtMs } = kept;
  const known = { transactionId: id, model, providerId, createdAtMs };
  return { ...known, isReplay: true, events: oneByOne(events), availableMicrocents: () => null };
}

async function* oneByOne<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}
