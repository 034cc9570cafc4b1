import { readFile } from 'node:fs/promises';

/**
 * How many connections to these ports of ours each address has, as the system knows them (proc_pid_net(5)); empty where it
 * doesn't say.
 */
export async function countRemoteAddresses(ports: readonly number[]): Promise<Map<string, number>> {
  const tables = await Promise.all(
    ['/proc/self/net/tcp', '/proc/self/net/tcp6'].map((table) => readFile(table, 'utf8').catch(() => '')),
  );
  return countIn(tables.join('\n'), ports);
}

/** `   1: 0100007F:1F90 0100007F:C350 01 ... inode`: addresses in words of the machine's byte order, ports as they are. */
const LINE = /^ *\d+: [\dA-F]+:([\dA-F]{4}) ([\dA-F]{8}|[\dA-F]{32}):[\dA-F]{4} ([\dA-F]{2}) /gm;
/** Those that take a descriptor: established, and closed by the other end. */
const OPEN_STATES: ReadonlySet<string> = new Set(['01', '08']);

/** The same, from the text of the tables. */
export function countIn(tables: string, ports: readonly number[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [, local = '', remote = '', state = ''] of tables.matchAll(LINE)) {
    if (!ports.includes(Number.parseInt(local, 16)) || !OPEN_STATES.has(state)) continue;
    const address = addressOf(remote);
    counts.set(address, (counts.get(address) ?? 0) + 1);
  }
  return counts;
}

/** As sockets name their address: IPv4 with dots, also on an IPv6 socket; IPv6 in full. */
function addressOf(words: string): string {
  const bytes = (words.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse());
  const isMapped = bytes.length === 16 && bytes.slice(0, 12).join('') === '00000000000000000000FFFF';
  if (bytes.length === 4 || isMapped) {
    return bytes
      .slice(-4)
      .map((byte) => Number.parseInt(byte, 16))
      .join('.');
  }
  const groups = bytes.join('').toLowerCase().match(/.{4}/g) ?? [];
  return groups.join(':');
}
