/** The import rules of ARCHITECTURE.md. The lists and their reasons are in tests/architecture/rules/layers.cjs. */
const { LAYERS, ENTRIES } = require('./tests/architecture/rules/layers.cjs');

/** One line of a layer's list as dependency-cruiser knows it. */
const allowance = (layer, [path, comment, limits = {}]) => ({
  comment: `${layer.name}: ${comment}`,
  from: { path: limits.only === undefined ? layer.path : `(?=${layer.path}).*${limits.only}` },
  to: { path, ...(limits.types === true ? { dependencyTypes: ['type-only'] } : {}) },
});

module.exports = {
  allowed: LAYERS.flatMap((layer) => layer.imports.map((line) => allowance(layer, line))),
  allowedSeverity: 'error',
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
      comment: 'A file that no program, test or published entry reaches is no file of ours.',
      severity: 'error',
      from: { path: ENTRIES },
      to: {
        path: '^(assembly|proto|server|device|bench)/',
        pathNot: ['\\.d\\.ts$', ...ENTRIES],
        reachable: false,
      },
    },
    {
      name: 'commands-are-joined-in-one-file',
      comment: 'Nothing but server/program.ts imports a command.',
      severity: 'error',
      from: { pathNot: '^server/program\\.ts$' },
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
      name: 'not-resolvable',
      comment: 'An import that leads nowhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    // AssemblyScript that its own compiler resolves: 'yggdrasil' is device/sdk/assembly.
    exclude: { path: '^device/sdk/examples/' },
    doNotFollow: { path: 'node_modules|proto/generated' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
