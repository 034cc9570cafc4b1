import { createHash, timingSafeEqual } from 'node:crypto';
import { parseUuid } from '../../../proto/index.ts';
import type { DeviceService } from '../../domains/devices/index.ts';
import type { Membership, Memberships } from '../../domains/relay/index.ts';
import type { TopicRightsService } from '../../domains/topic-rights/index.ts';
import type { DeviceActor } from '../../kernel/actor.ts';
import { AppError } from '../../kernel/errors.ts';
import { asId, type DeviceId, type NetworkId, type TenantId } from '../../kernel/ids.ts';
import { homeOf } from './home.ts';
import { isAllowedBy, mayUseTopic, mountpointOf } from './topic-rules.ts';

/** What a client of somebody else's broker wants to do. */
export interface AskedTopic {
  readonly username: string;
  readonly action: 'publish' | 'subscribe';
  readonly topic: string;
  /** What the broker puts before the topic; empty: nothing. */
  readonly mountpoint: string;
}

/** Answers a broker that isn't ours, and asks us who may do what. */
export interface BrokerGate {
  /** Refuses with `unauthenticated` who doesn't show the secret of the configuration; all, where there is none. */
  requireBroker(shownSecret: string | null): void;
  /** The network whose tree the device sees; null: it is not the device that it says. */
  authenticate(client: { readonly username: string; readonly password: string }): Promise<NetworkId | null>;
  /** True: a device that proved who it is may do this at this moment. */
  authorize(asked: AskedTopic): Promise<boolean>;
}

/** What the gate needs. */
export interface BrokerGateDependencies {
  /** Null: no broker is to ask. */
  readonly secret: string | null;
  readonly devices: Pick<DeviceService, 'authenticate'>;
  readonly memberships: Pick<Memberships, 'findMemberships'>;
  readonly topicRights: Pick<TopicRightsService, 'find'>;
  /** The device of this id as an actor; null: there is none. */
  readonly findActor: (deviceId: DeviceId) => Promise<DeviceActor | null>;
  /** Tenants whose devices may do nothing, wherever they are. */
  readonly suspended: { has(tenantId: TenantId): boolean };
  /** Hears of devices that have proved who they are. */
  readonly signedIn?: (deviceId: DeviceId) => void;
}

/** Builds the gate. */
export function createBrokerGate(dependencies: BrokerGateDependencies): BrokerGate {
  const { devices, memberships, findActor, suspended } = dependencies;
  const secret = dependencies.secret === null ? null : hash(dependencies.secret);

  const findHome = async (actor: DeviceActor, networkId: string | null): Promise<Membership | null> => {
    const found = await memberships.findMemberships(actor);
    return homeOf(new Map((found ?? []).map((each) => [each.networkId, each])), networkId);
  };

  return {
    requireBroker(shown) {
      if (secret !== null && shown !== null && timingSafeEqual(hash(shown), secret)) return;
      throw new AppError(
        'unauthenticated',
        'unauthenticated',
        'The secret of the broker is missing or wrong.',
      );
    },

    async authenticate({ username, password }) {
      const [deviceId, networkId = null] = username.split('@');
      const identity = await devices.authenticate(password);
      if (identity === null || identity.actor.deviceId !== deviceId) return null;
      const home = await findHome(identity.actor, networkId);
      if (home !== null) dependencies.signedIn?.(identity.actor.deviceId);
      return home?.networkId ?? null;
    },

    async authorize({ username, action, topic: asked, mountpoint }) {
      const [name = '', wanted = null] = username.split('@');
      const deviceId = parseUuid(name);
      const actor = deviceId === null ? null : await findActor(asId<DeviceId>(deviceId));
      if (actor === null || suspended.has(actor.tenantId)) return false;
      const home = await findHome(actor, wanted);
      if (home === null) return false;
      const prefix = mountpointOf(home.networkId);
      const whole = mountpoint + asked;
      // Without its network before it a topic is one for frames, which are the same wherever the device is.
      if (whole.startsWith(prefix)) {
        const { deviceId } = actor;
        const topic = whole.slice(prefix.length);
        const { networkId, networkTenantId } = home;
        if (!mayUseTopic(deviceId, action, topic, 'tree')) return false;
        const isGuest = actor.tenantId !== networkTenantId;
        const rights = await dependencies.topicRights.find({ networkId, deviceId, isGuest });
        return isAllowedBy(rights, { deviceId, action, topic });
      }
      return mountpoint === '' && mayUseTopic(actor.deviceId, action, asked, 'frames');
    },
  };
}

const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
