import { decodePayload, ProviderRegistration, RatatoskrType } from '../../../proto/index.ts';
import { type ProviderType, SIGNED_TYPES, type WorkType } from '../../../proto/ratatoskr/index.ts';
import type { ProviderService } from '../../domains/providers/index.ts';
import type { RefusalService } from '../../domains/refusals/index.ts';
import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Ed25519 } from '../../kernel/ed25519.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import { toAppError } from '../error-table.ts';
import { RefusalLog } from '../frames/refusal-log.ts';
import { WrongFrames } from '../frames/wrong-frames.ts';
import type { Connection } from '../pipeline/pipeline.ts';
import { CutDelta } from './cut-delta.ts';
import { REGISTRATIONS_MAX, WRONG_SIGNATURES_MAX } from './limits.ts';
import type { ProviderCalls } from './provider-calls.ts';
import { createProviderLink } from './provider-link.ts';
import { type SessionSigner, SignedMessage } from './signed-message.ts';

/** What every session of a provider needs. */
export interface ProviderSessionDependencies {
  readonly providerCalls: ProviderCalls;
  readonly providers: Pick<ProviderService, 'disconnected'>;
  readonly refusals: Pick<RefusalService, 'note'>;
  readonly ed25519: Pick<Ed25519, 'isSignedBy'>;
  readonly newRequestId: () => string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What a session does for the provider in it. */
export interface ProviderChannel {
  /** Sends a message. False: the session is over, or the device too slow. */
  send(type: WorkType, payload: Uint8Array): boolean;
  /** Answers a message: it was taken, under this name in the audit, or refused. */
  answer(sequence: number, outcome: AppError | string): void;
  end(reason: AppError): void;
}

/** A message of a provider in its session. */
export interface NumberedMessage {
  readonly type: ProviderType;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** What a device does as a provider in one session, from its first message as one to the end. */
export class ProviderSession {
  readonly #actor: Actor;
  readonly #connection: Connection;
  readonly #signer: SessionSigner | null;
  readonly #channel: ProviderChannel;
  readonly #dependencies: ProviderSessionDependencies;
  readonly #link;
  readonly #cut = new CutDelta();
  readonly #wrong = new WrongFrames();
  readonly #refusals: RefusalLog;
  #registering = 0;
  #wrongSignatures = 0;
  #isOver = false;

  constructor(
    {
      actor,
      connection,
      signer,
    }: {
      readonly actor: Actor;
      readonly connection: Connection;
      /** Null: what moves money is not signed in this session. */
      readonly signer: SessionSigner | null;
    },
    channel: ProviderChannel,
    dependencies: ProviderSessionDependencies,
  ) {
    this.#actor = actor;
    this.#connection = connection;
    this.#signer = signer;
    this.#channel = channel;
    this.#dependencies = dependencies;
    this.#link = createProviderLink((type, payload) => !this.#isOver && channel.send(type, payload));
    this.#refusals = new RefusalLog(dependencies, (error, _, count) => this.#note(error, count));
  }

  /** A message came. A refusal is answered; what can't be read ends the session. */
  received(opened: NumberedMessage): void {
    const { type, sequence } = opened;
    const signed = SIGNED_TYPES.has(type)
      ? new SignedMessage(opened, this.#signer, this.#dependencies)
      : null;
    const payload = signed?.message ?? opened.payload;
    if (type === RatatoskrType.PROVIDER_REGISTRATION) {
      void this.#register(sequence, decodePayload(ProviderRegistration, payload), signed);
      return;
    }
    const message = { payload, link: this.#link, cut: this.#cut, signed };
    try {
      const done = this.#dependencies.providerCalls.work(type, this.#actor, message, this.#connection);
      this.#wrong.accepted();
      if (done instanceof Promise) done.catch((error: unknown) => this.refuse(type, sequence, error));
    } catch (error) {
      this.refuse(type, sequence, error);
    }
  }

  /** The session is over: what this device works on fails over. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#refusals.close();
    if (this.#actor.kind !== 'device') return;
    this.#dependencies.providers.disconnected(this.#actor.deviceId, this.#link);
  }

  async #register(
    sequence: number,
    { offer, withdraw }: InstanceType<typeof ProviderRegistration>,
    signed: SignedMessage | null,
  ): Promise<void> {
    const requestId = this.#dependencies.newRequestId();
    this.#registering++;
    try {
      if (this.#registering > REGISTRATIONS_MAX) throw tooManyRegistrations();
      if (!offer && !withdraw) throw nothingRegistered();
      const registration = { offer: offer ?? null, link: this.#link, signed };
      const connection = { ...this.#connection, requestId, signature: () => signed?.signature ?? null };
      await this.#dependencies.providerCalls.register(this.#actor, registration, connection);
      this.#wrong.accepted();
      if (!this.#isOver) this.#channel.answer(sequence, requestId);
    } catch (error) {
      this.refuse(RatatoskrType.PROVIDER_REGISTRATION, sequence, error);
    } finally {
      this.#registering--;
    }
  }

  /** Refuses a message; what can't be read ends the session. */
  refuse(type: RatatoskrType, sequence: number, cause: unknown): void {
    const error = toAppError(cause);
    if (this.#isOver) return;
    const deviceId = this.#actor.kind === 'device' ? this.#actor.deviceId : null;
    this.#refusals.add(error, {
      operation: 'ratatoskr.receive',
      deviceId,
      messageType: RatatoskrType[type],
    });
    if (error.code === 'ratatoskr_message_malformed') {
      this.#channel.end(error);
      return;
    }
    this.#channel.answer(sequence, error);
    if (error.code === 'device_signature_wrong') this.#wrongSignatures++;
    if (this.#wrong.refused(error) || this.#wrongSignatures > WRONG_SIGNATURES_MAX) {
      this.#channel.end(new AppError('invalid', 'too_many_errors', 'Too many wrong messages.'));
    }
  }

  /** For the device's owner: what the log says is not for it. */
  #note({ code, publicMessage }: AppError, count: number): void {
    if (this.#actor.kind !== 'device') return;
    const told = { transport: 'websocket', topic: null, code, reason: publicMessage, count } as const;
    this.#dependencies.refusals.note(this.#actor, told);
  }
}

function tooManyRegistrations(): AppError {
  return new AppError('rate_limited', 'rate_limited', 'Earlier registrations have no answer yet.', {
    details: { retryAfterSeconds: 1 },
  });
}

function nothingRegistered(): AppError {
  return new AppError(
    'invalid',
    'invalid_input',
    'A registration offers something, or takes the offer back.',
  );
}
