import {
  ComputeApi,
  ComputeBody,
  ComputeCancel,
  ComputeCredit,
  ComputeRequest,
  encodePayload,
  FrameType,
  uuidToBytes,
  type yggdrasil,
} from '../../../proto/index.ts';
import type { ComputeTask, ProviderLink } from '../../domains/providers/index.ts';
import { BodySender } from './body-sender.ts';
import { BODY_PIECE_BYTES } from './limits.ts';

/** The way to a provider's device over its Bifrost session. */
export interface FrameProviderLink extends ProviderLink {
  /** The device took in so many bytes of bodies. False: it was never sent as many. */
  bodyTaken(bytes: number): boolean;
  /** The device has ended the request: the rest of its body is not needed. */
  requestEnded(requestId: string): void;
}

/** What every operation is called on the wire. */
const APIS: Readonly<Record<ComputeTask['api'], yggdrasil.v1.ComputeApi>> = {
  chat: ComputeApi.API_CHAT,
  completions: ComputeApi.API_COMPLETIONS,
  embeddings: ComputeApi.API_EMBEDDINGS,
};

/** Makes the way to a provider's device. `send` signs and sends one frame; false: it can't be sent. */
export function createProviderLink(
  send: (type: FrameType, payload: Uint8Array) => boolean,
): FrameProviderLink {
  const bodies = new BodySender((requestId, data) =>
    send(FrameType.COMPUTE_BODY, encodePayload(ComputeBody, { requestId: uuidToBytes(requestId), data })),
  );
  return {
    request({ requestId, model, body, task, ...order }) {
      const first = body.subarray(0, BODY_PIECE_BYTES);
      const payload = encodePayload(ComputeRequest, {
        requestId: uuidToBytes(requestId),
        model,
        body: first,
        bodyBytes: body.length,
        completionTokensMax: order.completionTokensMax ?? 0,
        firstTokenTimeoutMs: order.firstTokenTimeoutMs,
        stallTimeoutMs: order.stallTimeoutMs,
        creditBytes: order.creditBytes,
        isContinuation: order.isContinuation,
        api: APIS[task.api],
      });
      if (!send(FrameType.COMPUTE_REQUEST, payload)) return false;
      bodies.add(requestId, body, first.length);
      return true;
    },
    grant(requestId, bytes) {
      const payload = encodePayload(ComputeCredit, { requestId: uuidToBytes(requestId), bytes });
      if (send(FrameType.COMPUTE_CREDIT, payload)) return true;
      bodies.drop(requestId);
      return false;
    },
    cancel(requestId) {
      bodies.drop(requestId);
      return send(
        FrameType.COMPUTE_CANCEL,
        encodePayload(ComputeCancel, { requestId: uuidToBytes(requestId) }),
      );
    },
    bodyTaken: (bytes) => bodies.taken(bytes),
    requestEnded: (requestId) => bodies.drop(requestId),
  };
}
