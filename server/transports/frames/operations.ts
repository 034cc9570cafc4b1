import { FrameType } from '../../../proto/index.ts';
import { COSTS, type Operation } from '../../kernel/operation.ts';

/** What every operation of a device's connection may be refused with, beside what `transports/error-table.ts` says. */
const FORWARDING_ERRORS = [
  'connection_limited',
  'connection_required',
  'frame_destination_unknown',
  'frame_malformed',
  'frame_too_large',
  'frame_type_unexpected',
] as const;

const session = { access: 'frames.send', cost: COSTS.frame, audit: 'none' } as const;
const forwarding = { ...session, errors: FORWARDING_ERRORS } as const;
const connecting = { ...session, cost: COSTS.write } as const;

/** An operation of a device on its connection. */
export type FrameOperation = Operation<'frames.send'>;

/** Every type of frame that a device may send, as an operation, on any transport. */
export const FRAME_OPERATIONS: ReadonlyMap<FrameType, FrameOperation> = new Map<FrameType, FrameOperation>([
  [
    FrameType.HELLO,
    {
      ...session,
      operation: 'frames.sessions.open',
      summary: 'Opens the session of a WebSocket, from where the device was in the stream.',
      errors: ['frame_type_unexpected', 'frame_payload_malformed', 'invalid_input', 'session_replaced'],
    },
  ],
  [
    FrameType.ACK,
    {
      ...session,
      operation: 'frames.sessions.acknowledge',
      summary: 'Says up to where in the stream frames were received.',
      errors: ['frame_type_unexpected', 'frame_payload_malformed', 'invalid_input'],
    },
  ],
  [
    FrameType.PING,
    {
      ...session,
      operation: 'frames.sessions.ping',
      summary: 'Asks for a PONG.',
      errors: [],
    },
  ],
  [
    FrameType.EVENT,
    { ...forwarding, operation: 'frames.events.send', summary: 'Tells a device, or all, what happened.' },
  ],
  [
    FrameType.CAPABILITIES,
    {
      ...forwarding,
      operation: 'devices.capabilities.announce',
      summary: 'Says what the device can do; kept, and forwarded.',
      errors: [...FORWARDING_ERRORS, 'frame_payload_malformed', 'invalid_input'],
    },
  ],
  [
    FrameType.COMMAND,
    { ...forwarding, operation: 'frames.commands.send', summary: 'Asks a device to do something.' },
  ],
  [
    FrameType.COMMAND_RESULT,
    { ...forwarding, operation: 'frames.commandResults.send', summary: 'Says what became of a command.' },
  ],
  [
    FrameType.ERROR,
    { ...forwarding, operation: 'frames.errors.send', summary: 'Refuses a frame of another device.' },
  ],
  [
    FrameType.SEALED,
    {
      ...forwarding,
      operation: 'frames.sealed.send',
      summary: 'Sends a device what the server can not read: an event, a command, a result or a refusal.',
    },
  ],
  [
    FrameType.CONNECTION_ASK,
    {
      ...connecting,
      operation: 'connections.ask',
      summary: 'Asks to send to another device of the network, which is asked in its turn.',
      errors: ['frame_payload_malformed', 'invalid_input', 'device_not_found', 'limit_reached'],
    },
  ],
  [
    FrameType.CONNECTION_DECISION,
    {
      ...connecting,
      audit: 'change',
      operation: 'connections.answer',
      summary: 'Lets another device send to this one, or does not.',
      errors: [
        'frame_payload_malformed',
        'invalid_input',
        'connection_not_found',
        'connection_decided',
        'forbidden',
      ],
    },
  ],
  [
    FrameType.CONNECTION_END,
    {
      ...connecting,
      audit: 'change',
      operation: 'connections.end',
      summary: 'Withdraws a connection: what is sent from then on is refused.',
      errors: ['frame_payload_malformed', 'invalid_input', 'connection_not_found', 'connection_decided'],
    },
  ],
  [
    FrameType.ROUTE_QUERY,
    {
      ...connecting,
      operation: 'routes.query',
      summary: 'Which devices of the network can be reached, over which path, and why others can not.',
      errors: ['frame_payload_malformed', 'invalid_input', 'device_not_found'],
    },
  ],
  [
    FrameType.DIRECT_OFFER,
    {
      ...connecting,
      operation: 'paths.offer',
      summary: 'Asks for a direct path to another device of the network, where both owners permit it.',
      errors: [
        'frame_payload_malformed',
        'invalid_input',
        'device_not_found',
        'direct_not_permitted',
        'connection_required',
        'device_offline',
        'limit_reached',
      ],
    },
  ],
  [
    FrameType.DIRECT_ANSWER,
    {
      ...connecting,
      operation: 'paths.answer',
      summary: 'Says where the device listens for a direct path that it was asked for.',
      errors: ['frame_payload_malformed', 'invalid_input', 'direct_path_not_found', 'direct_address_wrong'],
    },
  ],
  [
    FrameType.DIRECT_REPORT,
    {
      ...session,
      operation: 'paths.report',
      summary: 'Says how a direct path is, or that it is gone.',
      errors: ['frame_payload_malformed', 'invalid_input', 'direct_path_not_found'],
    },
  ],
  [
    FrameType.THOR_ACTION,
    {
      ...connecting,
      audit: 'change',
      operation: 'frames.actions.ask',
      summary: 'Asks another device of the network for an action, which is kept until its end.',
      errors: [
        'frame_payload_malformed',
        'invalid_input',
        'device_not_found',
        'action_not_found',
        'action_id_taken',
        'action_cyclic',
        'connection_limited',
        'connection_required',
        'limit_reached',
      ],
    },
  ],
  [
    FrameType.THOR_RESULT,
    {
      ...session,
      operation: 'frames.actions.report',
      summary: 'Says what becomes of an action that the device was asked for.',
      errors: [
        'frame_payload_malformed',
        'frame_malformed',
        'action_not_found',
        'action_over',
        'action_out_of_order',
      ],
    },
  ],
  [
    FrameType.THOR_CREDIT,
    {
      ...session,
      operation: 'frames.actions.credit',
      summary: 'Takes more of what happens to an action that the device asked for.',
      errors: ['frame_payload_malformed', 'invalid_input', 'action_not_found', 'limit_reached'],
    },
  ],
  [
    FrameType.THOR_CANCEL,
    {
      ...connecting,
      audit: 'change',
      operation: 'frames.actions.cancel',
      summary: 'Ends an action that the device asked for.',
      errors: ['frame_payload_malformed', 'action_not_found', 'action_over'],
    },
  ],
  [
    FrameType.SHADOW_QUERY,
    {
      ...connecting,
      operation: 'shadows.query',
      summary: 'What is wanted of the device that asks, and what it said of itself.',
      errors: [],
    },
  ],
  [
    FrameType.SHADOW_REPORT,
    {
      ...connecting,
      operation: 'shadows.report',
      summary: 'Changes what a device says of itself, where it knows the version of what it said before.',
      errors: ['frame_payload_malformed', 'invalid_input', 'conflict', 'limit_reached'],
    },
  ],
  [
    FrameType.UPDATE_REQUEST,
    {
      ...session,
      operation: 'updates.pieces.get',
      summary: 'Asks for a piece of the release that the device was offered.',
      errors: [
        'frame_payload_malformed',
        'invalid_input',
        'rollout_not_found',
        'rollout_state_wrong',
        'release_part_wrong',
      ],
    },
  ],
  [
    FrameType.UPDATE_REPORT,
    {
      ...session,
      operation: 'updates.report',
      summary: 'Says how far the device is with the release that it was offered.',
      errors: ['frame_payload_malformed', 'invalid_input', 'rollout_not_found'],
    },
  ],
]);

/** A device connects, by WebSocket or MQTT. */
export const CONNECTION_OPERATION = {
  operation: 'frames.connections.open',
  access: 'frames.send',
  cost: COSTS.connection,
  audit: 'access',
  summary: 'A device connects with its token.',
  errors: ['unauthenticated'],
} as const satisfies Operation;

/** An MQTT topic that a device may use, as an operation. */
export interface TopicOperation extends Operation<'frames.send'> {
  readonly audit: 'none';
  readonly action: 'publish' | 'subscribe';
  /** With `:deviceId` for the device's own id. */
  readonly topic: string;
}

/** What devices may do with MQTT topics: each two of its own for frames, those of its network's tree, commands and results in JSON. */
export const TOPIC_OPERATIONS: readonly [
  publish: TopicOperation,
  subscribe: TopicOperation,
  publishInTree: TopicOperation,
  subscribeInTree: TopicOperation,
  sendCommand: TopicOperation,
  sendResult: TopicOperation,
  askShadow: TopicOperation,
] = [
  {
    ...session,
    operation: 'mqtt.topics.publish',
    action: 'publish',
    topic: 'bifrost/v1/:deviceId/up',
    summary: 'Where a device publishes its frames.',
    errors: ['topic_forbidden'],
  },
  {
    ...session,
    operation: 'mqtt.topics.subscribe',
    action: 'subscribe',
    topic: 'bifrost/v1/:deviceId/down',
    summary: 'Where a device gets its frames.',
    errors: ['topic_forbidden'],
  },
  {
    ...session,
    operation: 'mqtt.tree.publish',
    action: 'publish',
    topic: '#',
    summary: 'Publishes in the tree of its network, to devices/:deviceId/ and what is nobody’s.',
    errors: ['topic_forbidden'],
  },
  {
    ...session,
    operation: 'mqtt.tree.subscribe',
    action: 'subscribe',
    topic: '#',
    summary: 'Subscribes in the tree of its network.',
    errors: ['topic_forbidden'],
  },
  {
    ...session,
    operation: 'mqtt.commands.send',
    action: 'publish',
    topic: 'devices/+/commands/+',
    summary: 'Asks another device to do something, in JSON.',
    errors: ['topic_forbidden'],
  },
  {
    ...session,
    operation: 'mqtt.results.send',
    action: 'publish',
    topic: 'devices/:deviceId/results',
    summary: 'Says in JSON what became of a command.',
    errors: ['topic_forbidden'],
  },
  {
    ...session,
    operation: 'mqtt.shadows.ask',
    action: 'publish',
    topic: 'devices/:deviceId/shadow/+',
    summary: 'Asks for its shadow, or reports under a version, in JSON.',
    errors: ['topic_forbidden'],
  },
];
