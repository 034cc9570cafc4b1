import { AppError } from '../../kernel/errors.ts';
import { ArrivingInput } from './arriving-input.ts';
import { DELTA_BYTES_MAX } from './limits.ts';

/** A part of a piece of an answer, as one COMPUTE_DELTA brings it. */
export interface DeltaPart {
  readonly requestId: string;
  readonly index: number;
  readonly fields: Uint8Array;
  /** The piece goes on. */
  readonly more: boolean;
}

/** Puts pieces of answers together that took several messages: one at a time in a session, which bounds what is kept. */
export class CutDelta {
  #arriving: { readonly requestId: string; readonly index: number; readonly fields: ArrivingInput } | null =
    null;

  /** The whole piece; null: more of it follows. Refuses with `provider_answer_malformed` what doesn't go on with what came. */
  add({ requestId, index, fields, more }: DeltaPart): Uint8Array | null {
    const arriving = this.#arriving;
    if (arriving === null && !more) return fields;
    const begun = arriving ?? { requestId, index, fields: new ArrivingInput() };
    this.#arriving = null;
    if (begun.requestId !== requestId || begun.index !== index)
      throw malformed('goes on with another piece.');
    if (begun.fields.length + fields.length > DELTA_BYTES_MAX) throw malformed('is too large.');
    begun.fields.add(fields);
    if (!more) return begun.fields.take();
    this.#arriving = begun;
    return null;
  }
}

function malformed(reason: string): AppError {
  return new AppError('invalid', 'provider_answer_malformed', `A piece of the answer ${reason}`);
}
