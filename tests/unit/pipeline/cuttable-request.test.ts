import { expect, it } from 'vitest';
import { AppError } from '../../../server/kernel/errors.ts';
import { serveRegistered } from '../../../server/transports/pipeline/cuttable-request.ts';
import { newOwner } from '../../support/actors.ts';

it('a streamed answer says so when it is cut, to who waits for its reader', async () => {
  let end: (reason: AppError) => void = () => {};
  const arrival = {
    leave: () => {},
    register: (connection: { end(reason: AppError): void }) => {
      end = (reason) => connection.end(reason);
      return () => {};
    },
  };
  const request = { signal: new AbortController().signal } as never;
  const answer = await serveRegistered(
    { request, arrival, rate: null },
    { actor: newOwner(), isChange: false },
    async () => ({
      status: 200,
      body: (async function* () {
        yield 'a piece';
      })(),
    }),
  );
  expect(answer.cut?.aborted).toBe(false);
  end(new AppError('rate_limited', 'cut_off', 'You are cut off.'));
  expect(answer.cut?.aborted).toBe(true);
  const reading = (answer.body as AsyncIterable<string>)[Symbol.asyncIterator]();
  await expect(reading.next()).rejects.toMatchObject({ code: 'cut_off' });
});
