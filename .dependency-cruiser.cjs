/** The import rules of ARCHITECTURE.md. What this can't see is a test in tests/architecture. */
const domainsAllowed = {
  users: [],
  networks: [],
  devices: ['networks'],
  relay: ['devices', 'networks'],
  ledger: [],
  pricing: [],
  quality: [],
  payments: [],
  providers: ['pricing', 'quality'],
  transactions: [],
  requests: ['ledger', 'pricing', 'providers', 'transactions'],
};

/** The part of the core's facade that only Node can load. */
const NODE_ONLY = '^assembly/host/(node|node-crypto|server-core)\\.ts$';

const domainRules = Object.entries(domainsAllowed).map(([domain, others]) => ({
  name: `domain-${domain}`,
  comment: `domains/${domain} sees of the other domains: ${others.join(', ') || 'none'}`,
  severity: 'error',
  from: { path: `^server/domains/${domain}/` },
  to: { path: '^server/domains/', pathNot: `^server/domains/(${[domain, ...others].join('|')})/` },
}));

module.exports = {
  forbidden: [
    {
      name: 'no-cycle',
      comment: 'No cycles, type-only imports included.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphan',
      comment: 'A file nobody imports is no file of ours; programs and tests are named here.',
      severity: 'error',
      from: { orphan: true, pathNot: '^(tests|assembly)/|\\.d\\.ts$|/main\\.ts$|^yggdrasil\\.ts$' },
      to: {},
    },
    {
      name: 'not-resolvable',
      comment: 'An import that leads nowhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'kernel-is-pure',
      comment: 'kernel/ imports nothing but types of the wire and of the database client.',
      severity: 'error',
      from: { path: '^server/kernel/' },
      to: { pathNot: '^(server/kernel/|proto/)', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'platform-knows-kernel',
      comment: 'platform/ adapts the outside to kernel/; it knows nothing of domains, transports or jobs.',
      severity: 'error',
      from: { path: '^server/platform/' },
      to: { path: '^server/(domains|transports|jobs|config|app|main)' },
    },
    {
      name: 'domains-know-kernel',
      comment:
        'domains/ know kernel/ and what the table above allows, never platform/, transports/ or jobs/.',
      severity: 'error',
      from: { path: '^server/domains/' },
      to: { path: '^server/(platform|transports|jobs|config|app|main)' },
    },
    {
      name: 'domains-through-the-border',
      comment: 'A domain is entered through its index.ts.',
      severity: 'error',
      from: { path: '^server/(?!app/)', pathNot: '^server/domains/([^/]+)/' },
      to: { path: '^server/domains/[^/]+/(?!index\\.ts$)' },
    },
    {
      name: 'domains-through-the-border-of-others',
      comment: 'A domain enters another through its index.ts.',
      severity: 'error',
      from: { path: '^server/domains/([^/]+)/' },
      to: { path: '^server/domains/([^/]+)/(?!index\\.ts$)', pathNot: '^server/domains/$1/' },
    },
    {
      name: 'only-main-and-tests-start-the-app',
      comment: 'command -> main -> app -> everything; nothing else imports them.',
      severity: 'error',
      from: { pathNot: '^(server/(main\\.ts|command\\.ts|app/)|tests/|bench/)' },
      to: { path: '^server/(app/|main\\.ts$)' },
    },
    {
      name: 'program-knows-commands-only',
      comment: 'yggdrasil.ts joins the commands and does nothing else.',
      severity: 'error',
      from: { path: '^yggdrasil\\.ts$' },
      to: { pathNot: '/command\\.ts$|node_modules/commander/|^package\\.json$' },
    },
    {
      name: 'commands-are-joined-in-one-file',
      comment: 'Nothing but yggdrasil.ts imports a command.',
      severity: 'error',
      from: { pathNot: '^yggdrasil\\.ts$' },
      to: { path: '/command\\.ts$' },
    },
    {
      name: 'commands-load-their-code-when-they-run',
      comment: 'A command.ts only describes: of its code it imports types, and the rest when it runs.',
      severity: 'error',
      from: { path: '/command\\.ts$' },
      to: { path: '/(main|guard)\\.ts$', dynamic: false, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'device-apart-from-server',
      comment: 'The two ends share proto/ and assembly/host/ only.',
      severity: 'error',
      from: { path: '^device/' },
      to: { path: '^server/' },
    },
    {
      name: 'server-apart-from-device',
      comment: 'The two ends share proto/ and assembly/host/ only.',
      severity: 'error',
      from: { path: '^server/' },
      to: { path: '^device/' },
    },
    {
      name: 'wire-is-a-leaf',
      comment: 'proto/ and assembly/ know neither end.',
      severity: 'error',
      from: { path: '^(proto|assembly)/' },
      to: { path: '^(server|device|tests|bench)/' },
    },
    {
      name: 'products-need-no-tests',
      comment: 'Nothing we ship imports tests or benchmarks.',
      severity: 'error',
      from: { path: '^(proto|assembly|server|device)/' },
      to: { path: '^(tests|bench)/' },
    },
    {
      name: 'browsers-need-no-node',
      comment: 'The wire, the client and the core they sign with run in browsers; what needs Node is apart.',
      severity: 'error',
      from: { path: '^(proto|device/client|assembly/host)/', pathNot: NODE_ONLY },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'browsers-reach-no-node',
      comment: 'Nor do they import what needs Node.',
      severity: 'error',
      from: { path: '^(proto|device/client|assembly/host)/', pathNot: NODE_ONLY },
      to: { path: `${NODE_ONLY}|^device/node/` },
    },
    {
      name: 'websocket-library-in-platform',
      comment: 'uWebSockets.js can be swapped in one place.',
      severity: 'error',
      from: { pathNot: '^server/platform/(http|websocket)/' },
      to: { path: 'node_modules/uWebSockets\\.js' },
    },
    ...domainRules,
  ],
  options: {
    doNotFollow: { path: 'node_modules|proto/generated' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
