import type { Mqtt5Parts } from './parts.ts';
import { FAILURE, REASON } from './reason-codes.ts';
import { encodeAcknowledgement } from './write-packet.ts';

interface Acknowledgement {
  readonly cmd: 'puback' | 'pubrec' | 'pubcomp' | 'pubrel';
  readonly messageId: number;
  readonly reasonCode: number;
}

/** A client's answers to what was sent to it (section 4.3). */
export class OutgoingHandshakes {
  readonly #parts: Mqtt5Parts<unknown>;

  constructor(parts: Pick<Mqtt5Parts<unknown>, keyof Mqtt5Parts<unknown>>) {
    this.#parts = parts;
  }

  async take({ cmd, messageId, reasonCode }: Acknowledgement): Promise<void> {
    const { state, write, isLasting, knownId } = this.#parts;
    const tree = isLasting ? state.tree?.tree : undefined;
    const connection = state.admitted?.connection;
    const isAwaited = connection?.awaits(messageId) === true;
    if (cmd === 'pubrec' && reasonCode < FAILURE) {
      if (!isAwaited) {
        write(encodeAcknowledgement('pubrel', messageId, REASON.packetIdentifierNotFound));
        return;
      }
      // A message that is in memory only is in no queue.
      await tree?.outgoingUpdate({ id: knownId }, RELEASED(messageId)).catch(() => undefined);
      write(encodeAcknowledgement('pubrel', messageId));
      return;
    }
    if (!isAwaited) return;
    await tree?.outgoingClearMessageId({ id: knownId }, { messageId });
    connection?.confirmed(messageId);
  }
}

/** The second half of a handshake, in a queue. */
const RELEASED = (messageId: number) =>
  ({ cmd: 'pubrel', topic: '', payload: '', qos: 0, retain: false, messageId }) as const;
