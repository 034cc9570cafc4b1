import type { BenchSuite } from './harness.ts';

/** A suite as the list shows it; its code is loaded only when it runs. */
export interface SuiteEntry {
  readonly name: string;
  readonly measures: string;
  readonly needs: string;
  readonly load: () => Promise<{ suite: BenchSuite }>;
}

/** Every suite. A new one is a folder and a line here. */
export const suites: readonly SuiteEntry[] = [
  {
    name: 'core',
    measures: 'the compute core beside node:crypto, @noble/hashes, plain objects and BigInt',
    needs: 'build/core.wasm (npm run build); half a minute',
    load: () => import('./core/index.ts'),
  },
  {
    name: 'relay',
    measures:
      'frames between devices beside a bare uWebSockets.js forwarder; to who is away beside who is there',
    needs: 'Linux, the built program; two minutes',
    load: () => import('./relay/index.ts'),
  },
  {
    name: 'mqtt',
    measures:
      'MQTT: stored before PUBACK beside mosquitto, QoS 0 beside a bare aedes, plain clients and their readings',
    needs: "Linux, the built program, Debian's mosquitto; six minutes",
    load: () => import('./mqtt/index.ts'),
  },
  {
    name: 'ledger',
    measures: 'holds and their posts beside a function in the database for each pair',
    needs: 'Linux, the built program; half a minute',
    load: () => import('./ledger/index.ts'),
  },
  {
    name: 'analytics',
    measures: 'a page of analytics over the requests of a year beside the sums of all of them',
    needs:
      'Linux; half a minute, and with ANALYTICS_REQUESTS=10000000, which the bound is for, five minutes and 8 GB of disk',
    load: () => import('./analytics/index.ts'),
  },
  {
    name: 'bifrost',
    measures:
      "durable locks beside PostgreSQL's advisory locks, which keep nothing; how fair they are; a direct path beside a bare TLS socket",
    needs: 'Linux, the built program; half a minute',
    load: () => import('./bifrost/index.ts'),
  },
  {
    name: 'rest',
    measures: 'an authenticated read beside a bare route that runs the same SELECT',
    needs: 'Linux, the built program; half a minute',
    load: () => import('./rest/index.ts'),
  },
  {
    name: 'identity',
    measures:
      'a token that is known, sign-ins by code and by password, TLS handshakes, and how fast what is taken away ends',
    needs: "Linux, 10,500 open files for each process, the built program, Debian's openssl; five minutes",
    load: () => import('./identity/index.ts'),
  },
  {
    name: 'sessions',
    measures:
      'memory of 10,000 idle sessions and of the server, and how fast all devices are back after a restart',
    needs: 'Linux, 10,500 open files for each process, the built program; three minutes',
    load: () => import('./sessions/index.ts'),
  },
  {
    name: 'ratatoskr',
    measures: 'messages of Ratatoskr beside plain protobuf, handshakes beside the X25519 in them',
    needs: 'Linux, the built program; two minutes',
    load: () => import('./ratatoskr/index.ts'),
  },
  {
    name: 'peers',
    measures:
      'the same work beside mosquitto, nats-server and Centrifugo; each is said to be missing where it can not be had',
    needs:
      "Linux, the built program; Debian's mosquitto, Go for the others (built once, some minutes); four minutes",
    load: () => import('./peers/index.ts'),
  },
  {
    name: 'openai',
    measures:
      "chats and 512 streams through the marketplace beside the endpoint itself, Portkey's gateway and a bare pass-through; reads beside a long prompt",
    needs: 'Linux, the built program, npm for the gateway; six minutes',
    load: () => import('./openai/index.ts'),
  },
  {
    name: 'market',
    measures:
      "the market's choice of providers in seeded worlds beside other policies: shares, waits, prices",
    needs: 'build/core.wasm (npm run build), a checkout; ten minutes, with --quick two',
    load: () => import('./market/index.ts'),
  },
  {
    name: 'page',
    measures:
      'the page in a browser beside bare pages: long lists, a slow processor, live readings, and files beside uWebSockets.js',
    needs: "Linux, the built program, a checkout, Debian's chromium; three minutes, with --long ten more",
    load: () => import('./page/index.ts'),
  },
  {
    name: 'wamr',
    measures: "the device's core under WAMR on this machine, beside the same bytes in V8",
    needs: 'build/device (npm run device:build); a few seconds',
    load: () => import('./wamr/index.ts'),
  },
];
