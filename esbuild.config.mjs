// Bundles the program into build/yggdrasil.js, a file for the code of each command, two for the threads that count tokens
// and one for the processes of a benchmark;
// packages stay in node_modules.
import { chmod, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build } from 'esbuild';

const outdir = 'build';

const { metafile } = await build({
  entryPoints: {
    yggdrasil: 'server/yggdrasil.ts',
    'tokenizer-worker': 'server/platform/tokenizer/worker.ts',
    'model-tokenizer-worker': 'server/platform/tokenizer/model-worker.ts',
    'bench-part': 'bench/part.ts',
  },
  outdir,
  bundle: true,
  // What only a command needs is a file of its own, loaded when the command runs.
  splitting: true,
  metafile: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  sourcemap: true,
  // Node keeps the maps in memory for as long as the server runs; it needs the lines' numbers, not their text.
  sourcesContent: false,
  logLevel: 'warning',
});

// The names of the commands' files hold a hash: those of earlier builds would stay.
const built = new Set(Object.keys(metafile.outputs).map((path) => basename(path)));
for (const name of await readdir(outdir)) {
  if (/\.js(\.map)?$/.test(name) && !built.has(name)) await rm(join(outdir, name));
}
await chmod(join(outdir, 'yggdrasil.js'), 0o755);
