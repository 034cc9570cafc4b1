import {
  Command,
  CommandResult,
  decodePayload,
  type ErrorCodeName,
  encodePayload,
  errorCodeName,
  errorCodeNumber,
  FrameType,
  parseUuid,
  ThorAction,
  ThorCancel,
  ThorCredit,
  ThorOutcome,
  ThorResult,
  uuidFromBytes,
  uuidToBytes,
  type yggdrasil,
} from '../../../proto/index.ts';
import {
  type ActingDevice,
  type Action,
  type ActionChange,
  type ActionEnd,
  type ActionEvent,
  type ActionOutlet,
  type EndState,
  PRIORITY,
  TIMEOUT_MS,
} from '../../domains/actions/index.ts';
import { NIL_UUID, type RelayService, relayError } from '../../domains/relay/index.ts';
import { AppError, invalidInput, notFound } from '../../kernel/errors.ts';
import { type ActionId, asId, type DeviceId, type NetworkId } from '../../kernel/ids.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import {
  acknowledgement,
  type FrameHandler,
  type FrameServices,
  payloadOf,
  type ReceivedFrame,
} from './frame-handler.ts';
import { jsonOf, wireValue } from './json-values.ts';

/** A device whose capabilities list this command takes THOR_ACTION, others COMMAND. */
export const ACTION_COMMAND = 'thor.action';
/** How many events further than it has received a device may take. */
const CREDIT_MAX = 1_024;
/** The last position of a report. */
const POSITION_MAX = 0x7fff_ffff;

const OUTCOMES: Readonly<Record<EndState, yggdrasil.v1.ThorOutcome>> = {
  done: ThorOutcome.THOR_DONE,
  failed: ThorOutcome.THOR_FAILED,
  refused: ThorOutcome.THOR_REFUSED,
  cancelled: ThorOutcome.THOR_CANCELLED,
  unknown: ThorOutcome.THOR_UNKNOWN,
  timed_out: ThorOutcome.THOR_TIMED_OUT,
};

/** What a device says that it ended as; the server alone says that the time was over. */
const STATES: ReadonlyMap<number, EndState> = new Map([
  [ThorOutcome.THOR_DONE, 'done'],
  [ThorOutcome.THOR_FAILED, 'failed'],
  [ThorOutcome.THOR_REFUSED, 'refused'],
  [ThorOutcome.THOR_CANCELLED, 'cancelled'],
  [ThorOutcome.THOR_UNKNOWN, 'unknown'],
]);

/** Codes with which a device says that it has not begun a command. */
const NOT_BEGUN: ReadonlySet<ErrorCodeName> = new Set([
  'command_unknown',
  'command_argument_wrong',
  'frame_payload_malformed',
]);

/** JSON of `jsonOf` as values of the wire. */
function wireValues(values: JsonObject): Record<string, yggdrasil.v1.Value.$Properties> {
  const wire = ([name, value]: [string, JsonValue]) => [name, wireOf(value)] as const;
  return Object.fromEntries(Object.entries(values).map(wire));
}

function wireOf(value: JsonValue): yggdrasil.v1.Value.$Properties {
  if (typeof value !== 'object' || value === null) return wireValue(value);
  const { base64 } = value as { base64?: unknown };
  return { kind: 'data', data: Buffer.from(typeof base64 === 'string' ? base64 : '', 'base64') };
}

/** What the devices that actions are given to can do. */
export interface ActionDirectory {
  findCapabilities(deviceId: DeviceId): Promise<{ readonly commands: readonly string[] } | null>;
}

/** The way to connected devices, by frames of the server's own. */
export function createActionOutlet(
  relay: Pick<RelayService, 'tell' | 'isConnected' | 'sendToDevice'>,
  directory: ActionDirectory,
): ActionOutlet {
  return {
    isConnected: (device) => relay.isConnected(device),
    async give(action, { leftMs, again, isWanted }) {
      const { networkId, tenantId, deviceId, name } = action;
      const given = wireValues(action.arguments);
      const capabilities = await directory.findCapabilities(deviceId);
      if (!capabilities?.commands.includes(ACTION_COMMAND)) {
        if (!relay.isConnected(action) || !isWanted()) return 'lost';
        const payload = encodePayload(Command, { name, arguments: given });
        const command = { id: action.commandId, type: FrameType.COMMAND, payload };
        await relay.sendToDevice({ ...command, networkId, tenantId, deviceId });
        return 'kept';
      }
      const payload = encodePayload(ThorAction, {
        actionId: uuidToBytes(action.id),
        name,
        arguments: given,
        priority: action.priority,
        timeoutMs: Math.ceil(leftMs),
        again,
        sourceId: action.askedBy.kind === 'device' ? uuidToBytes(action.askedBy.id) : new Uint8Array(0),
      });
      if (!isWanted()) return 'lost';
      return relay.tell(deviceId, { type: FrameType.THOR_ACTION, networkId, payload }) ? 'told' : 'lost';
    },
    cancel({ id, deviceId, networkId, isInStream }) {
      if (isInStream) return;
      const payload = encodePayload(ThorCancel, { actionId: uuidToBytes(id) });
      relay.tell(deviceId, { type: FrameType.THOR_CANCEL, networkId, payload });
    },
    tell(deviceId, action, event) {
      const payload = encodePayload(ThorResult, eventMessage(action, event));
      return relay.tell(deviceId, { type: FrameType.THOR_RESULT, networkId: action.networkId, payload });
    },
  };
}

function eventMessage({ id }: Action, event: ActionEvent): Parameters<typeof ThorResult.encode>[0] {
  const of = { actionId: uuidToBytes(id), position: event.number };
  switch (event.kind) {
    case 'begun':
      return { ...of, begun: {} };
    case 'progress':
      return {
        ...of,
        progress: {
          text: event.text,
          ...(event.fraction === null ? {} : { permille: Math.round(event.fraction * 1_000) }),
        },
      };
    case 'chunk':
      return { ...of, chunk: event.content };
    case 'end': {
      const { state, error, values } = event;
      const refusal = error && { code: errorCodeNumber(error.code), message: error.message };
      return { ...of, end: { outcome: OUTCOMES[state], error: refusal, values: wireValues(values) } };
    }
  }
}

const ask: FrameHandler = async ({ actions }, { peer, frame }) => {
  const networkId = frame.header.networkId as NetworkId;
  const asked = payloadOf(ThorAction, frame);
  if (asked.credit > CREDIT_MAX) throw tooMuchCredit();
  const { action, isNew } = await actions.ask(peer.actor, {
    deviceId: asId<DeviceId>(uuidOf(asked.targetId, 'device')),
    networkId,
    networkTenantId: peer.memberships.get(networkId)?.networkTenantId ?? null,
    id: asId<ActionId>(uuidOf(asked.actionId, 'action')),
    name: asked.name,
    arguments: argumentsOf(asked.arguments),
    priority: asked.priority ?? PRIORITY,
    timeoutMs: asked.timeoutMs || TIMEOUT_MS,
    causeId: asked.causeId.length === 0 ? null : asId<ActionId>(uuidOf(asked.causeId, 'action')),
  });
  const credit = { received: 0, until: asked.credit, resume: true, isFirst: isNew };
  if (asked.credit > 0) await actions.takeCredit(peer.actor, action.id, credit);
  return acknowledgement(0);
};

const report: FrameHandler = async ({ actions }, received) => {
  const { actionId, position: number, ...result } = payloadOf(ThorResult, received.frame);
  const id = asId<ActionId>(uuidOf(actionId, 'action'));
  if (number < 1 || number > POSITION_MAX) throw relayError('frame_malformed');
  await actions.report(deviceOf(received), id, { number, change: changeOf(result) });
  return acknowledgement(0);
};

const takeCredit: FrameHandler = async ({ actions }, { peer, frame }) => {
  const { actionId, received, until, resume } = payloadOf(ThorCredit, frame);
  if (until - received > CREDIT_MAX) throw tooMuchCredit();
  const id = asId<ActionId>(uuidOf(actionId, 'action'));
  await actions.takeCredit(peer.actor, id, { received, until, resume, isFirst: false });
  return null;
};

const cancel: FrameHandler = async ({ actions }, { peer, frame }) => {
  const { actionId } = payloadOf(ThorCancel, frame);
  await actions.cancel(peer.actor, asId<ActionId>(uuidOf(actionId, 'action')));
  return acknowledgement(0);
};

/** A device that knows commands only says what became of one: it may be an action's. */
export async function commandAnswered(
  { actions }: Pick<FrameServices, 'actions'>,
  received: ReceivedFrame,
  result: Uint8Array,
): Promise<void> {
  const id = parseUuid(received.frame.header.correlationId ?? '');
  if (id === null || id === NIL_UUID) return;
  await actions.answered(deviceOf(received), id, endOfCommand(result));
}

function endOfCommand(payload: Uint8Array): ActionEnd {
  try {
    const { error, values } = decodePayload(CommandResult, payload);
    const told = errorOf(error);
    return { state: stateOfCommand(told?.code ?? null), error: told, values: jsonOf(values) };
  } catch {
    const message = 'The device’s answer can not be read.';
    return { state: 'failed', error: { code: 'frame_payload_malformed', message }, values: {} };
  }
}

function stateOfCommand(code: ErrorCodeName | null): EndState {
  if (code === null) return 'done';
  if (code === 'command_outcome_unknown') return 'unknown';
  return NOT_BEGUN.has(code) ? 'refused' : 'failed';
}

/** What a device says in a report. Refuses with `frame_payload_malformed` one that says nothing. */
function changeOf({
  begun,
  progress,
  chunk,
  end,
}: Partial<yggdrasil.v1.ThorResult.$Properties>): ActionChange {
  if (end) {
    const state = STATES.get(end.outcome ?? 0);
    if (state === undefined) throw saysNothing();
    return { kind: 'end', state, error: errorOf(end.error), values: jsonOf(end.values) };
  }
  if (chunk) return { kind: 'chunk', content: new Uint8Array(chunk) };
  if (progress) {
    const { permille, text } = progress;
    return { kind: 'progress', fraction: permille == null ? null : permille / 1_000, text: text ?? '' };
  }
  if (begun) return { kind: 'begun' };
  throw saysNothing();
}

const errorOf = (error: yggdrasil.v1.Error.$Properties | null | undefined) =>
  error ? { code: errorCodeName(error.code ?? 0), message: error.message ?? '' } : null;

/** Refuses with `invalid_input` a value that is none. */
function argumentsOf(given: Readonly<Record<string, yggdrasil.v1.Value.$Properties>>): JsonObject {
  const values = jsonOf(given);
  if (Object.values(values).includes(null)) throw invalidInput('An argument has no value.');
  return values;
}

/** The device in the network of its frame. */
function deviceOf({ peer, frame }: ReceivedFrame): ActingDevice {
  const networkId = frame.header.networkId as NetworkId;
  const membership = peer.memberships.get(networkId);
  if (membership === undefined) throw relayError('network_not_found');
  return { tenantId: membership.networkTenantId, networkId, deviceId: peer.actor.deviceId };
}

/** What is no id is nobody's. */
function uuidOf(bytes: Uint8Array, what: 'device' | 'action'): string {
  if (bytes.length !== 16) throw notFound(what);
  return uuidFromBytes(bytes);
}

const saysNothing = () =>
  new AppError('invalid', 'frame_payload_malformed', 'The payload is not what the type says.');
const tooMuchCredit = () => invalidInput(`A device takes ${CREDIT_MAX} events at a time at most.`);

/** The frames about actions. */
export const ACTION_FRAME_HANDLERS: readonly (readonly [FrameType, FrameHandler])[] = [
  [FrameType.THOR_ACTION, ask],
  [FrameType.THOR_RESULT, report],
  [FrameType.THOR_CREDIT, takeCredit],
  [FrameType.THOR_CANCEL, cancel],
];
