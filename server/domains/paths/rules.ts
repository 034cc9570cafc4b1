import { BlockList, isIP } from 'node:net';
import { AppError, invalidInput } from '../../kernel/errors.ts';
import type { TenantId } from '../../kernel/ids.ts';
import {
  ADDRESSES_MAX,
  FINGERPRINT_BYTES,
  LOSS_PERMILLE_MAX,
  PORT_MAX,
  PORT_MIN,
  ROUND_TRIP_US_MAX,
} from './limits.ts';
import type { DevicePathRule, PathAnswer, PathReport, PathRules } from './types.ts';

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

/** True where the owners of both devices, and of the network, permit a direct path, and nobody keeps these two on the relay. */
export function isPermitted(
  rules: PathRules,
  owners: { readonly network: TenantId; readonly first: TenantId; readonly second: TenantId },
): boolean {
  const permits = (rule: DevicePathRule, owner: TenantId) =>
    rule === 'direct' || (rule === 'network' && owner === owners.network);
  return (
    rules.isPermitted &&
    !rules.isRelayed &&
    permits(rules.first, owners.first) &&
    permits(rules.second, owners.second)
  );
}

/** Refuses with `invalid_input` what is no SHA-256. */
export function checkFingerprint(fingerprint: Uint8Array): void {
  if (fingerprint.length !== FINGERPRINT_BYTES) throw invalidInput('A fingerprint has 32 bytes.');
}

/** Refuses with `invalid_input`, and with `direct_address_wrong` where no device of a private network listens. */
export function checkAnswer({ fingerprint, addresses, port }: PathAnswer): void {
  if (addresses.length === 0) return;
  checkFingerprint(fingerprint);
  if (addresses.length > ADDRESSES_MAX) throw invalidInput(`Say ${ADDRESSES_MAX} addresses at most.`);
  const isRight = (address: string) => {
    const family = isIP(address);
    return family !== 0 && PRIVATE.check(address, family === 4 ? 'ipv4' : 'ipv6');
  };
  if (port < PORT_MIN || port > PORT_MAX || !addresses.every(isRight))
    throw new AppError(
      'invalid',
      'direct_address_wrong',
      'Say addresses of private networks, and a port from 1024.',
    );
}

/** Refuses with `invalid_input` what can't be measured. */
export function checkReport({ roundTripUs, lossPermille }: PathReport): void {
  if (roundTripUs > ROUND_TRIP_US_MAX || lossPermille > LOSS_PERMILLE_MAX)
    throw invalidInput('Say a round trip of a minute at most, and a thousand thousandths.');
}
