import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Plugin } from 'esbuild';

/** Makes the package of the client from what is built: `build/client`, and `build/yggdrasil-client-<version>.tgz`. */

const OUT = 'build/client';
const TYPES = join(OUT, 'types');
/** What the package may weigh, compressed, in bytes. */
const BYTES_MAX = 120 * 1024;
const UNNEEDED = /^(bufferutil|utf-8-validate|long)$/;
/** A source in a declaration: compilers find it by the name that it has when it is built. */
const IMPORTED = /((?:from |import\(|import )['"]\.[^'"]*)\.ts(['"])/g;
/** What protobufjs has for services, which the wire has none of. */
const UNUSED = /(^|\/)(rpc|eventemitter|aspromise|codegen)$/;
/** What the generated types need of protobufjs, which the package has inside: nobody else has to do with it. */
const PROTOBUF_TYPES = `declare namespace $protobuf {
  type Reader = unknown;
  type Writer = unknown;
  type IConversionOptions = Readonly<Record<string, unknown>>;
  namespace util { type ProtocolError<_T> = Error; }
}
type Long = { toNumber(): number };
`;

/** What this package has of another is left out where that looks for it and goes on without. */
const leaveOut: Plugin = {
  name: 'leave-out',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: UNUSED }, ({ path }) => ({ path, namespace: 'unused' }));
    onLoad({ filter: /./, namespace: 'unused' }, () => ({ contents: 'module.exports = {}' }));
    onResolve({ filter: UNNEEDED }, ({ path }) => ({ path, namespace: 'missing' }));
    onLoad({ filter: /./, namespace: 'missing' }, () => ({ contents: "throw new Error('not there')" }));
  },
};

const { version, license, dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  version: string;
  license: string;
  dependencies: { ws: string };
};

rmSync(OUT, { recursive: true, force: true });
mkdirSync(TYPES, { recursive: true });
await bundle();
writeTypes();
copyFileSync('device/package/README.md', join(OUT, 'README.md'));
writeFileSync(join(OUT, 'package.json'), `${JSON.stringify(describePackage(), null, 2)}\n`);
const archive = `build/yggdrasil-client-${version}.tgz`;
execFileSync('npm', ['pack', '--silent', '--pack-destination', 'build', `./${OUT}`], { stdio: 'ignore' });
const bytes = statSync(archive).size;
const script = gzipSync(readFileSync(join(OUT, 'shared.js'))).length;
process.stdout.write(`${archive}: ${bytes} bytes; in a browser ${script} bytes, compressed\n`);
if (bytes > BYTES_MAX) throw new Error(`${archive} has more than ${BYTES_MAX} bytes`);

/** Both entries, and what they share as a third file. */
async function bundle(): Promise<void> {
  await build({
    entryPoints: { browser: 'device/package/index.ts', node: 'device/package/node.ts' },
    outdir: OUT,
    chunkNames: 'shared',
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    // As browsers have it; what is of Node is asked for in the other entry alone.
    platform: 'browser',
    target: 'es2022',
    define: { DEVICE_WASM: JSON.stringify(readFileSync('build/device.wasm').toString('base64')) },
    external: ['node:*', 'ws'],
    plugins: [leaveOut],
    logLevel: 'warning',
  });
}

/** Declarations of the sources, importing each other as any compiler finds them. What is explained is what people use: `device/`. */
function writeTypes(): void {
  execFileSync(
    'npx',
    [
      ...['tsc', 'device/package/index.ts', '--ignoreConfig', '--declaration', '--emitDeclarationOnly'],
      ...['--allowImportingTsExtensions', '--skipLibCheck', '--strict', '--outDir', TYPES],
      ...[
        '--rootDir',
        '.',
        '--module',
        'nodenext',
        '--target',
        'es2022',
        '--lib',
        'es2023,es2024.string,dom',
      ],
    ],
    { stdio: 'inherit' },
  );
  const generated = readFileSync('proto/generated/yggdrasil.d.ts', 'utf8');
  const own = generated.replace(/^import .*$/gm, '');
  mkdirSync(join(TYPES, 'proto/generated'), { recursive: true });
  writeFileSync(join(TYPES, 'proto/generated/yggdrasil.d.ts'), `${PROTOBUF_TYPES}\n${own}`);
  keepReached('device/package/index.d.ts');
}

/** Writes the declarations that are reached from this one as people need them, and removes the rest. */
function keepReached(entry: string): void {
  const reached = new Set([entry]);
  for (const name of reached) {
    const path = join(TYPES, name);
    const text = readFileSync(path, 'utf8').replace(IMPORTED, '$1.js$2');
    const isShown = name.startsWith('device/');
    writeFileSync(path, isShown ? text : text.replace(/\/\*\*[\s\S]*?\*\//g, '').replace(/^\s+/gm, ''));
    for (const [, from = ''] of text.matchAll(/(?:from |import\(|import )['"](\.[^'"]*)\.js['"]/g)) {
      reached.add(join(dirname(name), `${from}.d.ts`));
    }
  }
  for (const name of readdirSync(TYPES, { recursive: true, encoding: 'utf8' })) {
    if (name.endsWith('.d.ts') && !reached.has(name)) rmSync(join(TYPES, name));
  }
}

function describePackage(): object {
  return {
    name: 'yggdrasil-client',
    version,
    description: 'The client of Yggdrasil: Bifrost and Ratatoskr, for Node and browsers',
    license,
    type: 'module',
    engines: { node: '>=20.19' },
    sideEffects: false,
    // For Node alone: 20 has no WebSocket, and here the token is a header.
    dependencies: { ws: dependencies.ws },
    exports: {
      '.': {
        types: './types/device/package/index.d.ts',
        node: './node.js',
        default: './browser.js',
      },
    },
  };
}
