import {
  ComputeChunk,
  ComputeResult,
  errorCodeName,
  FrameType,
  ProviderOffer,
  ProviderWithdraw,
  uuidFromBytes,
} from '../../../proto/index.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import { acknowledgement, type FrameHandler, payloadOf } from './frame-handler.ts';

const offer: FrameHandler = async ({ providers }, { peer, frame, providerLink }) => {
  if (providerLink === null) {
    throw new AppError('invalid', 'frame_type_unexpected', 'A provider connects over WebSocket.');
  }
  const { slots, models } = payloadOf(ProviderOffer, frame);
  await providers.offer(peer.actor, providerLink, {
    slots,
    models: models.map((model) => ({
      name: model.name ?? '',
      prices: model.priceCentsPer_1000Tokens ?? 0,
      contextTokens: model.contextTokens ?? 0,
    })),
  });
  return acknowledgement(0);
};

const withdraw: FrameHandler = async ({ providers }, { peer, frame }) => {
  payloadOf(ProviderWithdraw, frame);
  await providers.withdraw(peer.actor);
  return acknowledgement(0);
};

const chunk: FrameHandler = ({ providers }, { peer, frame }) => {
  const { requestId, index, text } = payloadOf(ComputeChunk, frame);
  const delta = { fields: { content: text }, text, bytes: Buffer.byteLength(text) };
  providers.delta(peer.actor, { requestId: requestIdOf(requestId), index, delta });
  return null;
};

const result: FrameHandler = ({ providers }, { peer, frame }) => {
  const { requestId, finishReason, promptTokens, completionTokens, error } = payloadOf(ComputeResult, frame);
  providers.result(peer.actor, {
    requestId: requestIdOf(requestId),
    finishReason,
    claim: { promptTokens, cachedPromptTokens: 0, completionTokens },
    error: error
      ? { code: errorCodeName(error.code ?? 0), message: error.message ?? '', status: null }
      : null,
  });
  return null;
};

/** Refuses with `transaction_not_found` what is no id: no request has it. */
function requestIdOf(bytes: Uint8Array): string {
  if (bytes.length !== 16) throw notFound('transaction');
  return uuidFromBytes(bytes);
}

/** The frames that a provider sends. */
export const PROVIDER_FRAME_HANDLERS: readonly (readonly [FrameType, FrameHandler])[] = [
  [FrameType.PROVIDER_OFFER, offer],
  [FrameType.PROVIDER_WITHDRAW, withdraw],
  [FrameType.COMPUTE_CHUNK, chunk],
  [FrameType.COMPUTE_RESULT, result],
];
