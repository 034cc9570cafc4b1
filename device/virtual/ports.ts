import type { ReplayWindowContent } from '../../proto/index.ts';

/** A running connection to the broker, subscribed to the device's own topic. */
export interface MqttLink {
  /** Publishes with QoS 1; resolves when the broker took it over, rejects when the connection ends first. */
  publish(payload: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** What a connection reports while it lasts. */
export interface MqttLinkHandlers {
  /** A message; it is acknowledged to the broker when this returns. */
  received(payload: Uint8Array): void;
  /** The connection is gone, without `close` having been called. */
  lost(reason: string): void;
}

/** Connects once. Rejects with `MqttRefusedError` when the broker doesn't accept the credentials. */
export type MqttConnector = (handlers: MqttLinkHandlers) => Promise<MqttLink>;

/** The broker refuses this device; another try won't help. */
export class MqttRefusedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MqttRefusedError';
  }
}

/** What a device keeps over a restart: on an ESP32 a page of flash, here a file. */
export interface DeviceMemory {
  load(): DeviceMemoryContent | null;
  save(content: DeviceMemoryContent): void;
}

/** Numbers and answers that make a command that comes twice, or comes again from a stranger, harmless. */
export interface DeviceMemoryContent {
  /** The last nonce that the device used. */
  readonly nonce: number;
  /** The nonces of commands, by the device that gave them. */
  readonly commandNonces: Readonly<Record<string, ReplayWindowContent>>;
  /** The highest nonce of all devices that were forgotten: one that isn't known must be above it. */
  readonly forgottenNonce: number;
  /** The command that was about to be carried out; null when it was answered. */
  readonly begun: BegunCommand | null;
  /** The same of an action; absent in what a version before 0.8 kept. */
  readonly begunAction?: BegunCommand | null;
  /** By name; absent in what a version before 0.15 kept. */
  readonly settings?: Readonly<Record<string, number>>;
  /** The last answers, oldest first. */
  readonly answers: readonly CommandAnswer[];
}

/** A command that is noted before it is carried out, so that it isn't carried out twice. */
export interface BegunCommand {
  readonly commandId: string;
  readonly sourceId: string;
}

/** An answer that was given. */
export interface CommandAnswer {
  readonly commandId: string;
  readonly sourceId: string;
  /** The id of the frame that carried the answer: sent again under the same id, it arrives once. */
  readonly frameId: string;
  /** Payload of the COMMAND_RESULT, or of an action's last THOR_RESULT, in base64. */
  readonly payload: string;
}
