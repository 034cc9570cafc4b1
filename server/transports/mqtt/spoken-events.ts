import { Delivery, Event, encodePayload, FrameType, type FrameView } from '../../../proto/index.ts';
import type { ReadingService } from '../../domains/readings/index.ts';
import type { RelayService } from '../../domains/relay/index.ts';
import type { ShadowOwner, ShadowService } from '../../domains/shadow/index.ts';
import { readingIn, type SaidValue } from '../frames/readings.ts';
import { framesOf, type PlainFrame } from './plain-frames.ts';
import { plainTopicOf } from './plain-topics.ts';

/** What keeping the words of a device that isn't connected here needs. */
export interface SpeakerDependencies {
  readonly relay: Pick<RelayService, 'sendInName'>;
  readonly readings: Pick<ReadingService, 'record'>;
  readonly shadows: Pick<ShadowService, 'report'>;
}

/** An event that is said in the name of a device. */
export interface SpokenEvent {
  readonly payload: Uint8Array;
  /** What is kept of it as a reading or a state; null: nothing. */
  readonly said: SaidValue | null;
}

/**
 * The events in what a device says under its topics. Null: there are none for this topic. Refuses with `too_large`, `malformed_json`
 * and `invalid_input`.
 */
export function spokenEvents(
  deviceId: ShadowOwner['deviceId'],
  topic: string,
  payload: Uint8Array,
  isWill: boolean,
): SpokenEvent[] | null {
  const known = plainTopicOf(deviceId, topic);
  if (known === null || known.kind === 'capabilities') return null;
  return framesOf(known, payload, true).map((frame) => ({
    payload: encodePayload(Event, { ...Event.decode(frame.payload), isWill }),
    said: readingIn(viewOf(frame)),
  }));
}

/** What is asked of a frame to find the reading in it. */
const viewOf = ({ payload }: PlainFrame) =>
  ({ header: { delivery: Delivery.STORED, destinationId: null, madeByServer: true }, payload }) as FrameView;

/** Keeps events in the stream, for Bifrost clients of the network, and what they say as readings and state. All are over when it resolves. */
export async function keepSpoken(
  { relay, readings, shadows }: SpeakerDependencies,
  device: ShadowOwner,
  events: readonly SpokenEvent[],
): Promise<PromiseRejectedResult[]> {
  const said = events.flatMap((event) => event.said ?? []);
  const work: Promise<unknown>[] = [
    ...events.map(({ payload }) => relay.sendInName(device, { type: FrameType.EVENT, payload })),
    ...said
      .filter(({ isState }) => isState)
      .map(({ reading }) => shadows.report(device, { [reading.name]: reading.value })),
  ];
  const spoken = said.map(({ reading }) => reading);
  if (spoken.length > 0) work.push(readings.record(device, spoken));
  const outcomes = await Promise.allSettled(work);
  return outcomes.filter((outcome) => outcome.status === 'rejected');
}
