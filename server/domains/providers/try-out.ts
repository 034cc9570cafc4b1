import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { asId, type DeviceId, type TransactionId } from '../../kernel/ids.ts';
import type { Random } from '../../kernel/random.ts';
import { PLAIN_CHAT } from './features.ts';
import { CREDIT_BYTES, TEST_ECHO_TIMEOUT_MS, TEST_TIMEOUT_MS, TEST_TOKENS_MAX } from './limits.ts';
import type { ProviderRegistry } from './registry.ts';
import type { AttemptEnd, ProviderLink, TriedOut } from './types.ts';

/** What a test needs. */
export interface TryOutDependencies {
  readonly registry: ProviderRegistry;
  readonly clock: Clock;
  readonly random: Pick<Random, 'uuid'>;
}

/** What is asked: nothing that another provider would answer differently, and several tokens long. */
const PROMPT = 'Count from 1 to 20 in digits, with spaces between them.';
/** Tokens of it, roughly. */
const PROMPT_TOKENS = 20;

/**
 * Sends a small request to a provider that is listed, as one of its owner's own: through the same slots, messages and time limits as
 * any other, unpaid, and without a trace in what the market knows of it. Refuses with `provider_not_serving` who isn't listed,
 * and with `provider_busy` who has no free slot.
 */
export async function tryOut(
  deviceId: DeviceId,
  modelName: string | null,
  { registry, clock, random }: TryOutDependencies,
): Promise<TriedOut> {
  const provider = registry.findDevice(deviceId);
  const model = modelName === null ? (provider?.models[0] ?? null) : (provider?.findModel(modelName) ?? null);
  if (provider === null || model === null) throw notServing();
  if (!provider.hasFreeSlot())
    throw new AppError('unavailable', 'provider_busy', 'All slots of this provider are in use.');
  const connectionMs = await echoMs(provider.link, asId<TransactionId>(random.uuid()), clock);
  // It may have left, or have been given other work meanwhile.
  if (registry.findDevice(deviceId) !== provider || !provider.hasFreeSlot()) throw notServing();
  const { tenantId } = provider;
  const body = {
    model: model.name,
    messages: [{ role: 'user', content: PROMPT }],
    max_tokens: TEST_TOKENS_MAX,
  };
  const order = {
    requestId: asId<TransactionId>(random.uuid()),
    // Of its owner: what owners ask of their own devices is free and teaches nothing.
    accountId: asId<never>(tenantId),
    memberId: tenantId,
    tenantId,
    model: model.name,
    task: PLAIN_CHAT,
    body: new TextEncoder().encode(JSON.stringify(body)),
    isContinuation: false,
    promptTokens: PROMPT_TOKENS,
    completionTokensMax: TEST_TOKENS_MAX,
    firstTokenTimeoutMs: TEST_TIMEOUT_MS,
    stallTimeoutMs: TEST_TIMEOUT_MS,
    creditBytes: CREDIT_BYTES,
    deadlineMs: clock.monotonicMs() + TEST_TIMEOUT_MS,
  };
  const attempt = registry.takeSlot({ provider, model }, order, false);
  let text = '';
  const end = await new Promise<AttemptEnd>((ended) =>
    attempt.send({
      delta: (piece) => {
        text += piece.text;
      },
      ended,
    }),
  );
  const { firstTokenMs } = attempt;
  const textMs = firstTokenMs === null ? 0 : (attempt.lastTextMs ?? 0) - attempt.startedMs - firstTokenMs;
  return { model: model.name, connectionMs, firstTokenMs, text, textMs, failureCode: failureOf(end) };
}

/** Milliseconds of a message to the device's program and back; null: it gave no answer in time. */
async function echoMs(link: ProviderLink, id: TransactionId, clock: Clock): Promise<number | null> {
  if (link.echo === undefined) return null;
  const sentMs = clock.monotonicMs();
  return new Promise((resolve) => {
    const cancel = clock.after(TEST_ECHO_TIMEOUT_MS, () => resolve(null));
    link.echo?.(id).then(() => {
      cancel();
      resolve(clock.monotonicMs() - sentMs);
    });
  });
}

function failureOf(end: AttemptEnd): TriedOut['failureCode'] {
  if (end.kind === 'failed') return end.code;
  return end.kind === 'rejected' ? 'request_rejected' : null;
}

function notServing(): AppError {
  return new AppError(
    'conflict',
    'provider_not_serving',
    'A test needs the program of this device to be connected and its model on the market.',
  );
}
