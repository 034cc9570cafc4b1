import { expect, it, onTestFinished } from 'vitest';
import { Delivery, Event, encodePayload, FrameType } from '../../proto/index.ts';
import { connect } from '../../server/platform/database/connect.ts';
import { BifrostSocket } from '../support/bifrost-socket.ts';
import { startTestServer } from '../support/server.ts';
import { createWorld } from '../support/world.ts';

const reading = encodePayload(Event, { name: 'sensor.temperature', value: { number: 20 } });

it('a server that another one has taken over from stores nothing more, ends its connections and stops', async () => {
  const server = await startTestServer();
  // What it can't save any more makes its end a failure.
  onTestFinished(() => server.stop().catch(() => undefined));
  const { alice } = await createWorld(server);
  const device = await BifrostSocket.open(server, alice.device);
  device.send({ delivery: Delivery.STORED }, reading);
  await device.next(FrameType.ACK);
  const owner = connect(server.databaseUrl, { connectionsMax: 1 });
  onTestFinished(() => owner.end());
  await owner`ALTER TABLE nodes NO FORCE ROW LEVEL SECURITY`;
  expect((await owner`DELETE FROM nodes`).count).toBe(1);
  device.send({ delivery: Delivery.STORED }, reading);
  expect([1001, 4503]).toContain(await device.closed());
  await expect
    .poll(() =>
      server.request('GET', '/readyz').then(
        ({ status }) => status,
        () => 503,
      ),
    )
    .toBe(503);
  expect(server.logs.map(({ fields }) => fields.operation)).toContain('node.lost');
  await owner`ALTER TABLE relay_frames NO FORCE ROW LEVEL SECURITY`;
  expect((await owner`SELECT 1 FROM relay_frames`).length).toBe(1);
});
