import { Delivery, decodePayload, Event, type FrameView, PayloadError } from '../../../proto/index.ts';
import type { SaidReading } from '../../domains/readings/index.ts';

/** A reading, and whether it is how something is that can be set. */
export interface SaidValue {
  readonly reading: SaidReading;
  readonly isState: boolean;
}

/**
 * The reading in an event to the whole network, where it is one to be kept: the sender wants it kept, or is a device that doesn't
 * sign, whose every word is. Null for all others: bytes, and what only its receivers can read.
 */
export function readingIn({ header, payload }: FrameView): SaidValue | null {
  const isKept = header.delivery === Delivery.STORED || header.madeByServer;
  if (!isKept || header.destinationId !== null) return null;
  try {
    const { name, value, unit, measuredAtMs, isState } = decodePayload(Event, payload);
    if (value?.data) return null;
    const said = value?.boolean ?? value?.integer ?? value?.number ?? value?.text ?? null;
    return { reading: { name, value: said, unit, measuredAtMs }, isState };
  } catch (error) {
    if (error instanceof PayloadError) return null;
    throw error;
  }
}
