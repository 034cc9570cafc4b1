import { execFile, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { nobleCrypto } from '../../proto/ratatoskr/noble.ts';
import { nodeNoiseCrypto, withShortCipher } from '../../proto/ratatoskr/node.ts';
import { Handshake, type NoiseCrypto, type PatternName } from '../../proto/ratatoskr/noise.ts';
import { openServerCore } from '../unit/core/cores.ts';

const FOLDER = 'tests/foreign/ratatoskr/snow';
const TARGET = resolve('build/foreign/snow');
const PROLOGUE = Buffer.from('yggdrasil ratatoskr and a byte of every kind \0\xff', 'latin1');
const NONE = new Uint8Array(0);
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

beforeAll(async () => {
  const env = { ...process.env, CARGO_TARGET_DIR: TARGET };
  await promisify(execFile)('cargo', ['build', '--release', '--locked'], { cwd: FOLDER, env });
});

/** The other side, by snow: lines to it and from it. */
function startSnow(args: readonly string[]) {
  const child = spawn(`${TARGET}/release/ratatoskr-snow`, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    say: (bytes: Uint8Array) => void child.stdin.write(`${hexOf(bytes)}\n`),
    hear: async () => Uint8Array.from(Buffer.from(((await lines.next()).value as string) ?? '', 'hex')),
  };
}

const CRYPTOS: readonly (readonly [string, NoiseCrypto])[] = [
  ['@noble', nobleCrypto],
  ['node:crypto and the compute core', withShortCipher(openServerCore().cipher)],
];
const CASES = CRYPTOS.flatMap(([name, crypto]) =>
  (['IK', 'XX'] as const).flatMap((pattern) =>
    (['initiator', 'responder'] as const).map((role) => ({ name, crypto, pattern, role })),
  ),
);

/** Our side of a handshake with snow, to its end. */
async function agree(
  crypto: NoiseCrypto,
  pattern: PatternName,
  role: 'initiator' | 'responder',
): Promise<{ snow: ReturnType<typeof startSnow>; ours: Handshake; snowKey: Uint8Array }> {
  const [staticKey, snowKey] = [nodeNoiseCrypto.generateKeyPair(), nodeNoiseCrypto.generateKeyPair()];
  const snowRole = role === 'initiator' ? 'responder' : 'initiator';
  const knows = (who: string) => pattern === 'IK' && who === 'initiator';
  const snow = startSnow([
    ...[pattern, snowRole, hexOf(PROLOGUE), hexOf(snowKey.privateKey)],
    knows(snowRole) ? hexOf(staticKey.publicKey) : '-',
  ]);
  const ours = new Handshake(
    {
      pattern,
      role,
      prologue: PROLOGUE,
      staticKey,
      ...(knows(role) ? { remoteStaticKey: snowKey.publicKey } : {}),
    },
    crypto,
  );
  for (let isMine = role === 'initiator'; !ours.isComplete; isMine = !isMine) {
    if (isMine) snow.say(ours.write());
    else ours.read(await snow.hear());
  }
  return { snow, ours, snowKey: snowKey.publicKey };
}

describe('a handshake with snow, of crates.io', () => {
  it.each(CASES)('by $pattern, ours the $role by $name, gives both sides the same keys', async (one) => {
    const { snow, ours, snowKey } = await agree(one.crypto, one.pattern, one.role);
    const { send, receive, handshakeHash, remoteStaticKey } = ours.split();
    expect(hexOf(await snow.hear())).toBe(hexOf(handshakeHash));
    expect(hexOf(remoteStaticKey)).toBe(hexOf(snowKey));
    expect(Buffer.from(receive.decrypt(NONE, await snow.hear())).toString()).toBe('from snow');
    snow.say(send.encrypt(NONE, Buffer.from('from us')));
    expect(Buffer.from(await snow.hear()).toString()).toBe('from us');
  });
});
