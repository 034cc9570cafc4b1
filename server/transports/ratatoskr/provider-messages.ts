import {
  ComputeAlive,
  ComputeCredit,
  ComputeDelta,
  ComputeFailure,
  ComputeFault,
  ComputeResult,
  decodePayload,
  type MessageType,
  OfferedModel,
  PayloadError,
  ProviderOffer,
  RatatoskrType,
  TokenUsage,
  uuidFromBytes,
  type yggdrasil,
} from '../../../proto/index.ts';
import type { ProviderType } from '../../../proto/ratatoskr/index.ts';
import type {
  OfferInput,
  ProviderError,
  ProviderFault,
  ProviderService,
  TokenClaim,
} from '../../domains/providers/index.ts';
import type { DeviceActor } from '../../kernel/actor.ts';
import { AppError, invalidInput, notFound } from '../../kernel/errors.ts';
import type { CutDelta } from './cut-delta.ts';
import { REASON_CHARACTERS_MAX } from './limits.ts';
import type { SessionProviderLink } from './provider-link.ts';
import { readDelta } from './read-delta.ts';
import type { SignedMessage } from './signed-message.ts';

/** A message of a provider, and the session that it came in. */
export interface ProviderMessage {
  readonly payload: Uint8Array;
  readonly link: SessionProviderLink;
  /** The piece of an answer that is still coming. */
  readonly cut: CutDelta;
  /** What the device signed, where it signs this. */
  readonly signed: SignedMessage | null;
}

/** What a provider sends about the requests it was given. */
export type WorkMessageType = Exclude<ProviderType, typeof RatatoskrType.PROVIDER_REGISTRATION>;

/** Maps a message to one call of the providers' service. Refuses with `ratatoskr_message_malformed` what can't be read. */
type Handler = (providers: ProviderService, actor: DeviceActor, message: ProviderMessage) => void;

/** Lists what a device serves. Rejects as `ProviderService.offer` does. */
export function registerOffer(
  providers: ProviderService,
  actor: DeviceActor,
  {
    offer,
    link,
  }: { readonly offer: yggdrasil.v1.ProviderOffer.$Properties; readonly link: SessionProviderLink },
): Promise<void> {
  const { slots, models } = new ProviderOffer(offer);
  return providers.offer(actor, link, { slots, models: models.map(offeredModel) });
}

const credit: Handler = (_, __, { payload, link }) => {
  const { requestId, bytes } = payloadOf(ComputeCredit, payload);
  if (!link.bodyTaken(bytes)) throw invalidInput('Credit for more than was sent.');
  link.echoed(requestId);
};

const delta: Handler = (providers, actor, { payload, cut }) => {
  const { requestId, index, fields, more } = payloadOf(ComputeDelta, payload);
  const id = requestIdOf(requestId);
  const whole = cut.add({ requestId: id, index, fields, more });
  if (whole !== null) providers.delta(actor, { requestId: id, index, delta: readDelta(whole) });
};

const alive: Handler = (providers, actor, { payload }) => {
  const { requestId } = payloadOf(ComputeAlive, payload);
  providers.alive(actor, { requestId: requestIdOf(requestId) });
};

const result: Handler = (providers, actor, { payload, link, signed }) => {
  const { requestId: bytes, finishReason, usage, failure } = payloadOf(ComputeResult, payload);
  const requestId = requestIdOf(bytes);
  providers.result(actor, {
    requestId,
    finishReason,
    claim: usage ? tokenClaim(usage) : null,
    error: failure ? providerError(failure) : null,
    signature() {
      signed?.requireRight();
      link.requestEnded(requestId);
      return signed?.signature ?? null;
    },
  });
};

function offeredModel(model: yggdrasil.v1.OfferedModel.$Properties): OfferInput['models'][number] {
  const {
    name,
    contextTokens,
    continuesAnswers,
    features,
    fields,
    priceCents,
    promptPriceCents,
    cachedPromptPriceCents,
    completionPriceCents,
  } = new OfferedModel(model);
  const prompt = promptPriceCents || priceCents;
  const prices = {
    prompt,
    cachedPrompt: cachedPromptPriceCents || prompt,
    completion: completionPriceCents || priceCents,
  };
  return { name, contextTokens, continuesAnswers, features, fields, prices };
}

function tokenClaim(usage: yggdrasil.v1.TokenUsage.$Properties): TokenClaim {
  const { promptTokens, cachedPromptTokens, completionTokens, reasoningTokens } = new TokenUsage(usage);
  return { promptTokens, cachedPromptTokens, completionTokens, reasoningTokens };
}

/** A fault that this version doesn't know is the provider's. */
const FAULTS: Readonly<Record<number, ProviderFault | undefined>> = {
  [ComputeFault.FAULT_OF_REQUESTER]: 'requester',
  [ComputeFault.ENDPOINT_BUSY]: 'busy',
  [ComputeFault.MODEL_UNKNOWN]: 'model_unknown',
  [ComputeFault.ENDPOINT_STALLED]: 'stalled',
  [ComputeFault.ANSWER_MALFORMED]: 'malformed',
};

function providerError(failure: yggdrasil.v1.ComputeFailure.$Properties): ProviderError {
  const { fault, status, reason, param, retryAfterSeconds } = new ComputeFailure(failure);
  return {
    fault: FAULTS[fault] ?? 'provider',
    reason: printable(reason),
    status: status === 0 ? null : status,
    param: param === '' ? null : printable(param),
    retryAfterSeconds,
  };
}

/** A stranger's words as one short line. */
function printable(text: string): string {
  return text
    .slice(0, REASON_CHARACTERS_MAX)
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .trim();
}

function payloadOf<Properties, Message>(
  type: MessageType<Properties, Message>,
  payload: Uint8Array,
): Message {
  try {
    return decodePayload(type, payload);
  } catch (cause) {
    if (!(cause instanceof PayloadError)) throw cause;
    throw new AppError('invalid', 'ratatoskr_message_malformed', 'A message can not be read.', { cause });
  }
}

/** Refuses with `transaction_not_found` what is no id: no request has it. */
function requestIdOf(bytes: Uint8Array): string {
  if (bytes.length !== 16) throw notFound('transaction');
  return uuidFromBytes(bytes);
}

/** What is done with every message of a provider but its registration. */
export const PROVIDER_HANDLERS: Readonly<Record<WorkMessageType, Handler>> = {
  [RatatoskrType.COMPUTE_CREDIT]: credit,
  [RatatoskrType.COMPUTE_DELTA]: delta,
  [RatatoskrType.COMPUTE_ALIVE]: alive,
  [RatatoskrType.COMPUTE_RESULT]: result,
};
