import { toBase64Url } from '../base64.ts';
import type { DeviceCredentials } from '../credentials.ts';
import { FrameChannel } from '../frame-channel.ts';
import { systemRandom } from '../platform.ts';
import type { Random, SigningCore } from '../ports.ts';
import type { DirectPathsDependencies, DirectUse } from './direct-paths.ts';
import type { DirectTransport } from './ports.ts';

/** What direct paths need beside the client's own line. */
export type DirectPathsSetup = Pick<DirectPathsDependencies, 'transport' | 'use' | 'preciseMs' | 'channelOf'>;

/** The setup for the device of a channel. */
export function directOf<Key>(
  options: { readonly credentials: DeviceCredentials; readonly directUse?: DirectUse },
  {
    core,
    direct = null,
    random = systemRandom,
  }: { readonly core: SigningCore<Key>; readonly direct?: DirectTransport | null; readonly random?: Random },
  { nonces }: Pick<FrameChannel, 'nonces'>,
): DirectPathsSetup {
  return {
    transport: direct,
    use: options.directUse ?? 'all',
    preciseMs: () => performance.now(),
    channelOf: (secret) =>
      FrameChannel.create(
        { ...options.credentials, signingKey: toBase64Url(secret) },
        { core: direct?.core ?? (core as SigningCore<unknown>), nonces, random },
      ),
  };
}
