import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { requireDebianPackage } from './apt.ts';

const run = promisify(execFile);

/** A bus of messages for Avahi alone: the machine's own is left as it is. */
const BUS = (
  socket: string,
) => `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><listen>unix:path=${socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/><allow user="*"/></policy></busconfig>`;

/**
 * What Avahi sees of a service in the local network: the fields that `avahi-browse --parsable` prints, of each resolved record. Installs
 * Avahi, and runs it for as long as that takes.
 */
export async function avahiBrowse(type: string): Promise<string[][]> {
  await requireDebianPackage('dbus-daemon', 'dbus-daemon');
  await requireDebianPackage('avahi-daemon', 'avahi-daemon');
  await requireDebianPackage('avahi-browse', 'avahi-utils');
  const folder = mkdtempSync(join(tmpdir(), 'yggdrasil-avahi-'));
  const socket = join(folder, 'bus');
  const env = { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${socket}` };
  const configuration = join(folder, 'bus.conf');
  writeFileSync(configuration, BUS(socket));
  const processes: ChildProcess[] = [];
  const begin = async (command: string, arguments_: string[], isReady: RegExp) => {
    const child = spawn(command, arguments_, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    processes.push(child);
    let said = '';
    await new Promise<void>((resolve, reject) => {
      const hear = (data: Buffer) => {
        said += data.toString();
        if (isReady.test(said)) resolve();
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.once('exit', () => reject(new Error(`${command} ended: ${said}`)));
    });
  };
  try {
    await begin(
      'dbus-daemon',
      ['--config-file', configuration, '--nofork', '--nopidfile', '--print-address'],
      /unix:/,
    );
    await begin('avahi-daemon', ['--no-drop-root', '--no-chroot', '--no-rlimits'], /startup complete/);
    const { stdout } = await run('avahi-browse', ['--parsable', '--resolve', '--terminate', type], { env });
    const lines = stdout.split('\n').filter((line) => line.startsWith('='));
    return lines.map((line) => line.split(';').map(unescaped));
  } finally {
    for (const child of processes.reverse()) {
      const isOver = child.exitCode === null ? once(child, 'exit') : null;
      child.kill();
      await isOver;
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Avahi writes what is no letter and no digit as its number. */
function unescaped(text: string): string {
  return text.replace(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(Number(code)));
}
