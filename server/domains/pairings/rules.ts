import { FrameType } from '../../../proto/index.ts';
import type { DeviceId, TenantId } from '../../kernel/ids.ts';
import type { Pairing, PairState, Permission, StandingRule } from './types.ts';

/** How a pairing stands at this moment. */
export function stateOf({ state, permission, askedUntilMs }: Pairing, nowMs: number): PairState {
  if (state === 'asked' && askedUntilMs <= nowMs) return 'timed_out';
  if (state === 'allowed' && permission.untilMs !== null && permission.untilMs <= nowMs) return 'expired';
  return state;
}

/** True where a question is open, or something is allowed: who asks again gets that. */
export function isStanding(pairing: Pairing, nowMs: number): boolean {
  const state = stateOf(pairing, nowMs);
  return state === 'asked' || state === 'allowed';
}

/** True where the name is one of those that may be sent. */
export function isIncluded(operations: Permission['operations'], name: string | null): boolean {
  if (operations === null) return true;
  if (name === null) return false;
  return operations.some((each) =>
    each.endsWith('.*') ? name.startsWith(each.slice(0, -1)) : name === each,
  );
}

/** Two devices and whose they are. */
export interface Owners {
  readonly source: TenantId;
  readonly target: TenantId;
}

/** True where the rule connects two devices without a question. */
export function isConnectedByRule(rule: StandingRule, owners: () => Owners): boolean {
  if (rule !== 'guests_ask') return rule === 'open';
  const { source, target } = owners();
  return source === target;
}

/** A frame from one device to another, as far as its permission asks. */
export interface DirectedFrame {
  readonly id: string;
  readonly type: FrameType;
  readonly sourceId: DeviceId;
  readonly targetId: DeviceId;
  /** The name of what is asked or said; read only where it matters. */
  readonly name: () => string | null;
}

/** `use`: it may be sent, and uses up this pairing's permission. */
export type Verdict = 'allowed' | 'connection_required' | 'connection_limited' | { readonly use: Pairing };

/** What is decided for a frame: for its own direction, for the other one, and by the rule. */
export interface Decided {
  readonly own: Pairing | undefined;
  readonly opposite: Pairing | undefined;
  readonly byRule: () => boolean;
}

/** What answers a device that was allowed to ask, and what keeps it informed. */
const ANSWERS: ReadonlySet<number> = new Set([FrameType.COMMAND_RESULT, FrameType.ERROR]);

/**
 * Whether a frame may be sent. What was decided for the two devices goes before the rule. Who may be sent to answers: results and
 * errors for as long as nobody withdrew, events while the permission lasts.
 */
export function judge(frame: DirectedFrame, { own, opposite, byRule }: Decided, nowMs: number): Verdict {
  const verdict = own === undefined ? null : judgeOwn(frame, own, nowMs);
  if (verdict === 'allowed' || (verdict !== null && typeof verdict === 'object')) return verdict;
  if (opposite !== undefined && isAnswer(frame, opposite, nowMs)) return 'allowed';
  if (verdict !== null) return verdict;
  if (opposite?.blockedBy) return 'connection_required';
  return byRule() ? 'allowed' : 'connection_required';
}

/** Null: nothing is decided for this direction. */
function judgeOwn(frame: DirectedFrame, pairing: Pairing, nowMs: number): Verdict | null {
  const { permission, usedBy } = pairing;
  switch (stateOf(pairing, nowMs)) {
    case 'allowed':
      // A rule that would not allow everything has ended it.
      if (pairing.decidedBy === 'rule') return 'allowed';
      if (
        !isIncluded(
          permission.operations,
          frame.type === FrameType.COMMAND || frame.type === FrameType.EVENT ? frame.name() : null,
        )
      )
        return 'connection_limited';
      return permission.once ? { use: pairing } : 'allowed';
    case 'used':
      // The same frame again: its sender may not have heard that it was taken.
      return usedBy === frame.id ? 'allowed' : 'connection_limited';
    case 'expired':
      return 'connection_limited';
    default:
      return pairing.blockedBy === null ? null : 'connection_required';
  }
}

function isAnswer(frame: DirectedFrame, opposite: Pairing, nowMs: number): boolean {
  const state = stateOf(opposite, nowMs);
  if (ANSWERS.has(frame.type)) return state === 'allowed' || state === 'used' || state === 'expired';
  return frame.type !== FrameType.COMMAND && state === 'allowed';
}

/** True where the pairing says something that an open rule doesn't. */
export function isLimiting(pairing: Pairing): boolean {
  const { state, blockedBy } = pairing;
  if (blockedBy !== null || state === 'used') return true;
  return state === 'allowed' && isNarrowed(pairing);
}

/** True where the target's side said what may be sent, and it is less than a rule gives, also when that is used up, over or withdrawn. */
export function isNarrowed({ decidedBy, permission }: Pairing): boolean {
  return decidedBy !== null && decidedBy !== 'rule' && isNarrower(permission);
}

const isNarrower = ({ operations, untilMs, once }: Permission) =>
  operations !== null || untilMs !== null || once;
