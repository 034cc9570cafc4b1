import {
  ComputeCancel,
  ComputeRequest,
  encodePayload,
  FrameType,
  uuidToBytes,
} from '../../../proto/index.ts';
import type { ProviderLink } from '../../domains/providers/index.ts';

/** The way to a provider's device over its Bifrost session. `send` signs and sends one frame; false: it can't be sent. */
export function createProviderLink(send: (type: FrameType, payload: Uint8Array) => boolean): ProviderLink {
  return {
    request: ({ requestId, model, body, completionTokensMax, stallTimeoutMs }) =>
      send(
        FrameType.COMPUTE_REQUEST,
        encodePayload(ComputeRequest, {
          requestId: uuidToBytes(requestId),
          model,
          body,
          maxTokens: completionTokensMax,
          stallTimeoutMs,
        }),
      ),
    // A Bifrost session has no message for credit: the provider sends as it can.
    tellsCredit: false,
    grant: () => true,
    cancel: (requestId) =>
      send(FrameType.COMPUTE_CANCEL, encodePayload(ComputeCancel, { requestId: uuidToBytes(requestId) })),
  };
}
