import type { Logger } from '../../kernel/logger.ts';
import type { ClientSession, Refusal } from './client-session.ts';
import { CLIENT_SUBSCRIPTIONS_MAX, TOPIC_BYTES_MAX, TOPIC_LEVELS_MAX } from './limits.ts';
import type { MqttReason } from './reason.ts';
import type { KeptOfTree, TreePacket } from './tree-types.ts';
import type { MqttEndpoint } from './types.ts';
import { bytesOf } from './wire.ts';

/** True: a topic or filter that is small enough to be kept and found. */
export function isOfUsableSize(topic: string): boolean {
  return Buffer.byteLength(topic) <= TOPIC_BYTES_MAX && topic.split('/').length <= TOPIC_LEVELS_MAX;
}

const isUsable = (topic: string): boolean => topic !== '' && !topic.startsWith('$') && isOfUsableSize(topic);

/** True: the client may publish to this topic of its tree. */
export function mayPublish<Session>(
  { tree }: MqttEndpoint<Session>,
  session: Session,
  topic: string,
): boolean {
  return isUsable(topic) && tree?.mayPublish(session, topic) === true;
}

/** True: the client may have this filter in its tree, too. `$share` is refused like every filter that begins with `$`. */
export const maySubscribe = <Session>(
  endpoint: MqttEndpoint<Session>,
  state: ClientSession<Session>,
  filter: string,
): boolean => subscriptionRefusal(endpoint, state, filter) === null;

/** Why the client can't have this filter in its tree, or null. */
export function subscriptionRefusal<Session>(
  { tree }: MqttEndpoint<Session>,
  state: ClientSession<Session>,
  filter: string,
): 'forbidden' | 'full' | null {
  if (state.tree === null || state.admitted === null) return 'forbidden';
  const { session, connection } = state.admitted;
  if (!isUsable(filter) || tree?.maySubscribe(session, filter) !== true) return 'forbidden';
  const hasRoom =
    state.tree.live.count(connection) < CLIENT_SUBSCRIPTIONS_MAX && state.tree.tree.hasRoomForSubscription();
  return hasRoom ? null : 'full';
}

/** Why the will can't be taken, or null: who may not publish to its topic may not have it published either. */
export function willRefusal<Session>(
  endpoint: MqttEndpoint<Session>,
  session: Session,
  will: { readonly topic: string; readonly payload: Uint8Array | string } | undefined,
): Refusal | null {
  if (will === undefined) return null;
  if (/[#+]/.test(will.topic) || !mayPublish(endpoint, session, will.topic)) {
    return { returnCode: 5, reason: 'a will to a forbidden topic' };
  }
  return bytesOf(will.payload).length > (endpoint.tree?.willBytesMax ?? 0)
    ? { returnCode: 5, reason: 'a will that is too large' }
    : null;
}

/** What became of a publication for the tree. */
export interface TakenByTree {
  /** False: it goes nowhere. */
  readonly isTaken: boolean;
  /** What its client was told; null: nothing. */
  readonly reason: MqttReason | null;
}

/** Keeps a publication of a client, and tells the endpoint; then it is acknowledged, and handed to subscribers. */
export async function takeIntoTree<Session>(
  { endpoint, logger }: { readonly endpoint: MqttEndpoint<Session>; readonly logger: Logger },
  state: ClientSession<Session>,
  packet: TreePacket,
  publisher: { readonly clientId: string; readonly messageId: number } | null,
): Promise<TakenByTree> {
  const { tree, admitted } = state;
  if (tree === null || admitted === null) throw new Error('no tree');
  const refusal = endpoint.tree?.refusal(admitted.session, packet) ?? null;
  if (refusal !== null) return { isTaken: false, reason: refusal };
  const isPlain = packet.qos === 0 && !packet.retain;
  const kept = isPlain ? NOTHING_KEPT : await tree.tree.keep(packet, publisher);
  const told = await endpoint.tree?.published(admitted.session, packet, kept).catch((error: unknown) => {
    const fields = { clientId: state.clientId.slice(0, 64), error };
    logger.error(fields, 'an MQTT publication was kept, but not passed on');
    // Without an acknowledgement it comes again.
    throw new Error('the publication was not passed on');
  });
  return { isTaken: true, reason: told ?? null };
}

const NOTHING_KEPT: KeptOfTree = { isRetained: true, droppedFor: [] };
