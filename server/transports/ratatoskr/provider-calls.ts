import { RatatoskrType, type yggdrasil } from '../../../proto/index.ts';
import type { ProviderService } from '../../domains/providers/index.ts';
import type { Actor } from '../../kernel/actor.ts';
import type { CallOnConnection, Connection, Pipeline } from '../pipeline/pipeline.ts';
import type { SessionProviderLink } from './provider-link.ts';
import {
  PROVIDER_HANDLERS,
  type ProviderMessage,
  registerOffer,
  type WorkMessageType,
} from './provider-messages.ts';
import { PROVIDER_OPERATIONS } from './provider-operations.ts';
import type { SignedMessage } from './signed-message.ts';

/** What a device registers: an offer, or null for none any more. */
export interface Registration {
  readonly offer: yggdrasil.v1.ProviderOffer.$Properties | null;
  readonly link: SessionProviderLink;
  /** What the device signed, where it signs. */
  readonly signed: SignedMessage | null;
}

/** What is asked of the pipeline for providers. All refuse with `forbidden` who is no device. */
export interface ProviderCalls {
  /** Lists a device, or takes it from the list. Rejects with the refusal. */
  register(actor: Actor, registration: Registration, connection: Connection): Promise<void>;
  /** Takes what a provider says about a request. Throws or rejects with the refusal. */
  work(
    type: WorkMessageType,
    actor: Actor,
    message: ProviderMessage,
    connection: Connection,
  ): void | Promise<void>;
}

/** Makes the steps of everything that providers do. */
export function createProviderCalls(
  pipeline: Pipeline,
  { providers }: { readonly providers: ProviderService },
): ProviderCalls {
  type Offered = {
    readonly offer: yggdrasil.v1.ProviderOffer.$Properties;
  } & Pick<Registration, 'link' | 'signed'>;
  const offer = pipeline.serveConnection(PROVIDER_OPERATIONS.offer, (actor, offered: Offered) => {
    offered.signed?.requireRight();
    return registerOffer(providers, actor, offered);
  });
  const withdraw = pipeline.serveConnection(
    PROVIDER_OPERATIONS.withdraw,
    (actor, { signed }: Pick<Registration, 'signed'>) => {
      signed?.requireRight();
      return providers.withdraw(actor);
    },
  );
  const call = (operation: 'credit' | 'delta' | 'alive' | 'result', type: WorkMessageType) =>
    pipeline.serveConnection(PROVIDER_OPERATIONS[operation], (actor, message: ProviderMessage) =>
      PROVIDER_HANDLERS[type](providers, actor, message),
    );
  const calls: Readonly<Record<WorkMessageType, CallOnConnection<ProviderMessage, void>>> = {
    [RatatoskrType.COMPUTE_CREDIT]: call('credit', RatatoskrType.COMPUTE_CREDIT),
    [RatatoskrType.COMPUTE_DELTA]: call('delta', RatatoskrType.COMPUTE_DELTA),
    [RatatoskrType.COMPUTE_ALIVE]: call('alive', RatatoskrType.COMPUTE_ALIVE),
    [RatatoskrType.COMPUTE_RESULT]: call('result', RatatoskrType.COMPUTE_RESULT),
  };
  return {
    register: async (actor, { offer: offered, link, signed }, connection) =>
      offered === null
        ? withdraw(actor, { signed }, connection)
        : offer(actor, { offer: offered, link, signed }, connection),
    work: (type, actor, message, connection) => calls[type](actor, message, connection),
  };
}
