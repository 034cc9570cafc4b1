import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { passwordOf } from '../../server/platform/database/embedded/bootstrap.ts';
import type { BenchSuite } from '../harness.ts';
import { cpuResult, rateResult, saturateBoth } from '../load/compare.ts';
import type { Load } from '../load/index.ts';
import type { LaneSpec } from '../load/lanes.ts';
import { startPart } from '../processes/part.ts';
import { type Product, startProduct } from '../processes/product.ts';
import type { BareRest } from '../references/bare-rest.ts';

const CONNECTIONS = 10;
const DEVICES = 20;
const SUPERUSER = 'postgres';
/** The columns of the answer, from the same tables. */
const STATEMENT = `
  SELECT id, name, world_type, capabilities, last_seen_at, created_at,
    ARRAY(SELECT network_id FROM yggdrasil.network_members WHERE device_id = devices.id ORDER BY network_id) AS network_ids
  FROM yggdrasil.devices AS devices WHERE id = $1`;

/** An authenticated read beside a bare route that runs the same SELECT on one pool, without tenancy. */
export const suite: BenchSuite = {
  name: 'rest',
  run: async (report, options) => {
    const product = await startProduct();
    const bare = startPart<BareRest>('bare-rest', 'server');
    const load = startPart<Load>('load', 'load');
    try {
      const networkId = await product.createNetwork('Home');
      const deviceIds: string[] = [];
      for (let i = 0; i < DEVICES; i++) {
        deviceIds.push((await product.createDevice(networkId, `Device ${i}`)).deviceId);
      }
      const barePort = await bare.call('listen', {
        socketDirectory: join(product.dataDirectory, 'data/postgresql/run'),
        user: SUPERUSER,
        password: passwordOf(SUPERUSER, databaseSecretOf(product.dataDirectory)),
        database: 'yggdrasil',
        statement: STATEMENT,
      });
      const databaseProcessId = databaseProcessOf(product);
      const lanes = (port: number, prefix: string, token: string | null): LaneSpec[] =>
        Array.from({ length: CONNECTIONS }, (_, i) => ({
          source: { kind: 'http', port, path: `${prefix}/${deviceIds[i % DEVICES]}`, token },
          sink: { kind: 'away' },
          messageBytes: 0,
          progress: 'acknowledged',
        }));
      const ours = {
        serverProcessId: product.processId,
        databaseProcessId,
        lanes: lanes(product.port, '/api/v1/devices', product.token),
      };
      const reference = {
        serverProcessId: bare.processId,
        databaseProcessId,
        lanes: lanes(barePort, '/devices', null),
      };
      const rounds = await saturateBoth(load, ours, reference, options, 1);
      report(rateResult('device-get', rounds));
      report(cpuResult('device-get-cpu', rounds));
    } finally {
      await Promise.all([load.stop(), bare.stop(), product.stop()]);
    }
  },
};

/** What the passwords of the embedded database follow from. */
function databaseSecretOf(dataDirectory: string): string {
  const { databaseSecret } = JSON.parse(readFileSync(join(dataDirectory, 'data/secrets.json'), 'utf8')) as {
    databaseSecret: string;
  };
  return databaseSecret;
}

/** The first process of its embedded database: the first line of the file that PostgreSQL writes about itself. */
function databaseProcessOf({ dataDirectory }: Product): number {
  const folder = join(dataDirectory, 'data/postgresql');
  const file = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((name) =>
    name.endsWith('postmaster.pid'),
  );
  return Number.parseInt(readFileSync(join(folder, file ?? 'postmaster.pid'), 'utf8'), 10);
}
