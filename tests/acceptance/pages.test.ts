import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createDevice, createWorld, type World } from '../support/world.ts';

let server: TestServer;
let world: World;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

interface Page {
  readonly items: readonly { readonly id: string }[];
  readonly next: string | null;
}

it.each([
  [
    'networks',
    (number: number) => server.post('/api/v1/networks', { name: `N${number}` }, world.alice.token),
  ],
  [
    'devices',
    (number: number) => createDevice(server, world.alice.token, world.alice.network.id, `D${number}`),
  ],
])('a list of %s goes on behind an item that was removed between two pages', async (list, create) => {
  const { token } = world.alice;
  for (let number = 0; number < 3; number++) await create(number);
  const all = await server.get<Page>(`/api/v1/${list}`, token);
  const first = await server.get<Page>(`/api/v1/${list}?limit=2`, token);
  const last = first.items.at(-1)?.id;
  await server.request('DELETE', `/api/v1/${list}/${last}`, { token, expect: 200 });
  const rest = await server.get<Page>(`/api/v1/${list}?after=${first.next}`, token);
  expect(rest.items.map(({ id }) => id)).toEqual(all.items.slice(2).map(({ id }) => id));
  expect(rest.items.length).toBeGreaterThan(1);
});
