import type { DeviceService } from '../../domains/devices/index.ts';
import type { Actor } from '../../kernel/actor.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Caller, Connection, Pipeline } from '../pipeline/pipeline.ts';
import { CONTROL_SESSION, OPEN_SESSION } from './operations.ts';

/** Somebody who opens a session. */
export interface SessionOpening {
  /** The client's static key: it has the private one. */
  readonly publicKey: Uint8Array;
  /** Of a device: the key that it signs with what moves money; null: it signs nothing. */
  readonly signatureKey: Uint8Array | null;
  /** Uses up the ticket that it is opened with; null: it is opened with its token. False: it was used before. */
  readonly useTicket: (() => Promise<boolean>) | null;
  /** The session is this actor's. Resolves when it can be told so. */
  admit(actor: Actor): Promise<void>;
}

/** What is asked of the pipeline for a session itself. */
export interface SessionCalls {
  /** Finds out who opens a session and lets it in. Rejects with the refusal. */
  open(caller: Caller, opening: SessionOpening): Promise<void>;
  /**
   * Counts a message, whatever it asks for, and what it is refused with, where it is; null: it isn't. Throws only where too many
   * messages came.
   */
  control(actor: Actor, refusal: AppError | null, connection: Connection): void;
}

/** Makes the steps of both. A device's keys are bound to its token. */
export function createSessionCalls(
  pipeline: Pipeline,
  { devices }: { readonly devices: Pick<DeviceService, 'bindSessionKeys'> },
): SessionCalls {
  const control = pipeline.serveConnectionNow(CONTROL_SESSION, (_, refusal: AppError | null) => {
    if (refusal !== null) throw refusal;
  });
  return {
    open: pipeline.serve(
      OPEN_SESSION,
      async (actor, { useTicket, admit, ...keys }: SessionOpening): Promise<void> => {
        if (actor.kind === 'device') await devices.bindSessionKeys(actor, keys);
        if (useTicket !== null && !(await useTicket())) throw resumedTwice();
        await admit(actor);
      },
      {
        encode: () => {},
        refuse: (error) => {
          throw error;
        },
        observe: () => {},
      },
    ),
    control(actor, refusal, connection) {
      try {
        control(actor, refusal, connection);
      } catch (error) {
        if (error !== refusal) throw error;
      }
    },
  };
}

function resumedTwice(): AppError {
  return new AppError('conflict', 'session_resumed_twice', 'This session was resumed before.');
}
