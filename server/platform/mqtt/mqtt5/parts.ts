import type { Logger } from '../../../kernel/logger.ts';
import type { ClientSession } from '../client-session.ts';
import type { MqttEndpoint } from '../types.ts';

/** A connected client of MQTT 5, as its parts see it. */
export interface Mqtt5Parts<Session> {
  readonly state: ClientSession<Session>;
  readonly endpoint: MqttEndpoint<Session>;
  readonly logger: Logger;
  /** How the client is known in its tree. */
  readonly knownId: string;
  /** True: its session is kept in the tree. */
  readonly isLasting: boolean;
  /** False: reasons are for PUBLISH, CONNACK and DISCONNECT only [MQTT-3.1.2-29]. */
  readonly mayExplain: boolean;
  /** The largest packet that it takes. */
  readonly maxBytes: number;
  readonly write: (packet: Buffer) => void;
}
