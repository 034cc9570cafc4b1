import { expect, it } from 'vitest';
import {
  ComputeResult,
  DeviceSigned,
  encodePayload,
  RatatoskrType,
  uuidToBytes,
} from '../../../proto/index.ts';
import type { ProviderService, ResultMessage } from '../../../server/domains/providers/index.ts';
import type { DeviceActor } from '../../../server/kernel/actor.ts';
import { PROVIDER_HANDLERS } from '../../../server/transports/ratatoskr/provider-messages.ts';
import { SignedMessage } from '../../../server/transports/ratatoskr/signed-message.ts';

const requestId = '00000000-0000-4000-8000-000000000001';

/** A signed result comes; the providers' service does this with it. */
function resultComes(isRight: boolean, take: (message: ResultMessage) => void) {
  const seen = { checks: 0, ended: 0 };
  const message = encodePayload(ComputeResult, { requestId: uuidToBytes(requestId), finishReason: 'stop' });
  const signed = new SignedMessage(
    {
      type: RatatoskrType.COMPUTE_RESULT,
      sequence: 1,
      payload: encodePayload(DeviceSigned, { message, signature: new Uint8Array(64) }),
    },
    { publicKey: new Uint8Array(32), handshakeHash: new Uint8Array(32) },
    {
      ed25519: {
        isSignedBy: () => {
          seen.checks++;
          return isRight;
        },
      },
    },
  );
  const providers = { result: (_, came) => take(came) } as Partial<ProviderService> as ProviderService;
  const link = { requestEnded: () => void seen.ended++ } as never;
  const come = () =>
    PROVIDER_HANDLERS[RatatoskrType.COMPUTE_RESULT](providers, {} as DeviceActor, {
      payload: signed.message,
      link,
      cut: undefined as never,
      signed,
    });
  return { seen, come };
}

it('the signature of a result that nobody waits for is not checked', () => {
  const { seen, come } = resultComes(true, () => {});
  come();
  expect(seen).toEqual({ checks: 0, ended: 0 });
});

it('a result that ends a request is checked first, and what is wrong ends nothing', () => {
  const right = resultComes(true, (came) => expect(came.signature?.()).not.toBeNull());
  right.come();
  expect(right.seen).toEqual({ checks: 1, ended: 1 });
  const wrong = resultComes(false, (came) => void came.signature?.());
  expect(wrong.come).toThrow("not signed by the device's key");
  expect(wrong.seen).toEqual({ checks: 1, ended: 0 });
});
