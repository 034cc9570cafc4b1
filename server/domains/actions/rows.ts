import type { ErrorCodeName } from '../../../proto/index.ts';
import type { AccountId, ActionId, DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { JointOutcome } from './joint-types.ts';
import type { Action, ActionChange, ActionEvent, ActionState, EndState } from './types.ts';

/** A row of `actions`. */
export interface ActionRow {
  id: ActionId;
  tenant_id: TenantId;
  network_id: NetworkId;
  device_id: DeviceId;
  asker_kind: 'account' | 'device';
  asker_id: string;
  chain: DeviceId[];
  name: string;
  arguments: JsonObject;
  priority: number;
  timeout_ms: number;
  state: ActionState;
  fraction: number | null;
  progress_text: string | null;
  result: JsonObject;
  error_code: ErrorCodeName | null;
  error_message: string | null;
  created_at: Date;
  deadline_at: Date;
  sent_at: Date | null;
  begun_at: Date | null;
  ended_at: Date | null;
  in_stream: boolean;
  command_id: string;
  last_event: number;
  last_report: number;
  result_bytes: number;
}

/** A row as the action it is. */
export const toAction = (row: ActionRow): Action => ({
  id: row.id,
  tenantId: row.tenant_id,
  networkId: row.network_id,
  deviceId: row.device_id,
  askedBy:
    row.asker_kind === 'account'
      ? { kind: 'account', id: row.asker_id as AccountId }
      : { kind: 'device', id: row.asker_id as DeviceId },
  chain: row.chain,
  name: row.name,
  arguments: row.arguments,
  priority: row.priority,
  timeoutMs: row.timeout_ms,
  state: row.state,
  progress: row.progress_text === null ? null : { fraction: row.fraction, text: row.progress_text },
  values: row.result,
  error: row.error_code === null ? null : { code: row.error_code, message: row.error_message ?? '' },
  createdAtMs: row.created_at.getTime(),
  deadlineAtMs: row.deadline_at.getTime(),
  sentAtMs: row.sent_at?.getTime() ?? null,
  begunAtMs: row.begun_at?.getTime() ?? null,
  endedAtMs: row.ended_at?.getTime() ?? null,
  isInStream: row.in_stream,
  commandId: row.command_id,
  lastEvent: row.last_event,
  lastReport: row.last_report,
  resultBytes: row.result_bytes,
});

/** A row of `action_events`. */
export interface EventRow {
  number: number;
  kind: ActionChange['kind'];
  at: Date;
  fraction: number | null;
  text: string | null;
  content: Uint8Array | null;
  state: EndState | null;
  error_code: ErrorCodeName | null;
  result: JsonObject | null;
}

/** A row as the event it is. */
export function toEvent(row: EventRow): ActionEvent {
  const of = { number: row.number, atMs: row.at.getTime() };
  switch (row.kind) {
    case 'begun':
      return { ...of, kind: 'begun' };
    case 'progress':
      return { ...of, kind: 'progress', fraction: row.fraction, text: row.text ?? '' };
    case 'chunk':
      return { ...of, kind: 'chunk', content: row.content ?? new Uint8Array(0) };
    case 'end': {
      const error = row.error_code === null ? null : { code: row.error_code, message: row.text ?? '' };
      return { ...of, kind: 'end', state: row.state ?? 'failed', error, values: row.result ?? {} };
    }
  }
}

/** An event's own columns; the rest is null. */
export function eventColumns(event: ActionEvent): Omit<EventRow, 'at' | 'number'> {
  const nothing = { fraction: null, text: null, content: null, state: null, error_code: null, result: null };
  switch (event.kind) {
    case 'begun':
      return { ...nothing, kind: 'begun' };
    case 'progress':
      return { ...nothing, kind: 'progress', fraction: event.fraction, text: event.text };
    case 'chunk':
      return { ...nothing, kind: 'chunk', content: event.content };
    case 'end': {
      const { state, error, values } = event;
      return {
        ...nothing,
        kind: 'end',
        state,
        error_code: error?.code ?? null,
        text: error?.message ?? null,
        result: values,
      };
    }
  }
}

/** A row of `joint_actions`. */
export interface JointRow {
  id: ActionId;
  tenant_id: TenantId;
  network_id: NetworkId;
  asker_id: AccountId;
  name: string;
  arguments: JsonObject;
  priority: number;
  timeout_ms: number;
  needed: number;
  outcome: JointOutcome | null;
  created_at: Date;
  deadline_at: Date;
  decided_at: Date | null;
}

/** A row of `joint_action_parts`. */
export interface PartRow {
  device_id: DeviceId;
  action_id: ActionId;
  state: EndState | null;
  error_code: ErrorCodeName | null;
  error_message: string | null;
}
