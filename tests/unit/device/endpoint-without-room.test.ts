import { describe, expect, it } from 'vitest';
import { ComputeFault } from '../../../proto/index.ts';
import { turn } from '../../support/clock.ts';
import { offering, request, results } from '../../support/provider-world.ts';

describe('an endpoint without room', () => {
  it.each([
    ['7', 7],
    ['0.2', 1],
    ['99999999', 3_600],
    [new Date(Date.now() + 90_000).toUTCString(), expect.closeTo(90, -1)],
    [new Date(0).toUTCString(), 0],
    ['soon', 0],
    ['-5', 0],
  ])('is told with when it may be asked again: %s', async (retryAfter, seconds) => {
    const world = await offering();
    world.scripted.status = 429;
    world.scripted.headers = { 'retry-after': retryAfter };
    await request(world, 1);
    world.scripted.write('{"error":{"message":"slow down"}}');
    world.scripted.end();
    await turn();
    expect(results(world)[0]?.failure).toMatchObject({
      fault: ComputeFault.ENDPOINT_BUSY,
      retryAfterSeconds: seconds,
    });
  });
});
