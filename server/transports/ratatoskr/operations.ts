import { COSTS, type Operation } from '../../kernel/operation.ts';
import { PROVIDER_OPERATIONS } from './provider-operations.ts';

/** Opening a session of Ratatoskr. */
export const OPEN_SESSION = {
  operation: 'ratatoskr.sessions.open',
  access: 'sessions.open',
  cost: COSTS.connection,
  audit: 'access',
  summary: 'Opens a session of Ratatoskr, in which every other operation can be asked for.',
  errors: [
    'device_key_wrong',
    'invalid_input',
    'session_not_resumable',
    'session_resumed_twice',
    'tenant_not_found',
    'tenant_suspended',
  ],
} as const satisfies Operation;

/** Every message in an open session but a provider's, whatever operation it asks for beside it. */
export const CONTROL_SESSION = {
  operation: 'ratatoskr.sessions.control',
  access: 'sessions.open',
  cost: COSTS.frame,
  audit: 'refusals',
  summary:
    'Says in a session of Ratatoskr that the client is there, asks for an operation, sends more input, or gives credit for an answer.',
  errors: [
    'operation_not_found',
    'ratatoskr_clock_wrong',
    'ratatoskr_message_malformed',
    'ratatoskr_request_type_wrong',
    'ratatoskr_type_unexpected',
    'ratatoskr_window_exceeded',
    'too_large',
  ],
} as const satisfies Operation;

/** What a session is beside the operations that are asked for in it. */
export const SESSION_OPERATIONS: readonly Operation[] = [
  OPEN_SESSION,
  CONTROL_SESSION,
  ...Object.values(PROVIDER_OPERATIONS),
];
