import {
  ComputeAlive,
  ComputeCredit,
  ComputeDelta,
  ComputeFailure,
  ComputeFault,
  ComputeResult,
  FrameType,
  OfferedModel,
  ProviderOffer,
  ProviderWithdraw,
  TokenUsage,
  uuidFromBytes,
  type yggdrasil,
} from '../../../proto/index.ts';
import type { OfferInput, ProviderError, ProviderFault, TokenClaim } from '../../domains/providers/index.ts';
import { AppError, invalidInput, notFound } from '../../kernel/errors.ts';
import { acknowledgement, type FrameHandler, payloadOf } from './frame-handler.ts';
import { REASON_CHARACTERS_MAX } from './limits.ts';
import { readDelta } from './read-delta.ts';

const offer: FrameHandler = async ({ providers }, { peer, frame, providerLink }) => {
  if (providerLink === null) throw noProvider();
  const { slots, models } = payloadOf(ProviderOffer, frame);
  await providers.offer(peer.actor, providerLink, { slots, models: models.map(offeredModel) });
  return acknowledgement(0);
};

const withdraw: FrameHandler = async ({ providers }, { peer, frame }) => {
  payloadOf(ProviderWithdraw, frame);
  await providers.withdraw(peer.actor);
  return acknowledgement(0);
};

const credit: FrameHandler = (_, { frame, providerLink }) => {
  if (providerLink === null) throw noProvider();
  const { bytes } = payloadOf(ComputeCredit, frame);
  if (!providerLink.bodyTaken(bytes)) throw invalidInput('Credit for more than was sent.');
  return null;
};

const delta: FrameHandler = ({ providers }, { peer, frame }) => {
  const { requestId, index, fields } = payloadOf(ComputeDelta, frame);
  providers.delta(peer.actor, { requestId: requestIdOf(requestId), index, delta: readDelta(fields) });
  return null;
};

const alive: FrameHandler = ({ providers }, { peer, frame }) => {
  const { requestId } = payloadOf(ComputeAlive, frame);
  providers.alive(peer.actor, { requestId: requestIdOf(requestId) });
  return null;
};

const result: FrameHandler = ({ providers }, { peer, frame, providerLink }) => {
  const { requestId: bytes, finishReason, usage, failure } = payloadOf(ComputeResult, frame);
  const requestId = requestIdOf(bytes);
  providerLink?.requestEnded(requestId);
  providers.result(peer.actor, {
    requestId,
    finishReason,
    claim: usage ? tokenClaim(usage) : null,
    error: failure ? providerError(failure) : null,
  });
  return null;
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
  [ComputeFault.PROVIDER_BUSY]: 'busy',
  [ComputeFault.MODEL_UNKNOWN]: 'model_unknown',
  [ComputeFault.ENDPOINT_STALLED]: 'stalled',
  [ComputeFault.ANSWER_MALFORMED]: 'malformed',
};

function providerError(failure: yggdrasil.v1.ComputeFailure.$Properties): ProviderError {
  const { fault, status, reason, param } = new ComputeFailure(failure);
  return {
    fault: FAULTS[fault] ?? 'provider',
    reason: printable(reason),
    status: status === 0 ? null : status,
    param: param === '' ? null : printable(param),
  };
}

/** A stranger's words as one short line. */
function printable(text: string): string {
  return text
    .slice(0, REASON_CHARACTERS_MAX)
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .trim();
}

/** Refuses with `transaction_not_found` what is no id: no request has it. */
function requestIdOf(bytes: Uint8Array): string {
  if (bytes.length !== 16) throw notFound('transaction');
  return uuidFromBytes(bytes);
}

function noProvider(): AppError {
  return new AppError('invalid', 'frame_type_unexpected', 'A provider connects over WebSocket.');
}

/** The frames that a provider sends. */
export const PROVIDER_FRAME_HANDLERS: readonly (readonly [FrameType, FrameHandler])[] = [
  [FrameType.PROVIDER_OFFER, offer],
  [FrameType.PROVIDER_WITHDRAW, withdraw],
  [FrameType.COMPUTE_CREDIT, credit],
  [FrameType.COMPUTE_DELTA, delta],
  [FrameType.COMPUTE_ALIVE, alive],
  [FrameType.COMPUTE_RESULT, result],
];
