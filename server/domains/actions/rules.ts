import { invalidInput } from '../../kernel/errors.ts';
import type { JsonValue } from '../../kernel/json.ts';
import {
  ARGUMENTS_CHARACTERS_MAX,
  ARGUMENTS_MAX,
  CHUNK_BYTES_MAX,
  EVENTS_MAX,
  NAME_CHARACTERS_MAX,
  PRIORITY_MAX,
  RESULT_BYTES_MAX,
  TEXT_CHARACTERS_MAX,
  TIMEOUT_MS_MAX,
  VALUES_CHARACTERS_MAX,
} from './limits.ts';
import type {
  Action,
  ActionChange,
  ActionEnd,
  ActionEvent,
  ActionState,
  AskedAction,
  Report,
} from './types.ts';

/** True while something may still happen to an action. */
export function isOpen(state: ActionState): boolean {
  return state === 'queued' || state === 'sent' || state === 'begun';
}

/** True while its device has it. */
export function isGiven(state: ActionState): boolean {
  return state === 'sent' || state === 'begun';
}

/** What becomes of a report. `known`: it was taken before. `over`: too late. `gap`: one before it is missing. */
export type ReportOutcome =
  | { readonly kind: 'known' | 'over' | 'gap' }
  | { readonly kind: 'taken'; readonly action: Action; readonly event: ActionEvent | null };

/** What a device's report makes of an action that it was given. The same report is taken once; after the end none is. */
export function takeReport(action: Action, { number, change }: Report, nowMs: number): ReportOutcome {
  if (number !== null && number <= action.lastReport) return { kind: 'known' };
  if (!isGiven(action.state)) return { kind: 'over' };
  const next = action.lastReport + 1;
  if (number !== null && number !== next && change.kind !== 'end') return { kind: 'gap' };
  const counted = { ...action, lastReport: number ?? next };
  return { kind: 'taken', ...happened(counted, withinLimits(action, change), nowMs) };
}

/** An action after a change, and the event of it; null: as many are kept as may be, or it had begun before. */
export function happened(
  action: Action,
  change: ActionChange,
  nowMs: number,
): { readonly action: Action; readonly event: ActionEvent | null } {
  const isNoEvent =
    change.kind === 'begun'
      ? action.begunAtMs !== null
      : change.kind === 'progress' && action.lastEvent >= EVENTS_MAX;
  if (isNoEvent) {
    return { action: changed(action, change, nowMs), event: null };
  }
  const lastEvent = action.lastEvent + 1;
  const event = { ...change, number: lastEvent, atMs: nowMs };
  return { action: { ...changed(action, change, nowMs), lastEvent }, event };
}

function changed(action: Action, change: ActionChange, nowMs: number): Action {
  const begunAtMs = action.begunAtMs ?? nowMs;
  const begun = { ...action, state: 'begun', begunAtMs } as const;
  switch (change.kind) {
    case 'begun':
      return begun;
    case 'progress':
      return { ...begun, progress: { fraction: change.fraction, text: change.text } };
    case 'chunk':
      return { ...begun, resultBytes: action.resultBytes + change.content.length };
    case 'end': {
      const { state, values, error } = change;
      return { ...action, state, values, error, endedAtMs: nowMs };
    }
  }
}

/** The change as it may be kept: a device's texts are cut, and what is too much ends the action. */
function withinLimits(action: Action, change: ActionChange): ActionChange {
  switch (change.kind) {
    case 'begun':
      return change;
    case 'progress': {
      const { fraction } = change;
      const known =
        fraction !== null && Number.isFinite(fraction) ? Math.min(1, Math.max(0, fraction)) : null;
      return { kind: 'progress', fraction: known, text: storable(change.text) };
    }
    case 'chunk': {
      const { length } = change.content;
      const isTooMuch = length > CHUNK_BYTES_MAX || action.resultBytes + length > RESULT_BYTES_MAX;
      return isTooMuch || action.lastEvent >= EVENTS_MAX ? TOO_LARGE : change;
    }
    case 'end': {
      if (JSON.stringify(change.values).length > VALUES_CHARACTERS_MAX) return TOO_LARGE;
      const error = change.error && { ...change.error, message: storable(change.error.message) };
      const values = Object.entries(change.values).map(([name, value]) => [
        whole(name),
        typeof value === 'string' ? whole(value) : value,
      ]);
      return { ...change, error, values: Object.fromEntries(values) };
    }
  }
}

const TOO_LARGE: ActionChange & ActionEnd = {
  kind: 'end',
  state: 'failed',
  error: {
    code: 'action_result_too_large',
    message: 'The device answered with more than is kept of one action.',
  },
  values: {},
};

/** PostgreSQL keeps no NUL in texts, and only whole characters. */
const isStorable = (text: string): boolean => !/[\0\p{Cs}]/u.test(text);
const whole = (text: string): string => text.replace(/[\0\p{Cs}]/gu, '\ufffd');

/** A device's text as it is kept. */
const storable = (text: string): string =>
  whole(text)
    .slice(0, TEXT_CHARACTERS_MAX)
    .replace(/\p{Cs}/gu, '');

/** Refuses with `invalid_input` what nobody may ask for. */
export function checkAsked(asked: Pick<AskedAction, 'name' | 'priority' | 'timeoutMs' | 'arguments'>): void {
  const { name, priority, timeoutMs } = asked;
  if (name === '' || name.length > NAME_CHARACTERS_MAX || /[\p{Cc}\p{Cs}]/u.test(name)) {
    throw invalidInput(`The name has 1 to ${NAME_CHARACTERS_MAX} characters, none of control.`);
  }
  if (!Number.isInteger(priority) || priority < 0 || priority > PRIORITY_MAX) {
    throw invalidInput(`The priority is 0 to ${PRIORITY_MAX}.`);
  }
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > TIMEOUT_MS_MAX) {
    throw invalidInput(`An action may take ${TIMEOUT_MS_MAX} ms at most.`);
  }
  const given = Object.entries(asked.arguments);
  if (given.length > ARGUMENTS_MAX) throw invalidInput(`${ARGUMENTS_MAX} arguments at most.`);
  if (JSON.stringify(asked.arguments).length > ARGUMENTS_CHARACTERS_MAX) {
    throw invalidInput(`The arguments have ${ARGUMENTS_CHARACTERS_MAX} characters of JSON at most.`);
  }
  if (!given.every(([argument, value]) => isStorable(argument) && isArgument(value))) {
    throw invalidInput(
      'An argument is a number, true, false, a text of whole characters without NUL, or bytes.',
    );
  }
}

/** What a value of the wire can carry. */
function isArgument(value: JsonValue): boolean {
  if (typeof value === 'string') return isStorable(value);
  if (typeof value === 'number' || typeof value === 'boolean') return true;
  return typeof (value as { base64?: unknown } | null)?.base64 === 'string';
}
