/**
 * Which layer may import what, as data. What no line allows is refused: packages, modules of Node and type-only imports
 * included. `.dependency-cruiser.cjs` turns each line into one entry of its allow-list.
 *
 * A line is `[what, reason, limits]`. `what` comes from the functions below. `limits` is optional: `types: true` allows
 * type-only imports alone, `only` names the files of the layer that may do it (a regular expression on the path).
 */

const { builtinModules } = require('node:module');

/** A package, with whatever it exports. */
const packages = (...names) => `(^|/)node_modules/(${names.map(literally).join('|')})/`;
/** Modules of Node, without `node:`. */
const node = (...names) => `^(node:)?(${names.map(literally).join('|')})$`;
/** Any module of Node. */
const ANY_NODE = node(...builtinModules.filter((name) => !name.startsWith('_')));
/** Everything in these folders. */
const folders = (...names) => `^(${names.join('|')})/`;
/** Single files. */
const files = (...names) => `^(${names.map(literally).join('|')})$`;

/** Other domains, each by its border. */
const borders = (names) => `^server/domains/(${names})/index\\.ts$`;
const ANY_BORDER = borders('[^/]+');

function literally(text) {
  return text.replaceAll('.', '\\.');
}

/** The part of the core's facade that only Node can load. */
const NODE_ONLY = '(node|node-crypto|server-core)\\.ts$';
/** The part of the core's facade that browsers can load, too. */
const HOST_FOR_BROWSERS = `^assembly/host/(?!${NODE_ONLY})`;
/** The kernel without the database's handle, which stores alone may use. */
const KERNEL = '^server/kernel/(?!database\\.ts$)';
const DATABASE = files('server/kernel/database.ts');
const WIRE = files('proto/index.ts');
/** Sessions of Ratatoskr, for both ends. */
const SESSIONS = files('proto/ratatoskr/index.ts');
/** What they need of cryptography, by Node. */
const NODE_PRIMITIVES = files('proto/ratatoskr/node.ts');
/** Keys of 32 bytes as Node takes them. */
const RAW_KEYS = files('proto/raw-keys.ts');
const DURABLE_FILES = files('server/platform/files/durable.ts');
const DATA_REMOVAL = files('server/platform/files/remove-data.ts');
const CLIENT = files('device/client/index.ts');
/** What every device asks of a script, and gives it. */
const SCRIPT_RULES = files(
  'device/scripts/admission.ts',
  'device/scripts/limits.ts',
  'device/scripts/manifest.ts',
  'device/scripts/module-reader.ts',
  'device/scripts/package.ts',
  'device/scripts/policy.ts',
  'device/sdk/natives.ts',
);

/** Which other domains a domain may see, and what else it may use. The table has no cycle; a test looks. */
const DOMAINS = {
  abuse: { sees: [], uses: [] },
  administration: { sees: [], uses: [] },
  tenants: { sees: [], uses: [] },
  accounts: {
    sees: ['spending', 'tenants'],
    uses: [[node('crypto'), 'codes are compared in constant time', { only: '/accounts/codes\\.ts$' }]],
  },
  networks: { sees: [], uses: [] },
  locks: { sees: [], uses: [] },
  actions: {
    sees: ['devices', 'networks'],
    uses: [[WIRE, 'names the codes of errors', { only: '/(rows|types)\\.ts$', types: true }]],
  },
  devices: {
    sees: ['networks', 'tenants'],
    uses: [
      [node('crypto'), 'secrets are compared in constant time', { only: '/claims\\.ts$' }],
      [files('proto/provisioning.ts'), 'reads what a device signs', { only: '/bootstrap\\.ts$' }],
    ],
  },
  presence: { sees: [], uses: [] },
  relay: {
    sees: [],
    uses: [
      [
        WIRE,
        'routes frames by their header and signs them',
        { only: '/(hop-signer|made-frames|relay-service|rules|service|types)\\.ts$' },
      ],
      [
        files('proto/replay-window.ts'),
        'keeps for each source the window that devices keep, too',
        { only: '/(nonces\\.postgres|ports|sources)\\.ts$' },
      ],
      [files('assembly/host/index.ts'), 'names the core that verifies and signs', { types: true }],
    ],
  },
  ledger: {
    sees: [],
    uses: [
      [node('crypto'), 'ids that follow from their content are a SHA-256', { only: '/accounts\\.ts$' }],
      [DATABASE, 'rows of others are written in its transaction', { only: '/types\\.ts$', types: true }],
    ],
  },
  pricing: {
    sees: [],
    uses: [[files('assembly/host/index.ts'), 'names the core that prices and splits', { types: true }]],
  },
  audit: {
    sees: [],
    uses: [
      [WIRE, 'checks its log as its readers do'],
      [node('crypto'), 'hashes records, signs heads', { only: '/(sha256|signing-keys)\\.ts$' }],
      [node('async_hooks'), 'knows the operation that a transaction is part of', { only: '/recorder\\.ts$' }],
    ],
  },
  quality: { sees: [], uses: [] },
  topics: {
    sees: [],
    uses: [[node('stream'), 'the broker’s library asks for streams', { only: '/tree\\.ts$' }]],
  },
  readings: { sees: ['devices'], uses: [] },
  refusals: { sees: ['devices'], uses: [] },
  drops: { sees: ['devices'], uses: [] },
  discovery: { sees: ['networks'], uses: [] },
  shadow: { sees: ['devices', 'networks'], uses: [] },
  commands: { sees: ['devices', 'networks', 'relay'], uses: [] },
  pairings: {
    sees: ['devices', 'networks', 'relay'],
    uses: [
      [
        WIRE,
        'reads the name in a frame where only some may be sent',
        { only: '/(frame-names|permission-book|rules)\\.ts$' },
      ],
    ],
  },
  topology: { sees: ['devices', 'networks'], uses: [] },
  groups: { sees: ['networks', 'relay'], uses: [] },
  'topic-rights': { sees: ['networks'], uses: [] },
  paths: {
    sees: ['devices', 'networks'],
    uses: [
      [WIRE, 'names the codes of errors', { only: '/types\\.ts$', types: true }],
      [node('net'), 'tells addresses of private networks', { only: '/rules\\.ts$' }],
    ],
  },
  routes: { sees: ['devices', 'topology'], uses: [] },
  releases: {
    sees: ['networks'],
    uses: [
      [WIRE, 'reads what owners sign, as devices do', { only: '/(limits|rules|types)\\.ts$' }],
      [node('crypto'), 'hashes content part by part', { only: '/content-hash\\.ts$' }],
    ],
  },
  rollouts: { sees: ['devices', 'groups', 'releases'], uses: [] },
  payments: { sees: [], uses: [] },
  providers: { sees: ['pricing', 'quality'], uses: [] },
  answers: { sees: [], uses: [] },
  decisions: { sees: [], uses: [] },
  registrations: { sees: ['decisions', 'pricing', 'providers'], uses: [] },
  checks: { sees: ['providers'], uses: [] },
  tokenizers: {
    sees: [],
    uses: [
      [
        node('crypto', 'util', 'zlib'),
        'unpacks files, and names them by their SHA-256',
        { only: '/packing\\.ts$' },
      ],
    ],
  },
  disputes: { sees: ['audit', 'decisions', 'ledger', 'transactions'], uses: [] },
  ratings: { sees: ['quality', 'transactions'], uses: [] },
  sessions: { sees: [], uses: [] },
  spending: { sees: [], uses: [] },
  transactions: { sees: [], uses: [] },
  requests: {
    sees: ['accounts', 'answers', 'audit', 'ledger', 'pricing', 'providers', 'spending', 'transactions'],
    uses: [
      [
        node('crypto'),
        'a request is recognized, what was ordered and delivered is told, by its SHA-256',
        { only: '/(keyed-requests|shares)\\.ts$' },
      ],
    ],
  },
};

/** Which packages, modules of Node and other adapters an adapter may use. All of them know the kernel. */
const ADAPTERS = {
  bus: [],
  database: [
    [packages('postgres'), 'the database client; nowhere else'],
    [node('path'), 'the name of a socket', { only: '/connect\\.ts$' }],
    [packages('umzug'), 'runs migrations', { only: '/migrate\\.ts$' }],
    [
      node('child_process', 'crypto', 'fs/promises', 'module', 'os', 'path', 'process', 'util'),
      'starts and stops the embedded server, a program with files and a password',
      { only: '/database/embedded/' },
    ],
    [DURABLE_FILES, 'makes the cluster', { only: '/database/embedded/' }],
    [DATA_REMOVAL, 'knows what is outside the data directory', { only: '/database/embedded/' }],
    [
      node('crypto'),
      'derives passwords, signs the tenant of a transaction',
      { only: '/(logins|scope)\\.ts$' },
    ],
    [node('timers/promises'), 'waits before it asks the server again'],
  ],
  files: [
    [node('crypto', 'fs', 'path'), 'writes files that outlast a loss of power'],
    [node('os'), 'removes what was put elsewhere', { only: '/remove-data\\.ts$' }],
  ],
  http: [
    [packages('uWebSockets.js'), 'the HTTP library; it is in http/ and websocket/ only'],
    [node('crypto', 'fs', 'path'), 'reads the files of the page', { only: '/static-files\\.ts$' }],
    [node('http'), 'the names of statuses', { only: '/reply\\.ts$' }],
    [node('net'), 'tells addresses from names', { only: '/listener\\.ts$' }],
    [folders('server/platform/websocket'), 'a socket begins as an HTTP request'],
    [folders('server/platform/listening'), 'shares the ways in'],
    [folders('server/platform/tls'), 'the certificate that it shows', { types: true }],
  ],
  listening: [
    [
      node('fs', 'fs/promises'),
      'asks the system what is open, and may be',
      { only: '/(descriptors|descriptor-watch|remote-addresses)\\.ts$' },
    ],
    [node('net'), 'compares addresses with ranges', { only: '/client-addresses\\.ts$' }],
  ],
  logging: [
    [packages('pino'), 'writes log lines'],
    [packages('pino-pretty'), 'writes them for people', { only: '/pretty\\.ts$' }],
    [node('stream'), 'writes to pipes'],
  ],
  'client-limiter': [[packages('lru-cache'), 'forgets whom it has not seen for longest']],
  mail: [[packages('nodemailer'), 'speaks SMTP', { only: '/smtp\\.ts$' }]],
  passkeys: [
    [packages('@simplewebauthn/server'), 'checks what authenticators sign', { only: '/webauthn\\.ts$' }],
    [node('net'), 'tells addresses from names', { only: '/relying-party\\.ts$' }],
  ],
  'password-hash': [[packages('@node-rs/argon2'), 'hashes passwords by argon2id']],
  'access-tokens': [[packages('jose'), 'signs and reads JSON Web Tokens']],
  oidc: [
    [packages('openid-client'), 'speaks OpenID Connect', { only: '/(issuer|client-secret)\\.ts$' }],
    [packages('jose'), 'signs the secret of a client', { only: '/client-secret\\.ts$' }],
    [node('crypto'), 'reads the key of a client', { only: '/client-secret\\.ts$' }],
  ],
  mdns: [
    [packages('bonjour-service'), 'speaks multicast DNS'],
    [node('os'), 'tells name and addresses of the machine'],
    [node('events'), 'hears errors of the library', { types: true }],
  ],
  metrics: [[packages('prom-client'), 'counts and formats']],
  mqtt: [
    [packages('aedes'), 'the MQTT broker'],
    [packages('mqtt-packet'), 'is a client of another broker', { only: '/foreign-broker/' }],
    [node('net', 'tls'), 'MQTT is TCP, with or without TLS'],
    [node('crypto'), 'reads certificates of clients', { only: '/securing\\.ts$' }],
    [folders('server/platform/tls'), 'the certificate that it shows', { types: true }],
    [
      '^server/platform/tls/client-certificates\\.ts$',
      'looks at certificates that clients show',
      { only: '/securing\\.ts$' },
    ],
    [node('buffer'), 'tells whether bytes are UTF-8', { only: '/(packet-rules|field-reader)\\.ts$' }],
    [node('stream'), 'packets are cut from a stream before the broker sees them'],
    [folders('server/platform/listening'), 'one error for a port that is taken'],
    [folders('server/platform/websocket'), 'MQTT in a WebSocket', { types: true }],
  ],
  node: [[DATABASE, 'the lease of a node is in the database']],
  secrets: [
    [packages('zod'), 'reads the file of secrets', { only: '/secrets-file\\.ts$' }],
    [node('crypto'), 'seals and makes secrets'],
    [RAW_KEYS, 'signs', { only: '/ed25519\\.ts$' }],
    [
      DATABASE,
      'the keys that secrets are sealed under are in the database',
      { only: '/data-keys\\.postgres\\.ts$' },
    ],
    [DURABLE_FILES, 'writes the file of secrets', { only: '/secrets-file\\.ts$' }],
    [
      node('fs', 'fs/promises', 'os', 'path', 'process'),
      'keeps the file of secrets',
      { only: '/secrets-file\\.ts$' },
    ],
  ],
  system: [
    [node('crypto'), 'is the source of randomness', { only: '/random\\.ts$' }],
    [DURABLE_FILES, 'makes the data directory', { only: '/data-directory\\.ts$' }],
    [
      node('fs', 'fs/promises', 'os', 'path', 'process'),
      'finds and locks the data directory',
      { only: '/data-directory\\.ts$' },
    ],
    [node('fs/promises'), 'asks how full the disk is', { only: '/disk-watch\\.ts$' }],
  ],
  tls: [
    [node('crypto', 'fs/promises'), 'reads certificates and keys'],
    [node('http'), 'answers an authority', { only: '/acme/challenge-server\\.ts$' }],
    [packages('acme-client'), 'speaks to an authority', { only: '/acme/orders\\.ts$' }],
    [node('fs'), 'keeps what an authority gave', { only: '/acme/' }],
    [DURABLE_FILES, 'keeps what an authority gave', { only: '/acme/' }],
    [packages('zod'), 'reads when an order failed', { only: '/acme/tls-from-acme\\.ts$' }],
  ],
  tokenizer: [
    [node('worker_threads'), 'counts in a thread of its own'],
    [packages('gpt-tokenizer'), 'counts', { only: '/worker\\.ts$' }],
    [packages('@huggingface/tokenizers'), 'counts', { only: '/model-worker\\.ts$' }],
  ],
  websocket: [
    [packages('uWebSockets.js'), 'its types; the library is started by http/', { types: true }],
    [folders('server/platform/http'), 'a socket begins as an HTTP request'],
    [folders('server/platform/listening'), 'shares the ways in'],
  ],
};

/** A chat, whichever API it comes by. */
const CHAT = folders('server/transports/chat');

/** What each transport may use beside domains, kernel, wire and the files that transports share. */
const TRANSPORTS = {
  frames: [[node('crypto'), 'compares a secret in constant time', { only: '/broker-gate\\.ts$' }]],
  pipeline: [
    [packages('zod'), 'schemas of operations'],
    [node('util'), 'compares deeply', { only: '/http\\.ts$' }],
    [folders('server/platform/http'), 'the shape of a request', { types: true }],
  ],
  bifrost: [[folders('server/platform/websocket'), 'the shape of a socket', { types: true }]],
  live: [
    [packages('zod'), 'the schema of a message'],
    [folders('server/platform/websocket'), 'the shape of a socket', { types: true }],
    [folders('server/platform/http'), 'the shape of a request', { types: true }],
  ],
  mqtt: [[folders('server/platform/mqtt'), 'the shape of a client', { types: true }]],
  ratatoskr: [
    [SESSIONS, 'speaks it'],
    [folders('server/platform/websocket'), 'the shape of a socket', { types: true }],
    [folders('server/platform/http'), 'the shape of a request', { types: true }],
  ],
  chat: [
    [packages('zod'), 'schemas of bodies'],
    [node('crypto'), 'knows a request again by its hash', { only: '/(retried-requests|completion)\\.ts$' }],
    [folders('server/platform/http'), 'the shape of a request', { types: true }],
  ],
  anthropic: [
    [packages('zod'), 'schemas of bodies'],
    [folders('server/platform/http'), 'the shape of a request', { types: true }],
    [CHAT, 'translates to it'],
  ],
  openai: [
    [packages('zod'), 'schemas of bodies'],
    [CHAT, 'the request that it shares with the other APIs'],
    [folders('server/platform/http'), 'the shape of a request', { types: true }],
    [
      '^server/transports/rest/schemas\\.ts$',
      'is described in the same document',
      { only: '/descriptions\\.ts$' },
    ],
  ],
  rest: [
    [CHAT, 'requests to the market are chats underneath', { only: '/(services|marketplace/[a-z-]+)\\.ts$' }],
    [packages('zod'), 'schemas of parameters, queries, bodies and answers'],
    [folders('server/platform/http'), 'the shape of a request', { types: true }],
    [node('crypto'), 'the tag of the OpenAPI document', { only: '/openapi\\.ts$' }],
    [node('util'), 'decodes UTF-8 strictly, compares deeply', { only: '/(openapi|transport)\\.ts$' }],
    [
      node('fs', 'module', 'path'),
      'serves the page of the package swagger-ui-dist',
      { only: '/documentation-routes\\.ts$' },
    ],
  ],
};

const own = (folder) => [folders(folder), 'its own files'];

const domainLayers = Object.entries(DOMAINS).map(([name, { sees, uses }]) => ({
  name: `domains/${name}`,
  path: folders(`server/domains/${name}`),
  imports: [
    own(`server/domains/${name}`),
    [KERNEL, 'the words of the house'],
    [DATABASE, 'the handle of a transaction', { only: '\\.postgres\\.ts$' }],
    ...(sees.length > 0 ? [[borders(sees.join('|')), 'sees these domains']] : []),
    ...uses,
  ],
}));

const adapterLayers = Object.entries(ADAPTERS).map(([name, uses]) => ({
  name: `platform/${name}`,
  path: folders(`server/platform/${name}`),
  imports: [
    own(`server/platform/${name}`),
    [name === 'database' ? folders('server/kernel') : KERNEL, 'adapts the outside to it'],
    ...uses,
  ],
}));

const transportLayers = Object.entries(TRANSPORTS).map(([name, uses]) => ({
  name: `transports/${name}`,
  path: folders(`server/transports/${name}`),
  imports: [
    own(`server/transports/${name}`),
    ['^server/transports/([^/]+\\.ts$|(pipeline|frames)/)', 'what transports share'],
    [KERNEL, 'the words of the house'],
    [ANY_BORDER, 'calls services'],
    [WIRE, 'frames, and the codes of errors'],
    ...uses,
  ],
}));

const deviceLayer = (name, uses) => ({
  name: `device/${name}`,
  path: folders(`device/${name}`),
  imports: [own(`device/${name}`), ...uses],
});
const PROGRAM = [
  [CLIENT, 'is a client'],
  [folders('device/node'), 'runs in Node'],
  [packages('commander'), 'reads its command line'],
];

/** Every file of ours is in exactly one of these. */
const LAYERS = [
  {
    name: 'program',
    path: files('server/program.ts', 'server/yggdrasil.ts'),
    imports: [
      [files('server/program.ts'), 'runs it', { only: '/yggdrasil\\.ts$' }],
      ['/command\\.ts$', 'joins the commands and does nothing else'],
      [packages('commander'), 'reads the command line'],
      [files('device/node/terminal.ts'), 'says what went wrong', { only: '/yggdrasil\\.ts$' }],
      [files('package.json'), 'tells the version'],
      [node('os'), 'asks whether the user has a home'],
    ],
  },
  {
    name: 'kernel',
    path: folders('server/kernel'),
    imports: [
      own('server/kernel'),
      [WIRE, 'the codes of errors are named by the wire', { types: true }],
      [packages('postgres'), 'names the handle of a transaction', { types: true, only: '/database\\.ts$' }],
    ],
  },
  ...adapterLayers,
  ...domainLayers,
  {
    name: 'transports',
    path: '^server/transports/[^/]+\\.ts$',
    imports: [
      ['^server/transports/[^/]+\\.ts$', 'its own files'],
      [KERNEL, 'the words of the house'],
      [folders('server/platform/http'), 'the shape of a request', { types: true }],
    ],
  },
  ...transportLayers,
  {
    name: 'jobs',
    path: folders('server/jobs'),
    imports: [own('server/jobs'), [KERNEL, 'the words of the house'], [ANY_BORDER, 'calls services']],
  },
  {
    name: 'config',
    path: folders('server/config'),
    imports: [
      own('server/config'),
      [KERNEL, 'the words of the house'],
      [packages('zod'), 'one schema of the configuration'],
      [node('net', 'url'), 'tells addresses from names', { only: '/values\\.ts$' }],
    ],
  },
  {
    name: 'app',
    path: folders('server/app'),
    imports: [
      [folders('server/app'), 'its own files'],
      [folders('server/(config|jobs|kernel|platform|transports)'), 'joins everything'],
      [ANY_BORDER, 'joins everything'],
      [folders('assembly/host'), 'loads the core'],
      [SESSIONS, 'names the keys of sessions', { types: true }],
      [NODE_PRIMITIVES, 'gives sessions the primitives of Noise'],
      [node('url'), 'finds the built page', { only: '/transports\\.ts$' }],
    ],
  },
  {
    name: 'dashboard',
    path: '^server/dashboard/(?!vite\\.config\\.ts$)',
    imports: [
      own('server/dashboard'),
      [packages('svelte'), 'views are components'],
      [packages('uplot'), 'draws plots', { only: '/plot\\.svelte$' }],
      [packages('uqr'), 'draws QR codes', { only: '/qr\\.svelte$' }],
      [files('proto/audit-log.ts'), 'checks the audit log', { only: '/audit-check\\.ts$' }],
      [folders('server/transports/rest'), 'what the API answers', { types: true, only: '/api/types\\.ts$' }],
      [packages('zod'), 'what the API answers', { types: true, only: '/api/types\\.ts$' }],
    ],
  },
  {
    name: 'page-build',
    path: files('server/dashboard/vite.config.ts'),
    imports: [
      [packages('vite', '@sveltejs/vite-plugin-svelte'), 'builds the page'],
      [node('fs', 'url', 'zlib'), 'compresses what was built'],
    ],
  },
  {
    name: 'main',
    path: files('server/main.ts', 'server/command.ts'),
    imports: [
      [files('server/main.ts'), 'the command starts the process'],
      [packages('commander'), 'describes the command', { only: '/command\\.ts$' }],
      [files('device/node/server-options.ts'), 'options as everywhere', { only: '/command\\.ts$' }],
      [folders('server/app'), 'starts the app'],
      [folders('server/(config|kernel)'), 'reads the environment'],
      [folders('server/platform/(logging|system)'), 'a process has a log, a clock and a directory'],
      [node('fs'), 'reads the configuration file and the core'],
    ],
  },
  {
    name: 'proto',
    path: folders('proto'),
    imports: [
      ['^proto/(?!(ratatoskr/node|raw-keys)\\.ts$)', 'its own files, which browsers load'],
      [RAW_KEYS, 'reads and writes keys', { only: '/ratatoskr/node\\.ts$' }],
      [packages('protobufjs'), 'messages are generated for it'],
      [
        packages('@noble/ciphers', '@noble/curves', '@noble/hashes'),
        'the primitives of Noise, for browsers',
        { only: '/ratatoskr/noble\\.ts$' },
      ],
      [node('crypto'), 'the same in native code, for Node', { only: '/(ratatoskr/node|raw-keys)\\.ts$' }],
    ],
  },
  { name: 'assembly', path: '^assembly/(?!host/)', imports: [['^assembly/(?!host/)', 'its own files']] },
  {
    name: 'assembly/host',
    path: folders('assembly/host'),
    imports: [
      [HOST_FOR_BROWSERS, 'its own files'],
      [folders('assembly/host'), 'what needs Node may use the rest', { only: `/${NODE_ONLY}` }],
      [packages('@assemblyscript/loader'), 'instantiates a module'],
      [node('crypto'), 'hashes long messages faster', { only: '/node-crypto\\.ts$' }],
    ],
  },
  deviceLayer('client', [
    [WIRE, 'speaks frames'],
    [SESSIONS, 'speaks Ratatoskr'],
    [files('proto/ratatoskr/noble.ts'), 'agrees on keys'],
    [HOST_FOR_BROWSERS, 'signs with the core', { types: true }],
  ]),
  deviceLayer('node', [
    [CLIENT, 'gives it what Node has'],
    [WIRE, 'speaks frames'],
    [NODE_PRIMITIVES, 'agrees on keys as fast as Node can'],
    [folders('assembly/host'), 'loads the core'],
    [packages('commander', 'string-width', 'ws'), 'a program has arguments, a terminal and a socket'],
    [packages('bonjour-service'), 'finds servers', { only: '/find-servers\\.ts$' }],
    [node('net'), 'tells addresses apart', { only: '/find-servers\\.ts$' }],
    [node('zlib'), 'packs a file', { only: '/packed-file\\.ts$' }],
    [node('http', 'net'), 'the socket below', { types: true, only: '/websocket\\.ts$' }],
    [node('fs', 'path', 'url'), 'a program has files'],
    [DURABLE_FILES, 'keeps a login and a key', { only: '/(seal-key|login)-file\\.ts$' }],
    [node('os'), 'finds the folder of a login', { only: '/login-file\\.ts$' }],
    [node('tls', 'net', 'os'), 'connects with other devices directly', { only: '/direct/' }],
    [node('crypto'), 'proves itself there, and signs', { only: '/direct/(certificate|node-signing)\\.ts$' }],
    [node('stream'), 'a program has output', { types: true, only: '/(output|terminal)\\.ts$' }],
    [node('util'), 'paints text', { only: '/terminal\\.ts$' }],
  ]),
  deviceLayer('virtual', [
    ...PROGRAM,
    [WIRE, 'speaks frames'],
    [packages('mqtt'), 'connects as microcontrollers do', { only: '/mqtt-connector\\.ts$' }],
    [node('fs'), 'its memory is files', { only: '/(memory-file|store|flash-files)\\.ts$' }],
    [DURABLE_FILES, 'its memory is files', { only: '/(memory-file|store|flash-files)\\.ts$' }],
    [node('crypto', 'zlib'), 'hashes images and checks its table', { only: '/updates/(slots|table)\\.ts$' }],
    [files('device/scripts/package.ts'), 'checks signatures as for scripts', { only: '/updates/' }],
    [node('path'), 'its scripts are a folder', { only: '/scripts/store\\.ts$' }],
    [node('vm'), 'limits the time of a call', { only: '/scripts/instance\\.ts$' }],
    [SCRIPT_RULES, 'runs scripts by the rules of every device', { only: '/scripts/' }],
  ]),
  deviceLayer('scripts', [
    ...PROGRAM,
    [files('device/sdk/natives.ts'), 'what scripts may call'],
    [DURABLE_FILES, 'writes keys and packages'],
    [packages('assemblyscript'), 'compiles scripts', { only: '/compile\\.ts$' }],
    [node('crypto'), 'signs and hashes', { only: '/(package|project)\\.ts$' }],
    [RAW_KEYS, 'reads public keys', { only: '/package\\.ts$' }],
    [node('fs', 'path'), 'a script is a folder'],
  ]),
  deviceLayer('releases', [
    ...PROGRAM,
    [WIRE, 'signs manifests that devices read'],
    [files('device/scripts/package.ts'), 'keys and hashes as for scripts'],
    [DURABLE_FILES, 'writes keys and packages'],
    [node('crypto', 'fs'), 'signs files'],
  ]),
  deviceLayer('sdk', []),
  deviceLayer('provision', [
    ...PROGRAM,
    [DURABLE_FILES, 'keeps its credentials'],
    [node('fs'), 'looks for its credentials'],
    [files('proto/provisioning.ts'), 'knows what it signs', { only: '/main\\.ts$' }],
    [node('crypto'), 'signs with the key of its certificate', { only: '/main\\.ts$' }],
    [packages('jose'), 'seals them', { only: '/identity\\.ts$' }],
  ]),
  deviceLayer('provider', [...PROGRAM, [WIRE, 'speaks of work'], [SESSIONS, 'cuts it into messages']]),
  deviceLayer('frame', [
    ...PROGRAM,
    [WIRE, 'shows frames'],
    [node('fs', 'readline'), 'reads frames from a file or from standard input'],
  ]),
  deviceLayer('fleet', [
    [node('events'), 'many wait for one signal'],
    ...PROGRAM,
    [DURABLE_FILES, 'keeps the credentials of its devices'],
    [node('fs', 'path'), 'looks for them'],
    [packages('mqtt'), 'is connected as each of them', { only: '/plain-device\\.ts$' }],
  ]),
  deviceLayer('mosquitto', [
    ...PROGRAM,
    [DURABLE_FILES, 'writes the files of a broker'],
    [node('crypto', 'fs', 'path'), 'reads them, and makes passwords'],
  ]),
  deviceLayer('ratatoskr', PROGRAM),
  deviceLayer('console', [
    ...PROGRAM,
    [
      node('os', 'readline', 'readline/promises', 'stream/consumers', 'timers/promises'),
      'speaks with people',
    ],
  ]),
  deviceLayer('package', [
    [CLIENT, 'is the client'],
    [HOST_FOR_BROWSERS, 'has the core in it'],
    [folders('device/node'), 'has what Node has', { only: '/node\\.ts$' }],
    [packages('esbuild', 'rollup', 'rollup-plugin-dts'), 'bundles it', { only: '/pack\\.ts$' }],
    [node('child_process', 'fs', 'path', 'zlib'), 'packs it', { only: '/pack\\.ts$' }],
  ]),
  deviceLayer('control', [
    ...PROGRAM,
    [node('timers/promises'), 'looks for an answer now and then'],
    [node('crypto'), 'makes the id of an action', { only: '/act-together\\.ts$' }],
    [node('fs'), 'reads a password that the owner chose', { only: '/mqtt-login\\.ts$' }],
  ]),
  deviceLayer('receipts', [
    ...PROGRAM,
    [WIRE, 'checks what the audit log proves'],
    [SESSIONS, 'checks what a device signed'],
    [RAW_KEYS, 'reads public keys'],
    [node('crypto', 'fs'), 'checks what was kept in a file'],
  ]),
  deviceLayer('lock', [...PROGRAM, [node('child_process', 'os'), 'runs a command']]),
  deviceLayer('demo', [
    ...PROGRAM,
    [packages('openai', 'zod'), 'asks as any client does, and looks at the answers'],
    [DURABLE_FILES, 'keeps its accounts and credentials', { only: '/accounts\\.ts$' }],
    [DATA_REMOVAL, 'leaves nothing behind', { only: '/story\\.ts$' }],
    [
      node('child_process', 'crypto', 'fs', 'os', 'path', 'readline', 'timers/promises', 'url'),
      'starts the programs that it shows',
    ],
  ]),
  deviceLayer('examples', [
    ...PROGRAM,
    [packages('gpt-tokenizer', 'zod'), 'an endpoint reads a body and counts tokens'],
    [node('http', 'net'), 'an endpoint is a server'],
    [node('fs'), 'reads credentials'],
    [HOST_FOR_BROWSERS, 'loads the core'],
  ]),
  deviceLayer('native', [
    [HOST_FOR_BROWSERS, 'its statuses and sizes', { types: true }],
    [CLIENT, 'speaks to the device with scripts', { only: '/script-runner\\.ts$' }],
    [
      folders('device/scripts'),
      'compiles the examples that it measures',
      { only: '/script-footprint\\.ts$' },
    ],
    [files('device/sdk/natives.ts'), 'the ABI that it measures', { only: '/script-footprint\\.ts$' }],
    [files('device/node/checkout.ts'), 'finds the folder of the project'],
    [node('child_process', 'crypto', 'fs', 'os', 'path', 'url'), 'builds and runs programs in C'],
  ]),
  {
    name: 'bench',
    path: folders('bench'),
    imports: [
      own('bench'),
      [folders('assembly/host', 'proto', 'server', 'device/native'), 'what it measures'],
      [files('device/node/checkout.ts'), 'finds the folder of the project'],
      [
        files('device/client/index.ts', 'device/node/websocket.ts'),
        'asks devices as a client does',
        { only: '/commands-part\\.ts$' },
      ],
      [
        folders('device/client', 'device/node'),
        'both ends of a direct path',
        { only: '/bifrost/direct-part\\.ts$' },
      ],
      [packages('mqtt'), 'is a plain device', { only: '/(commands-part|page/live)\\.ts$' }],
      [packages('playwright-core'), 'looks at the page', { only: '/page/' }],
      [packages('commander'), 'describes the command', { only: '/command\\.ts$' }],
      [
        packages('@noble/hashes', '@node-rs/argon2', 'aedes', 'postgres', 'uWebSockets.js'),
        'what it measures against',
      ],
      [ANY_NODE, 'nobody ships it'],
    ],
  },
  {
    name: 'tests',
    path: folders('tests'),
    imports: [
      own('tests'),
      [folders('assembly/host', 'proto', 'server', 'device', 'bench'), 'what it tests'],
      [packages('vitest', 'fast-check'), 'what it tests with'],
      [
        packages('commander'),
        'reads the definition of the program',
        { only: '/program(/commands\\.test)?\\.ts$' },
      ],
      [packages('openid-client'), 'a client of OAuth', { only: '/program-sign-in\\.test\\.ts$' }],
      [
        packages('jose'),
        'reads and forges what others make with it',
        { only: '/((refresh-tokens|identity)\\.test|oidc-issuer)\\.ts$' },
      ],
      [
        packages('aedes-persistence'),
        'the tests of a storage for the MQTT broker',
        { only: '/storage\\.test\\.ts$' },
      ],
      [
        packages('@anthropic-ai/sdk', 'aedes', 'mqtt', 'mqtt-packet', 'openai', 'ws'),
        'clients and servers that others wrote',
      ],
      [
        packages('playwright-core', 'testcontainers'),
        'browsers and containers',
        { only: '/(acceptance|support)/' },
      ],
      [packages('mailparser', 'oidc-provider', 'smtp-server'), 'a mail server', { only: '/support/' }],
      [packages('postgres', 'zod', 'gpt-tokenizer', 'esbuild'), 'looks behind the product'],
      [packages('@redocly/openapi-core'), 'checks the description of the API', { only: '/rest/' }],
      [
        packages('typescript', 'libpg-query', '@pgsql/types'),
        'reads code and SQL',
        { only: '/architecture/' },
      ],
      [ANY_NODE, 'nobody ships it'],
    ],
  },
];

/** Where execution begins, or what others import from outside. Every file of ours is reached from one of these. */
const ENTRIES = [
  '^server/dashboard/(main|vite\\.config)\\.ts$',
  '^server/yggdrasil\\.ts$',
  '^server/platform/tokenizer/worker\\.ts$',
  '^server/platform/tokenizer/model-worker\\.ts$',
  '^device/client/index\\.ts$',
  '^device/package/(index|node|pack)\\.ts$',
  '^device/native/(build|gate)\\.ts$',
  '^assembly/(index|device)\\.ts$',
  '^device/sdk/assembly/',
  '^bench/suites\\.ts$',
  '^device/examples/lock/main\\.ts$',
  '^bench/part\\.ts$',
  '^tests/',
];

module.exports = { DOMAINS, LAYERS, ENTRIES };
