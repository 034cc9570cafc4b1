import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { exportForMosquitto } from '../../../device/mosquitto/export.ts';

const ID = '00000000-0000-4000-8000-00000000000b';

/** Has the files written of what a server says, and says which there are. */
async function written(device: { id: string; networkIds: string[] }, serverUser = 'yggdrasil') {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ items: [device], next: null }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const dir = mkdtempSync(join(tmpdir(), 'yggdrasil-mosquitto-'));
  onTestFinished(() => {
    server.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const { port } = server.address() as { port: number };
  const options = { dir, serverUser, json: true, server: `http://127.0.0.1:${port}`, token: 'ygu_x' };
  return exportForMosquitto(options).then(
    () => readdirSync(dir),
    (error: Error) => [error.message, ...readdirSync(dir)],
  );
}

it.each([
  ['a device', { id: `${ID}\nuser mallory\ntopic readwrite #`, networkIds: [] }, 'yggdrasil'],
  ['a network', { id: ID, networkIds: ['x\ntopic readwrite #'] }, 'yggdrasil'],
  ['the user of the server', { id: ID, networkIds: [] }, 'a:b'],
])('writes nothing where the name of %s would be lines of its own', async (_, device, serverUser) => {
  expect(await written(device, serverUser)).toEqual([expect.stringContaining("can't be a name")]);
});
