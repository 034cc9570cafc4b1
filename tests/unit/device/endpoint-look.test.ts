import { describe, expect, it } from 'vitest';
import { Endpoint } from '../../../device/provider/endpoint.ts';
import { FakeClock } from '../../support/clock.ts';

describe('a look at an endpoint', () => {
  const looked = (models: Response, chat: Response) =>
    new Endpoint(
      { baseUrl: 'https://cloud/v1', apiKey: 'secret-key' },
      { fetch: async (url) => (String(url).endsWith('/models') ? models : chat), clock: new FakeClock() },
    ).check(new AbortController().signal);
  const LIST = '{"data":[{"id":"m"}]}';

  it('finds a wrong key where everybody may read the list of models', async () => {
    const denied = new Response('{"error":{"message":"No auth for secret-key"}}', { status: 401 });
    const check = looked(new Response(LIST), denied);
    await expect(check).rejects.toMatchObject({
      isDenial: true,
      message: 'the endpoint answered status 401: No auth for ***',
    });
  });

  it('finds nothing wrong with one that has vectors only, or refuses what is empty', async () => {
    expect(await looked(new Response(LIST), new Response('', { status: 404 }))).toEqual(['m']);
    expect(await looked(new Response(LIST), new Response('{}', { status: 400 }))).toEqual(['m']);
  });
});
