import { existsSync, readFileSync } from 'node:fs';
import { writeWhole } from '../../server/platform/files/durable.ts';
import { type BifrostClient, createBifrostClient, type PlainValue } from '../client/index.ts';
import { readCredentialsFile } from '../node/credentials-file.ts';
import { loadBuiltDeviceCore } from '../node/device-core.ts';
import { printDone, printJson } from '../node/print.ts';
import { socketUrl } from '../node/server-access.ts';
import { createProgress } from '../node/terminal.ts';
import { openNodeSocket } from '../node/websocket.ts';
import { ask, deploy } from './deploy.ts';
import { makeOwnerKey, publicKeyOf, readOwnerKey, readPackage } from './package.ts';
import { buildProject, makeProject, signProject } from './project.ts';

/** The options of every subcommand that speaks to a device. */
export interface DeviceOptions {
  readonly credentials: string;
  readonly server?: string;
  readonly json?: boolean;
  readonly to: string;
}

/** `script new`. */
export function makeScript(
  folder: string,
  options: { readonly example: string; readonly name?: string; readonly json?: boolean },
): void {
  const name = options.name ?? folder.split('/').filter(Boolean).at(-1) ?? folder;
  makeProject(folder, name, options.example);
  printDone(
    options,
    { folder, name },
    `made ${folder}: edit script.ts, then "yggdrasil script build ${folder}"`,
  );
}

/** `script build`. */
export async function buildScript(folder: string, options: { readonly json?: boolean }): Promise<void> {
  const { bytes, memoryBytes } = await buildProject(folder);
  printDone(
    options,
    { bytes, memoryBytes },
    `${bytes} bytes, ${memoryBytes} bytes of memory; a device would run it`,
  );
}

/** `script sign`: builds first. Prints the package and the public key. */
export async function signScript(
  folder: string,
  options: { readonly key: string; readonly newKey?: boolean; readonly json?: boolean },
): Promise<void> {
  if (options.newKey === true && !existsSync(options.key)) {
    writeWhole(options.key, makeOwnerKey(), { mode: 0o600, ifMissing: true });
  }
  const key = readOwnerKey(readFileSync(options.key, 'utf8'));
  const path = await signProject(folder, key);
  const publicKey = Buffer.from(publicKeyOf(key)).toString('base64url');
  printDone(options, { package: path, publicKey }, `package ${path}\nkey ${publicKey}`);
}

/** `script deploy`. */
export async function deployScript(file: string, options: DeviceOptions): Promise<void> {
  const script = readPackage(readFileSync(file));
  if (script === null) throw new Error(`${file} is no package: "yggdrasil script sign" makes one`);
  const progress = createProgress();
  await withClient(options, async (client) => {
    const { name, version } = await deploy(client, options.to, script, (bytes) =>
      progress.say(`${bytes} of ${script.module.length} bytes`),
    );
    progress.end();
    printDone(options, { name, version }, `${name} ${version} runs`);
  });
}

/** `script list`. */
export function listScripts(options: DeviceOptions): Promise<void> {
  return withClient(options, async (client) => {
    const values = await ask(client, options.to, 'ListScripts');
    for (const name of namesIn(values)) {
      const of = (key: string) => values[`${name}.${key}`];
      const error = of('error') === '' ? '' : ` (${of('error')})`;
      const facts = {
        name,
        version: of('version'),
        state: of('state'),
        error: of('error'),
        calls: of('calls'),
        memoryBytes: of('memory_bytes'),
      };
      printDone(
        options,
        facts,
        `${name} ${of('version')} ${of('state')}${error}, ${of('calls')} calls, ${of('memory_bytes')} bytes of memory`,
      );
    }
  });
}

/** `script call`. Prints the answers as a line of JSON. */
export function callScript(
  name: string,
  options: DeviceOptions & { readonly argument?: readonly (readonly [string, PlainValue])[] },
): Promise<void> {
  return withClient(options, async (client) => {
    const values = await ask(
      client,
      options.to,
      `Script_${name}`,
      Object.fromEntries(options.argument ?? []),
    );
    printJson(values);
  });
}

/** `script start`, `script stop` and `script remove`. */
export function changeScript(
  change: 'start' | 'stop' | 'remove',
  name: string,
  options: DeviceOptions,
): Promise<void> {
  return withClient(options, async (client) => {
    const { state = 'removed' } = await ask(client, options.to, `script.${change}`, { name });
    printDone(options, { name, state }, `${name} ${state}`);
  });
}

function namesIn(values: Readonly<Record<string, PlainValue>>): string[] {
  return Object.keys(values).flatMap((key) =>
    key.endsWith('.version') ? [key.slice(0, -'.version'.length)] : [],
  );
}

async function withClient(
  options: DeviceOptions,
  work: (client: BifrostClient) => Promise<void>,
): Promise<void> {
  const client = createBifrostClient(
    {
      url: new URL('/bifrost', socketUrl(options.server, '/bifrost')).href,
      credentials: readCredentialsFile(options.credentials),
    },
    { core: loadBuiltDeviceCore(), openSocket: openNodeSocket },
  );
  try {
    await client.connect();
    await work(client);
  } finally {
    client.close();
  }
}
