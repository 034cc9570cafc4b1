import {
  ComputeApi,
  ComputeBody,
  ComputeCancel,
  ComputeCredit,
  ComputeRequest,
  encodePayload,
  RatatoskrType,
  uuidFromBytes,
  uuidToBytes,
  type yggdrasil,
} from '../../../proto/index.ts';
import { PIECE_BYTES_MAX, type WorkType } from '../../../proto/ratatoskr/index.ts';
import type { ComputeTask, ProviderLink } from '../../domains/providers/index.ts';
import { BodySender } from './body-sender.ts';
import { ECHOES_MAX } from './limits.ts';

/** The way to a provider's device in its session. */
export interface SessionProviderLink extends ProviderLink {
  /** The device took in so many bytes of bodies. False: it was never sent as many. */
  bodyTaken(bytes: number): boolean;
  /** The bytes that it took in were of this body, which may be one that only asks whether it answers. */
  echoed(requestId: Uint8Array): void;
  /** The device has ended the request: the rest of its body is not needed. */
  requestEnded(requestId: string): void;
}

/** What every operation is called on the wire. */
const APIS: Readonly<Record<ComputeTask['api'], yggdrasil.v1.ComputeApi>> = {
  chat: ComputeApi.API_CHAT,
  completions: ComputeApi.API_COMPLETIONS,
  embeddings: ComputeApi.API_EMBEDDINGS,
};

/** Makes the way to a provider's device. `send` sends one message; false: it can't be sent. */
export function createProviderLink(
  send: (type: WorkType, payload: Uint8Array) => boolean,
): SessionProviderLink {
  const bodies = new BodySender((requestId, data) =>
    send(RatatoskrType.COMPUTE_BODY, encodePayload(ComputeBody, { requestId: uuidToBytes(requestId), data })),
  );
  /** Bodies of no request: a program that gets one drops it, and says that it has (`ComputeBody`). */
  const echoes = new Map<string, () => void>();
  const forgetEcho = (id: string) => {
    echoes.delete(id);
    bodies.drop(id);
  };
  return {
    request({ requestId, model, body, task, ...order }) {
      const first = body.subarray(0, PIECE_BYTES_MAX);
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
      if (!send(RatatoskrType.COMPUTE_REQUEST, payload)) return false;
      bodies.add(requestId, body, first.length);
      return true;
    },
    grant(requestId, bytes) {
      const payload = encodePayload(ComputeCredit, { requestId: uuidToBytes(requestId), bytes });
      if (send(RatatoskrType.COMPUTE_CREDIT, payload)) return true;
      bodies.drop(requestId);
      return false;
    },
    cancel(requestId) {
      bodies.drop(requestId);
      return send(
        RatatoskrType.COMPUTE_CANCEL,
        encodePayload(ComputeCancel, { requestId: uuidToBytes(requestId) }),
      );
    },
    echo: (id) =>
      new Promise((resolve) => {
        const oldest = echoes.size < ECHOES_MAX ? undefined : echoes.keys().next().value;
        if (oldest !== undefined) forgetEcho(oldest);
        echoes.set(id, resolve);
        bodies.add(id, new Uint8Array(1), 0);
      }),
    bodyTaken: (bytes) => bodies.taken(bytes),
    echoed(requestId) {
      if (echoes.size === 0 || requestId.length !== 16) return;
      const id = uuidFromBytes(requestId);
      echoes.get(id)?.();
      echoes.delete(id);
    },
    requestEnded: (requestId) => bodies.drop(requestId),
  };
}
