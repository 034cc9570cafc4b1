// Bundles each program of ours into one file of build/; packages stay in node_modules.
import { build } from 'esbuild';

await build({
  entryPoints: {
    server: 'server/main.ts',
    demo: 'device/demo/main.ts',
    'virtual-device': 'device/virtual/main.ts',
    provider: 'device/provider/main.ts',
    frame: 'device/frame/main.ts',
    'rule-endpoint': 'device/examples/rule-endpoint/main.ts',
  },
  outdir: 'build',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  sourcemap: true,
  logLevel: 'warning',
});
