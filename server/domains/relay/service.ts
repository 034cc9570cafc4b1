import {
  Delivery,
  FrameType,
  type FrameView,
  STORED_CONTENT_BYTES_MAX,
  unsignedFrame,
} from '../../../proto/index.ts';
import { AppError } from '../../kernel/errors.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import { DeliverySession, type SignAndSend } from './delivery-session.ts';
import { mayComeAgain, relayError } from './errors.ts';
import { HopSigner, type Outgoing } from './hop-signer.ts';
import { BATCH_SIGNATURES_MAX } from './limits.ts';
import {
  copyOfView,
  type DeviceOfTenant,
  type FrameToDevice,
  frameInName,
  frameInNameToStore,
  type MadeFrame,
  type ServerFrame,
  serverFrame,
  serverFrameToStore,
} from './made-frames.ts';
import { Peers } from './peers.ts';
import type { NetworkDevice, RelayDependencies } from './ports.ts';
import { Progress } from './progress.ts';
import { Questions } from './questions.ts';
import type { RelayService } from './relay-service.ts';
import {
  checkForwarding,
  checkNetwork,
  checkSource,
  mayGoToMany,
  planResume,
  wantsToBeKept,
} from './rules.ts';
import { Sessions } from './sessions.ts';
import { Sources } from './sources.ts';
import { type KeptFrame, StreamWriter } from './stream-writer.ts';
import type {
  DeliveryChannel,
  DeviceIdentity,
  FrameToStore,
  GroupMembers,
  Peer,
  PeerEvents,
  RelayOptions,
  SendRules,
  StoredFrame,
  StreamPosition,
} from './types.ts';

/** A frame of the stream on its way to one session. */
interface StreamDelivery extends Outgoing {
  readonly session: DeliverySession;
  readonly streamOffset: number;
}

/** Builds the service. */
export function createRelayService(options: RelayOptions, dependencies: RelayDependencies): RelayService {
  return new Relay(options, dependencies);
}

class Relay implements RelayService {
  readonly #options: RelayOptions;
  readonly #dependencies: RelayDependencies;
  readonly #sources: Sources;
  readonly #peers: Peers;
  readonly #sessions: Sessions;
  readonly #progress: Progress;
  readonly #signer: HopSigner;
  readonly #writer: StreamWriter;
  /** Tenants whose frames found no room since the last look. */
  readonly #withoutRoom = new Set<TenantId>();
  readonly #questions: Questions;
  /** What every delivery needs: one object for all. */
  readonly #ofDeliveries: RelayDependencies & { readonly signAndSend: SignAndSend };

  constructor(options: RelayOptions, dependencies: RelayDependencies) {
    const { store, memberships, core, bus } = dependencies;
    this.#options = options;
    this.#dependencies = dependencies;
    this.#sources = new Sources(store);
    this.#peers = new Peers({ core, memberships, sources: this.#sources }, (peer, networkId) =>
      this.#endSession(peer, networkId),
    );
    this.#sessions = new Sessions((networkId) =>
      bus.subscribe(`network.${networkId}`, (message) => {
        if (message.kind === 'stream.head') this.#sessions.headMoved(networkId, message.head);
      }),
    );
    this.#progress = new Progress(dependencies, this.#sources, this.#sessions);
    this.#questions = new Questions(memberships);
    const signAndSend: SignAndSend = (receiver, frames) => this.#sendPage(receiver, frames);
    this.#ofDeliveries = { ...dependencies, signAndSend };
    this.#signer = new HopSigner(core);
    this.#writer = new StreamWriter(dependencies, {
      stored: (kept) => this.#offer(kept),
      uncertain: (frames) => {
        for (const { networkId } of frames) this.#sessions.readAgain(networkId);
      },
      withoutRoom: (tenantId) => this.#withoutRoom.add(tenantId),
    });
  }

  get sessionCount(): number {
    return this.#sessions.count;
  }

  connected(identity: DeviceIdentity, events: PeerEvents): Promise<Peer> {
    return this.#peers.connect(identity, events);
  }

  disconnected(peer: Peer): void {
    this.#peers.disconnect(peer);
  }

  lastNonce(peer: Peer): number {
    return this.#sources.lastNonce(peer);
  }

  accept(peer: Peer, frame: FrameView): 'new' | 'repeated' {
    const { header } = frame;
    const wrongSource = checkSource(header, peer);
    if (wrongSource !== null) throw relayError(wrongSource);
    if (!this.#dependencies.core.verify(peer.signingKey, frame.signedBytes, frame.signature)) {
      throw relayError('frame_signature_wrong');
    }
    const wrongNetwork = checkNetwork(header, peer);
    if (wrongNetwork !== null) throw relayError(wrongNetwork);
    const nonce = header.type === FrameType.HELLO ? 'new' : this.#sources.useNonce(peer, header.nonce);
    if (nonce === 'new') return 'new';
    if (nonce === 'used' && wantsToBeKept(header)) return 'repeated';
    throw this.#replayed(peer);
  }

  refused(peer: Peer, { header }: FrameView, error: unknown): void {
    // A TRANSIENT frame is lost, and may have arrived.
    if (wantsToBeKept(header) && mayComeAgain(error)) this.#sources.releaseNonce(peer, header);
  }

  forward(peer: Peer, frame: FrameView): number | Promise<number> {
    const { header } = frame;
    const refused = checkForwarding(header);
    if (refused !== null) throw relayError(refused);
    if (header.destinationId !== null) {
      const membership = peer.memberships.get(header.networkId as NetworkId);
      const members = membership?.groups?.membersOf(header.destinationId);
      if (members !== undefined) {
        if (!mayGoToMany(header)) throw relayError('frame_destination_unknown');
        return this.#forward(peer, frame, members);
      }
      const rules = membership?.sendRules;
      if (rules?.isRestricted) return this.#forwardIfAllowed(peer, frame, rules);
    }
    return this.#forward(peer, frame);
  }

  /** `members`: those of the group that it is for. */
  #forward(peer: Peer, frame: FrameView, members?: GroupMembers): number | Promise<number> {
    const { header } = frame;
    return header.delivery === Delivery.STORED
      ? this.#store(peer, frame, members)
      : this.#send(peer, frame, members);
  }

  async findKept(peer: Peer, frame: FrameView): Promise<number> {
    const underWay = this.#sources.findUnderWay(peer, frame.header);
    const found = underWay ?? this.#writer.append(this.#toStore(peer, frame, true));
    return found.catch((error: unknown) => {
      throw error instanceof AppError && error.code === 'frame_replayed' ? this.#replayed(peer) : error;
    });
  }

  async openSession(
    peer: Peer,
    networkId: NetworkId,
    channel: DeliveryChannel,
    resume: StreamPosition | null,
  ): Promise<{ session: DeliverySession; head: StreamPosition; recovered: boolean }> {
    const { store, random } = this.#dependencies;
    const membership = peer.memberships.get(networkId);
    if (membership === undefined) throw relayError('network_not_found');
    const state = await store.readState(membership, peer.actor.deviceId, () => random.uuid());
    if (!this.#peers.isConnected(peer)) throw relayError('unauthenticated');
    if (!peer.memberships.has(networkId)) throw relayError('network_not_found');
    const device = { networkId, deviceId: peer.actor.deviceId };
    // A device that comes back at once may be here before what it acknowledged last is saved.
    const cursor = Math.max(state.cursor, this.#progress.unsavedOffset(device));
    const { startOffset, recovered } = planResume({ ...state, cursor }, resume);
    const session = new DeliverySession(
      { id: random.uuid(), peer, membership, channel, startOffset },
      this.#ofDeliveries,
    );
    const replaced = this.#sessions.find(networkId, device.deviceId);
    if (!this.#sessions.add(session, state.head)) throw relayError('session_replaced');
    this.#progress.begin(session, startOffset, replaced);
    return { session, head: { epoch: state.epoch, offset: state.head }, recovered };
  }

  closeSession(session: DeliverySession): void {
    session.detach();
    if (this.#sessions.remove(session)) this.#progress.end(session);
  }

  makeFrame(peer: Peer, frame: ServerFrame): Uint8Array {
    const { core, clock, random } = this.#dependencies;
    const nonce = this.#sources.nextServerNonce(peer.actor.deviceId, clock.nowMs());
    return serverFrame(peer, frame, { id: random.uuid(), nonce }, core);
  }

  makeFor(peer: Peer, frame: MadeFrame): FrameView {
    const { clock, random } = this.#dependencies;
    const nonce = this.#sources.nextMadeNonce(peer.actor.deviceId, clock.nowMs());
    return frameInName(peer, frame, { id: random.uuid(), nonce });
  }

  roundTripMs({ networkId, deviceId }: NetworkDevice): number | null {
    return this.#sessions.find(networkId, deviceId)?.roundTripMs ?? null;
  }

  async headOf(networkId: NetworkId): Promise<number> {
    const [stream] = await this.#dependencies.store.readHeads([networkId]);
    return stream?.head ?? 0;
  }

  isConnected({ networkId, deviceId }: NetworkDevice): boolean {
    return this.#sessions.find(networkId, deviceId) !== undefined;
  }

  tell(deviceId: DeviceId, frame: ServerFrame): boolean {
    const session = this.#sessions.find(frame.networkId as NetworkId, deviceId);
    if (session === undefined) return false;
    session.send(this.makeFrame(session.peer, frame), 0);
    return true;
  }

  async sendToDevice(frame: FrameToDevice): Promise<number> {
    const nonce = this.#sources.nextServerNonce(frame.deviceId, this.#dependencies.clock.nowMs());
    return this.#writer.append(serverFrameToStore(frame, nonce));
  }

  async sendInName(device: DeviceOfTenant, frame: Pick<MadeFrame, 'type' | 'payload'>): Promise<number> {
    const { clock, random } = this.#dependencies;
    const nonce = this.#sources.nextMadeNonce(device.deviceId, clock.nowMs());
    return this.#writer.append(frameInNameToStore(device, frame, { id: random.uuid(), nonce }));
  }

  async joined(tenantId: TenantId, device: NetworkDevice): Promise<void> {
    const { store, random, events } = this.#dependencies;
    await store.beginCursor(tenantId, device, () => random.uuid());
    await events?.joined(device);
    await this.#peers.refresh(device.deviceId);
  }

  async left({ deviceId, networkId }: NetworkDevice): Promise<void> {
    this.#dependencies.events?.left({ deviceId, networkId });
    await this.#peers.refresh(deviceId);
    this.#progress.forget(deviceId, networkId);
    await this.#dependencies.store.forgetDevice(deviceId, networkId);
  }

  refreshNetworks(deviceId: DeviceId): Promise<void> {
    return this.#peers.refresh(deviceId);
  }

  async forget(deviceId: DeviceId): Promise<void> {
    for (const session of this.#sessions.ofDevice(deviceId)) {
      this.#sessions.remove(session);
      session.close('unauthenticated');
    }
    this.#peers.close(deviceId);
    this.#sources.forget(deviceId);
    this.#progress.forget(deviceId, null);
    await this.#dependencies.store.forgetDevice(deviceId, null);
  }

  saveProgress(): Promise<void> {
    return this.#progress.save();
  }

  async checkHeads(): Promise<void> {
    const networkIds = this.#sessions.networkIds();
    if (networkIds.length === 0) return;
    for (const { networkId, head } of await this.#dependencies.store.readHeads(networkIds)) {
      this.#sessions.headMoved(networkId, head);
    }
  }

  removeOldFrames(): Promise<number> {
    const { retentionMs, streamFramesMax } = this.#options;
    const { store, clock, events } = this.#dependencies;
    return store.removeOldFrames(clock.nowMs() - retentionMs, streamFramesMax, (frames) =>
      events?.removed(frames),
    );
  }

  async makeRoom(): Promise<void> {
    const tenants = [...this.#withoutRoom];
    this.#withoutRoom.clear();
    for (const tenantId of tenants) {
      while (await this.#dependencies.store.removeAcknowledged(tenantId));
    }
  }

  async stop(): Promise<void> {
    await this.#writer.drain();
    try {
      await this.saveProgress();
    } finally {
      for (const session of [...this.#sessions.all()]) session.close('unavailable');
    }
  }

  /** Writes a frame into the stream; it is delivered from there. */
  #store(peer: Peer, frame: FrameView, members?: GroupMembers): Promise<number> {
    const toStore = this.#toStore(peer, frame, false, members);
    this.#dependencies.metrics.frameForwarded('stored');
    const kept = this.#writer.append(toStore);
    return frame.header.madeByServer ? kept : this.#sources.keep(peer, frame.header, kept, mayComeAgain);
  }

  /** A frame to a device in a network where not everything may be sent. */
  #forwardIfAllowed(peer: Peer, frame: FrameView, rules: SendRules): number | Promise<number> {
    const deciding = rules.requireAllowed(frame);
    if (deciding === null) return this.#forward(peer, frame);
    // Its bytes are valid during the call only.
    const copy = copyOfView(frame);
    return deciding.then(() => this.#forward(peer, copy));
  }

  #toStore(
    peer: Peer,
    { header, contentLength, bytes }: FrameView,
    isRepetition: boolean,
    members?: GroupMembers,
  ): FrameToStore {
    const networkId = header.networkId as NetworkId;
    const membership = peer.memberships.get(networkId);
    if (membership === undefined) throw relayError('network_not_found');
    if (contentLength > STORED_CONTENT_BYTES_MAX) throw relayError('frame_too_large');
    const destinationId = header.destinationId as DeviceId | null;
    return {
      sourceId: peer.actor.deviceId,
      sourceTenantId: peer.actor.tenantId,
      networkId,
      tenantId: membership.networkTenantId,
      frameId: header.id,
      destinationId,
      destinationUnknown:
        destinationId !== null &&
        !isRepetition &&
        members === undefined &&
        this.#sessions.find(networkId, destinationId) === undefined,
      ...(members === undefined ? {} : { receivers: members }),
      nonce: header.madeByServer ? null : header.nonce,
      isRepetition,
      content: isRepetition ? new Uint8Array(0) : bytes.slice(0, contentLength),
    };
  }

  #replayed(peer: Peer): AppError {
    return relayError('frame_replayed', { details: { lastNonce: this.#sources.lastNonce(peer) } });
  }

  /** Sends a frame to those who are connected now. */
  #send(peer: Peer, frame: FrameView, members?: GroupMembers): number | Promise<number> {
    const { header } = frame;
    const networkId = header.networkId as NetworkId;
    const destinationId = header.destinationId as DeviceId | null;
    const receivers = this.#sessions.receivers(networkId, peer.actor.deviceId, destinationId, members);
    this.#dependencies.metrics.frameForwarded('transient');
    if (receivers.length > 0) {
      const unsigned = unsignedFrame(frame.bytes.subarray(0, frame.contentLength), 0);
      const outgoing = receivers.map((session) => ({
        session,
        signingKey: session.peer.signingKey,
        frame: unsigned,
      }));
      this.#signer.signEach(outgoing, ({ session }, bytes) => session.send(bytes, 0));
      return 0;
    }
    if (destinationId === null || members !== undefined) return 0;
    return this.#questions.requireMember(peer, { networkId, deviceId: destinationId });
  }

  /** Sends the frames of one transaction to the sessions that follow their streams live, and tells other nodes. */
  #offer(kept: readonly KeptFrame[]): void {
    const ofNetworks = new Map<NetworkId, KeptFrame[]>();
    for (const frame of kept) {
      const ofNetwork = ofNetworks.get(frame.frame.networkId);
      if (ofNetwork === undefined) ofNetworks.set(frame.frame.networkId, [frame]);
      else ofNetwork.push(frame);
    }
    let outgoing: StreamDelivery[] = [];
    for (const [networkId, frames] of ofNetworks) {
      const [first, last] = [frames[0]?.streamOffset ?? 0, frames.at(-1)?.streamOffset ?? 0];
      const live = this.#sessions.continues(networkId, first, last) ? frames : [];
      for (const frame of live) {
        outgoing.push(...this.#deliveriesOf(frame));
        if (outgoing.length < BATCH_SIGNATURES_MAX) continue;
        this.#sendAll(outgoing);
        outgoing = [];
      }
      this.#dependencies.bus.publish(`network.${networkId}`, { kind: 'stream.head', networkId, head: last });
    }
    this.#sendAll(outgoing);
  }

  #deliveriesOf({ frame, streamOffset }: KeptFrame) {
    const { networkId, sourceId, destinationId, content } = frame;
    const receivers = this.#sessions
      .receivers(networkId, sourceId, destinationId, frame.receivers)
      .filter((session) => session.take({ content, streamOffset }));
    if (receivers.length === 0) return [];
    const unsigned = unsignedFrame(content, streamOffset);
    return receivers.map((session) => ({
      session,
      signingKey: session.peer.signingKey,
      frame: unsigned,
      streamOffset,
    }));
  }

  #sendPage(session: DeliverySession, page: readonly StoredFrame[]): void {
    const { signingKey } = session.peer;
    this.#sendAll(
      page.map(({ content, streamOffset }) => ({
        session,
        signingKey,
        frame: unsignedFrame(content, streamOffset),
        streamOffset,
      })),
    );
  }

  #sendAll(outgoing: readonly StreamDelivery[]): void {
    this.#signer.signEach(outgoing, ({ session, streamOffset }, bytes) => session.send(bytes, streamOffset));
  }

  /** Ends a device's session in a network that it has left. */
  #endSession(peer: Peer, networkId: NetworkId): void {
    const session = this.#sessions.find(networkId, peer.actor.deviceId);
    if (session?.peer !== peer) return;
    session.detach();
    this.#sessions.remove(session);
  }
}
