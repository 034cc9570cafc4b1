import { describe, expect, it } from 'vitest';
import { Delivery, FrameType } from '../../../proto/index.ts';
import { checkForwarding, planResume } from '../../../server/domains/relay/rules.ts';
import { header as headerOf, uuid } from '../../support/frames.ts';

const header = (changes: Parameters<typeof headerOf>[0]) => ({
  version: 1,
  destinationId: null,
  correlationId: null,
  madeByServer: false,
  ...headerOf(changes),
});

describe('checkForwarding', () => {
  it('lets events go to one device or to all', () => {
    expect(checkForwarding(header({ type: FrameType.EVENT }))).toBeNull();
    expect(checkForwarding(header({ type: FrameType.EVENT, destinationId: uuid(4) }))).toBeNull();
  });

  it('refuses a command to all', () => {
    const command = header({ type: FrameType.COMMAND, delivery: Delivery.STORED });
    expect(checkForwarding(command)).toBe('frame_destination_unknown');
  });

  it('refuses a command that would not be stored', () => {
    const command = header({ type: FrameType.COMMAND, destinationId: uuid(4) });
    expect(checkForwarding(command)).toBe('frame_malformed');
  });

  it('refuses a frame to its own source', () => {
    const event = header({ destinationId: uuid(3) });
    expect(checkForwarding(event)).toBe('frame_destination_unknown');
  });

  it.each([FrameType.WELCOME, FrameType.PONG, 22, 99])(
    'refuses type %i, which no device sends to devices',
    (type) => {
      expect(checkForwarding(header({ type }))).toBe('frame_type_unexpected');
    },
  );

  it('refuses a delivery that does not exist', () => {
    expect(checkForwarding(header({ delivery: 2 }))).toBe('frame_malformed');
  });
});

describe('planResume', () => {
  const state = { epoch: 'e', head: 10, oldest: 5, trimmedOffset: 0, cursor: 7, joinedOffset: 0 };

  it('goes on at the kept position when the device names none', () => {
    expect(planResume(state, null)).toEqual({ startOffset: 7, recovered: true });
  });

  it('goes on where the device says', () => {
    expect(planResume(state, { epoch: 'e', offset: 4 })).toEqual({ startOffset: 4, recovered: true });
    expect(planResume(state, { epoch: 'e', offset: 10 })).toEqual({ startOffset: 10, recovered: true });
  });

  it('says when frames since then are gone', () => {
    expect(planResume(state, { epoch: 'e', offset: 3 })).toEqual({ startOffset: 3, recovered: false });
    expect(planResume({ ...state, cursor: 1 }, null)).toEqual({ startOffset: 1, recovered: false });
  });

  it('says when frames are gone that the device had acknowledged, to who asks for these alone', () => {
    const trimmed = { ...state, oldest: 1, trimmedOffset: 6 };
    expect(planResume(trimmed, { epoch: 'e', offset: 5 })).toEqual({ startOffset: 5, recovered: false });
    expect(planResume(trimmed, { epoch: 'e', offset: 6 })).toEqual({ startOffset: 6, recovered: true });
    expect(planResume({ ...trimmed, trimmedOffset: 9 }, null)).toEqual({ startOffset: 7, recovered: true });
  });

  it('goes on at the head when the position is of another stream or past its end', () => {
    expect(planResume(state, { epoch: 'x', offset: 9 })).toEqual({ startOffset: 10, recovered: false });
    expect(planResume(state, { epoch: 'e', offset: 11 })).toEqual({ startOffset: 10, recovered: false });
  });

  it('has nothing to recover in an empty stream', () => {
    const empty = { epoch: 'e', head: 0, oldest: 1, trimmedOffset: 0, cursor: 0, joinedOffset: 0 };
    expect(planResume(empty, null)).toEqual({ startOffset: 0, recovered: true });
  });

  it('gives a device nothing from before it joined, whatever position it names', () => {
    const joined = { ...state, joinedOffset: 8 };
    expect(planResume(joined, null)).toEqual({ startOffset: 8, recovered: true });
    expect(planResume(joined, { epoch: 'e', offset: 0 })).toEqual({ startOffset: 8, recovered: true });
    expect(planResume(joined, { epoch: 'e', offset: 9 })).toEqual({ startOffset: 9, recovered: true });
  });
});
