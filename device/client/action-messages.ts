import {
  decodePayload,
  type ErrorCodeName,
  encodePayload,
  errorCodeName,
  errorCodeNumber,
  ThorAction,
  ThorCancel,
  ThorCredit,
  ThorOutcome,
  ThorResult,
  toWholeCharacters,
  uuidFromBytes,
  uuidToBytes,
} from '../../proto/index.ts';
import type { DeviceCommandResult } from './messages.ts';
import { fromValues, type PlainValue, toValues } from './values.ts';

/** The command that a device which takes actions lists among its capabilities. */
export const ACTION_COMMAND = 'thor.action';
/** A part of a result has so many bytes at most. */
export const ACTION_CHUNK_BYTES_MAX = 16_384;
/** The number of a last report by a device that doesn't know how many went before. */
export const LAST_REPORT = 0x7fff_ffff;

/** How an action ended. `refused`: it was not begun. `unknown`: its device can't know whether it was carried out. */
export type ActionOutcome = 'done' | 'failed' | 'refused' | 'cancelled' | 'unknown' | 'timed_out';

const OUTCOMES: readonly (readonly [ActionOutcome, ThorOutcome])[] = [
  ['done', ThorOutcome.THOR_DONE],
  ['failed', ThorOutcome.THOR_FAILED],
  ['refused', ThorOutcome.THOR_REFUSED],
  ['cancelled', ThorOutcome.THOR_CANCELLED],
  ['unknown', ThorOutcome.THOR_UNKNOWN],
  ['timed_out', ThorOutcome.THOR_TIMED_OUT],
];
const outcomeNumber = (outcome: ActionOutcome): ThorOutcome =>
  OUTCOMES.find(([name]) => name === outcome)?.[1] ?? ThorOutcome.THOR_OUTCOME_UNSPECIFIED;
const outcomeName = (outcome: number): ActionOutcome =>
  OUTCOMES.find(([, number]) => number === outcome)?.[0] ?? 'failed';

/** The end of an action. */
export interface ActionEnd extends DeviceCommandResult {
  readonly outcome: ActionOutcome;
}

/** What happens to an action. */
export type ActionReport =
  | { readonly kind: 'begun' }
  /** `fraction`: 0 to 1; null: not known. */
  | { readonly kind: 'progress'; readonly fraction: number | null; readonly text: string }
  | { readonly kind: 'chunk'; readonly content: Uint8Array }
  | ({ readonly kind: 'end' } & ActionEnd);

/** What a device is asked for. */
export interface RequestedAction {
  readonly id: string;
  readonly name: string;
  readonly arguments: Readonly<Record<string, PlainValue>>;
  /** 0 to 9: the highest first. */
  readonly priority: number;
  /** What is left of its time. */
  readonly timeoutMs: number;
  /** The device that asks; null: a user. */
  readonly sourceId: string | null;
  /** It was given to this device before. */
  readonly again: boolean;
}

/** Payload of a THOR_ACTION frame to the server. */
export function encodeActionRequest(asked: {
  readonly id: string;
  readonly targetId: string;
  readonly name: string;
  readonly arguments: Readonly<Record<string, PlainValue>>;
  readonly priority: number;
  readonly timeoutMs: number;
  readonly credit: number;
  readonly causeId: string | null;
}): Uint8Array {
  const { id, targetId, causeId, arguments: given, ...rest } = asked;
  return encodePayload(ThorAction, {
    ...rest,
    actionId: uuidToBytes(id),
    targetId: uuidToBytes(targetId),
    arguments: toValues(given),
    causeId: causeId === null ? new Uint8Array(0) : uuidToBytes(causeId),
  });
}

/** A THOR_ACTION frame's payload, as the server sends it. Throws `PayloadError`. */
export function decodeAction(payload: Uint8Array): RequestedAction {
  const {
    actionId,
    name,
    arguments: given,
    priority,
    timeoutMs,
    sourceId,
    again,
  } = decodePayload(ThorAction, payload);
  return {
    id: uuidFromBytes(actionId),
    name,
    arguments: fromValues(given),
    priority: priority ?? 0,
    timeoutMs,
    sourceId: sourceId.length === 16 ? uuidFromBytes(sourceId) : null,
    again,
  };
}

/** Payload of a THOR_RESULT frame. */
export function encodeActionReport(id: string, number: number, report: ActionReport): Uint8Array {
  const of = { actionId: uuidToBytes(id), position: number };
  switch (report.kind) {
    case 'begun':
      return encodePayload(ThorResult, { ...of, begun: {} });
    case 'progress': {
      const { fraction, text } = report;
      const done =
        fraction === null ? {} : { permille: Math.round(Math.min(1, Math.max(0, fraction)) * 1_000) };
      return encodePayload(ThorResult, { ...of, progress: { text: toWholeCharacters(text), ...done } });
    }
    case 'chunk':
      return encodePayload(ThorResult, { ...of, chunk: report.content });
    case 'end': {
      const { outcome, error, values } = report;
      const refusal =
        error === null
          ? null
          : { code: errorCodeNumber(error.code), message: toWholeCharacters(error.message) };
      const end = { outcome: outcomeNumber(outcome), error: refusal, values: toValues(values) };
      return encodePayload(ThorResult, { ...of, end });
    }
  }
}

/** A THOR_RESULT frame's payload; `report` null: it says nothing that this version knows. Throws `PayloadError`. */
export function decodeActionReport(payload: Uint8Array): {
  readonly id: string;
  readonly number: number;
  readonly report: ActionReport | null;
} {
  const { actionId, position: number, begun, progress, chunk, end } = decodePayload(ThorResult, payload);
  const of = { id: uuidFromBytes(actionId), number };
  if (end) {
    const { outcome, error, values } = end;
    const told = error
      ? { code: errorCodeName(error.code ?? 0) as ErrorCodeName, message: error.message ?? '' }
      : null;
    const report = {
      kind: 'end',
      outcome: outcomeName(outcome ?? 0),
      error: told,
      values: fromValues(values),
    } as const;
    return { ...of, report };
  }
  if (progress) {
    const { permille, text } = progress;
    const fraction = permille == null ? null : permille / 1_000;
    return { ...of, report: { kind: 'progress', fraction, text: text ?? '' } };
  }
  if (chunk) return { ...of, report: { kind: 'chunk', content: chunk.slice() } };
  return { ...of, report: begun ? { kind: 'begun' } : null };
}

/** Payload of a THOR_CREDIT frame. */
export function encodeActionCredit(id: string, received: number, until: number, resume: boolean): Uint8Array {
  return encodePayload(ThorCredit, { actionId: uuidToBytes(id), received, until, resume });
}

/** Payload of a THOR_CANCEL frame. */
export function encodeActionCancel(id: string): Uint8Array {
  return encodePayload(ThorCancel, { actionId: uuidToBytes(id) });
}

/** A THOR_CANCEL frame's payload: which action. Throws `PayloadError`. */
export function decodeActionCancel(payload: Uint8Array): string {
  return uuidFromBytes(decodePayload(ThorCancel, payload).actionId);
}
