import { expect, it } from 'vitest';
import { relayError } from '../../../server/domains/relay/index.ts';
import { AppError } from '../../../server/kernel/errors.ts';
import { REFUSAL_LOG_INTERVAL_MS } from '../../../server/transports/frames/limits.ts';
import { RefusalLog } from '../../../server/transports/frames/refusal-log.ts';
import { FakeClock } from '../../support/clock.ts';
import { createMemoryLogger } from '../../support/logger.ts';

function setUp() {
  const clock = new FakeClock();
  const { logger, lines } = createMemoryLogger();
  const log = new RefusalLog({ clock, logger });
  const written = () => lines.map(({ fields }) => [fields.code, fields.refusals]);
  return { clock, log, lines, written };
}

it('tells of the first refusal at once and of what follows within a second in one line', () => {
  const { clock, log, written } = setUp();
  log.add(relayError('frame_replayed'), {});
  expect(written()).toEqual([['frame_replayed', 1]]);
  for (let count = 0; count < 5_000; count++) log.add(relayError('unavailable'), {});
  expect(written()).toHaveLength(1);
  clock.advance(REFUSAL_LOG_INTERVAL_MS);
  expect(written()).toEqual([
    ['frame_replayed', 1],
    ['unavailable', 5_000],
  ]);
});

it('tells of the next one at once when nothing was refused for a second', () => {
  const { clock, log, written } = setUp();
  log.add(relayError('frame_replayed'), {});
  clock.advance(REFUSAL_LOG_INTERVAL_MS);
  log.add(relayError('frame_malformed'), {});
  expect(written().at(-1)).toEqual(['frame_malformed', 1]);
});

it('tells of the rest when the connection ends, and of nothing afterwards', () => {
  const { clock, log, written } = setUp();
  for (let count = 0; count < 3; count++) log.add(relayError('frame_malformed'), {});
  log.close();
  clock.advance(10 * REFUSAL_LOG_INTERVAL_MS);
  expect(written()).toEqual([
    ['frame_malformed', 1],
    ['frame_malformed', 2],
  ]);
});

it('shows a fault of the server with its cause, whatever else is refused in that second', () => {
  const { clock, log, lines } = setUp();
  log.add(relayError('frame_malformed'), {});
  const cause = new Error('a bug');
  log.add(new AppError('internal', 'internal', 'Something went wrong.', { cause }), {});
  log.add(relayError('frame_malformed'), {});
  clock.advance(REFUSAL_LOG_INTERVAL_MS);
  expect(lines.at(-1)).toMatchObject({ level: 'error', fields: { error: cause, refusals: 2 } });
});
