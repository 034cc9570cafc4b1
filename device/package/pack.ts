import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Plugin } from 'esbuild';
import { rollup } from 'rollup';
import dts from 'rollup-plugin-dts';

/** Makes the package of the client from what is built: `build/client`, and `build/yggdrasil-client-<version>.tgz`. */

const OUT = 'build/client';
/** What the package may weigh, compressed, in bytes. */
const BYTES_MAX = 120 * 1024;
const UNNEEDED = /^(bufferutil|utf-8-validate|long)$/;
/** A source in a declaration: compilers find it by the name that it has when it is built. */
const IMPORTED = /((?:from |import\(|import )['"]\.[^'"]*)\.ts(['"])/g;
/** What the generated types have beside the messages themselves: the client encodes and decodes. */
const CODING =
  /^ *(?:static (?:encode|decode)\(.*|constructor\(.*|\$unknowns\?: Uint8Array\[\];|interface I\w+ extends .*\{\s*\})\n/gm;
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
mkdirSync(OUT, { recursive: true });
await bundle();
await writeTypes();
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

/** One file of declarations, of what the entry reaches. What is explained is what people use: `device/`. */
async function writeTypes(): Promise<void> {
  const folder = mkdtempSync('build/client-types-');
  try {
    execFileSync(
      'npx',
      [
        ...['tsc', 'device/package/index.ts', '--ignoreConfig', '--declaration', '--emitDeclarationOnly'],
        ...['--allowImportingTsExtensions', '--skipLibCheck', '--strict', '--outDir', folder],
        ...['--rootDir', '.', '--module', 'nodenext', '--target', 'es2022'],
        ...['--lib', 'es2023,es2024.string,dom'],
      ],
      { stdio: 'inherit' },
    );
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.d.ts')) continue;
      const path = join(folder, name);
      const text = readFileSync(path, 'utf8').replace(IMPORTED, '$1.js$2');
      writeFileSync(path, name.startsWith('device/') ? text : withoutComments(text));
    }
    const generated = readFileSync('proto/generated/yggdrasil.d.ts', 'utf8').replace(/^import .*$/gm, '');
    mkdirSync(join(folder, 'proto/generated'), { recursive: true });
    writeFileSync(
      join(folder, 'proto/generated/yggdrasil.d.ts'),
      `${PROTOBUF_TYPES}\n${withoutComments(generated).replace(CODING, '')}`,
    );
    const types = await rollup({
      input: join(folder, 'device/package/index.d.ts'),
      plugins: [dts()],
    });
    await types.write({ file: join(OUT, 'index.d.ts') });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function withoutComments(text: string): string {
  return text.replace(/\/\*\*[\s\S]*?\*\//g, '');
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
        types: './index.d.ts',
        node: './node.js',
        default: './browser.js',
      },
    },
  };
}
