import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** Many key pairs, where memory is collected all the time. */
const MANY = `
  import { nodeNoiseCrypto } from './proto/ratatoskr/node.ts';
  for (let count = 0; count < 30_000; count++) nodeNoiseCrypto.generateKeyPair();
  console.log('done');
`;

test('a process that makes many key pairs never waits for itself', { timeout: 60_000 }, async () => {
  const args = ['--max-semi-space-size=1', '--import', 'tsx', '--input-type=module', '--eval', MANY];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 50_000 });
  expect(stdout).toBe('done\n');
});
