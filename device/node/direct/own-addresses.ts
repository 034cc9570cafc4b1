import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

/** An address of this machine, and the network that it is in. */
export interface OwnAddress {
  readonly address: string;
  readonly prefixBits: number;
}

/** Addresses of private networks (RFC 1918, 4193, 3927). */
const PRIVATE = new BlockList();
for (const [network, bits] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
] as const)
  PRIVATE.addSubnet(network, bits, 'ipv4');
PRIVATE.addSubnet('fc00::', 7, 'ipv6');

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** Where this machine is in private networks. */
export function ownPrivateAddresses(interfaces = networkInterfaces()): readonly OwnAddress[] {
  return Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .filter(({ address, internal }) => !internal && PRIVATE.check(address, familyOf(address)))
    .map(({ address, cidr }) => ({ address, prefixBits: Number(cidr?.split('/')[1] ?? 32) }));
}

/** True for an address in a network that this machine is in, and not its own: nothing else that somebody says is followed. */
export function isReachedDirectly(address: string, own: readonly OwnAddress[]): boolean {
  if (isIP(address) === 0 || own.some((each) => each.address === address)) return false;
  const family = familyOf(address);
  return own.some((each) => {
    if (familyOf(each.address) !== family) return false;
    const subnet = new BlockList();
    subnet.addSubnet(each.address, each.prefixBits, family);
    return subnet.check(address, family);
  });
}
