import { Event, encodePayload } from '../../../proto/index.ts';
import type { ShadowOwner } from '../../domains/shadow/index.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import { PLAIN_TEXT_CHARACTERS_MAX } from './limits.ts';
import { keepSpoken, type SpeakerDependencies, type SpokenEvent, spokenEvents } from './spoken-events.ts';

/** A will that was published in the tree. */
interface SaidWill {
  readonly topic: string;
  readonly payload: Uint8Array | string;
}

/**
 * Says the wills of plain devices to Bifrost clients of their networks: as events that are wills, kept in the stream, because the
 * device isn't there to say it again. What they say of readings and state is kept as if the device had said it. What fails is in
 * the log.
 */
export function createWillTeller(dependencies: SpeakerDependencies & { readonly logger: Logger }) {
  return async (device: ShadowOwner, will: SaidWill): Promise<void> => {
    for (const { reason } of await keepSpoken(dependencies, device, eventsOf(device, will))) {
      const fields = { operation: 'mqtt.will', deviceId: device.deviceId, error: reason as unknown };
      dependencies.logger.warn(fields, 'a will was not passed on');
    }
  };
}

function eventsOf({ deviceId }: ShadowOwner, { topic, payload }: SaidWill): SpokenEvent[] {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  return understood(deviceId, topic, bytes) ?? [wholeWill(topic, bytes)];
}

/** Null: Bifrost has nothing of its own for this topic, or can't read what is said there. */
function understood(deviceId: ShadowOwner['deviceId'], topic: string, payload: Uint8Array) {
  try {
    return spokenEvents(deviceId, topic, payload, true);
  } catch (error) {
    if (error instanceof AppError) return null;
    throw error;
  }
}

const wholeWill = (topic: string, payload: Uint8Array): SpokenEvent => ({
  payload: encodePayload(Event, { name: topic, isWill: true, value: textOrBytes(payload) }),
  said: null,
});

function textOrBytes(bytes: Uint8Array) {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (text.length <= PLAIN_TEXT_CHARACTERS_MAX && !text.includes('\0'))
      return { kind: 'text', text } as const;
  } catch {
    // It is no text.
  }
  return { kind: 'data', data: bytes } as const;
}
