import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';

/**
 * Three namespaces of this machine's network: two devices, and the local network between them. Each device has a line of its own to this machine,
 * where the server is.
 *
 * ```
 *  server, this machine:  10.178.1.1            10.178.2.1
 *                             |                     |
 *  devices:        first  10.178.1.2     second 10.178.2.2
 *                         10.177.0.2            10.177.0.3
 *                             |                     |
 *  local network:             +------- bridge ------+
 * ```
 */
export interface LocalNetwork {
  readonly first: string;
  readonly second: string;
  /** The server's addresses, as each of the two reaches it. */
  readonly serverOfFirst: string;
  readonly serverOfSecond: string;
  /** Takes the cable of the second device out of the local network. */
  cut(): void;
  /** Puts it in again. */
  mend(): void;
  /** Puts a router between the two, so that they are in two networks. */
  divide(): void;
  remove(): void;
}

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });

/** Makes it. Throws where this process may not: it takes root, and the program `ip`. */
export function createLocalNetwork(): LocalNetwork {
  if (process.getuid?.() !== 0)
    throw new Error('Namespaces of the network take root: run this test as root.');
  const tag = randomBytes(2).toString('hex');
  const names = { first: `yg${tag}a`, second: `yg${tag}b`, lan: `yg${tag}l` };
  const created: string[] = [];
  const remove = () => {
    for (const name of created.splice(0)) ip('netns', 'del', name);
  };
  const inside = (name: string, ...args: string[]) => ip('-n', name, ...args);
  try {
    for (const name of Object.values(names)) {
      ip('netns', 'add', name);
      created.push(name);
      inside(name, 'link', 'set', 'lo', 'up');
    }
    inside(names.lan, 'link', 'add', 'bridge', 'type', 'bridge');
    inside(names.lan, 'link', 'set', 'bridge', 'up');
    [names.first, names.second].forEach((name, index) => {
      // The line to the server: one end stays in this machine's own namespace, and goes with the other.
      const end = `${name}s`;
      ip('link', 'add', end, 'type', 'veth', 'peer', 'name', 'server', 'netns', name);
      ip('addr', 'add', `10.178.${index + 1}.1/24`, 'dev', end);
      ip('link', 'set', end, 'up');
      inside(name, 'addr', 'add', `10.178.${index + 1}.2/24`, 'dev', 'server');
      inside(name, 'link', 'set', 'server', 'up');
      // The line to the local network.
      inside(name, 'link', 'add', 'lan', 'type', 'veth', 'peer', 'name', `port${index}`, 'netns', names.lan);
      inside(name, 'addr', 'add', `10.177.0.${index + 2}/24`, 'dev', 'lan');
      inside(name, 'link', 'set', 'lan', 'up');
      inside(names.lan, 'link', 'set', `port${index}`, 'master', 'bridge');
      inside(names.lan, 'link', 'set', `port${index}`, 'up');
    });
  } catch (error) {
    remove();
    throw error;
  }
  return {
    first: names.first,
    second: names.second,
    serverOfFirst: '10.178.1.1',
    serverOfSecond: '10.178.2.1',
    // The bridge forgets the port, so that nothing comes through, and no end sees its own line go down: as behind a switch.
    cut: () => inside(names.lan, 'link', 'set', 'port1', 'nomaster'),
    mend: () => inside(names.lan, 'link', 'set', 'port1', 'master', 'bridge'),
    divide: () => {
      inside(names.lan, 'link', 'set', 'port1', 'nomaster');
      inside(names.lan, 'addr', 'add', '10.177.0.1/24', 'dev', 'bridge');
      inside(names.lan, 'addr', 'add', '10.179.0.1/24', 'dev', 'port1');
      ip('netns', 'exec', names.lan, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
      inside(names.second, 'addr', 'del', '10.177.0.3/24', 'dev', 'lan');
      inside(names.second, 'addr', 'add', '10.179.0.3/24', 'dev', 'lan');
      inside(names.second, 'route', 'add', '10.177.0.0/24', 'via', '10.179.0.1');
      inside(names.first, 'route', 'add', '10.179.0.0/24', 'via', '10.177.0.1');
    },
    remove,
  };
}
