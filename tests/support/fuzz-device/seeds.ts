import { createHash } from 'node:crypto';
import { encodeCommand, type PlainValue } from '../../../device/client/index.ts';
import type { FuzzTarget } from '../../../device/native/fuzz/targets.ts';
import { compileExample, EXAMPLES } from '../../../device/native/script-footprint.ts';
import { encodePayload, encodeReleaseManifest, UpdateOffer, UpdatePart } from '../../../proto/index.ts';

const COMMAND = 2;
const OFFER = 0;
const PART = 1;
/** What the device asks for at once (yg_update.h). */
const PIECE_BYTES = 1_024;

/** A message of an input: its kind, the length, the bytes (fuzz_device.c, fuzz_take). */
function message(kind: number, bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(3);
  head.writeUInt8(kind);
  head.writeUInt16LE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

function command(name: string, args: Record<string, PlainValue> = {}): Buffer {
  return Buffer.from(encodeCommand({ name, arguments: args }));
}

const commands = (): Buffer[] => [
  command('led.set', { on: true }),
  command('settings.set', { 'resource_limits.bytes_per_minute': 2_000 }),
  command('settings.get'),
  command('monitor.get'),
  command('ListScripts'),
  command('script.begin', { manifest: new Uint8Array(100).fill(1), signature: new Uint8Array(64) }),
  command('script.chunk', { offset: 0, data: new Uint8Array(40) }),
  command('script.commit'),
  command('Script_blink', { on: 1.5 }),
];

/** An offer of so many bytes, and all of its parts (fuzz_update.c). */
function update(contentBytes: number): Buffer {
  const content = new Uint8Array(contentBytes).fill(7);
  const rolloutId = new Uint8Array(16).fill(1);
  const manifest = encodeReleaseManifest({
    ...{ kind: 'firmware', name: 'lamp', version: 1, target: 'virtual', oldestVersion: 0, contentBytes },
    sha256: createHash('sha256').update(content).digest(),
  });
  const signature = new Uint8Array(64);
  const messages = [message(OFFER, encodePayload(UpdateOffer, { rolloutId, manifest, signature }))];
  for (let offset = 0; offset < contentBytes; offset += PIECE_BYTES) {
    const data = content.subarray(offset, offset + PIECE_BYTES);
    messages.push(message(PART, encodePayload(UpdatePart, { rolloutId, offset, data })));
  }
  return Buffer.concat(messages);
}

/** What fuzzing begins with, beside the corpus: real modules and commands. */
export async function seedsOf(target: FuzzTarget): Promise<readonly Uint8Array[]> {
  if (target === 'module') {
    const compiled = await Promise.all(EXAMPLES.map((name) => compileExample(name)));
    return compiled.map(({ module }) => module);
  }
  if (target === 'protobuf') return commands();
  if (target === 'mqtt') return [Buffer.concat(commands().map((bytes) => message(COMMAND, bytes)))];
  return [update(100), update(5_000)];
}
