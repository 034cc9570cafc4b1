import type { TopologyDevice } from '../../api/types.ts';

/** More than these are not drawn: the list beside has all of them. */
export const DRAWN_MAX = 96;

const RING_RADIUS = 105;
const RING_STEP = 62;
/** Room that a device takes on its ring, with its name. */
const ROOM = 66;

/** A place in the drawing; the server is at 0, 0. */
export interface Spot {
  readonly x: number;
  readonly y: number;
}

/** Where so many devices are, on rings around the server, each as full as its devices have room. */
export function spotsAround(count: number): readonly Spot[] {
  const spots: Spot[] = [];
  for (let ring = 0; spots.length < count; ring++) {
    const radius = RING_RADIUS + ring * RING_STEP;
    const room = Math.floor((2 * Math.PI * radius) / ROOM);
    const onRing = Math.min(room, count - spots.length);
    for (let index = 0; index < onRing; index++) {
      // Every second ring is turned by half a place, so that lines to the server go between devices.
      const turn = (2 * Math.PI * (index + (ring % 2) / 2)) / onRing - Math.PI / 2;
      spots.push({ x: Math.round(radius * Math.cos(turn)), y: Math.round(radius * Math.sin(turn)) });
    }
  }
  return spots;
}

/** The distance from the server to the edge of the drawing. */
export const extentOf = (spots: readonly Spot[]): number =>
  spots.reduce((most, { x, y }) => Math.max(most, Math.abs(x), Math.abs(y)), RING_RADIUS) + 40;

/** A line between two devices, bent towards the server so that it crosses none on its ring. */
export const bentLine = (from: Spot, to: Spot): string =>
  `M${from.x} ${from.y}Q${Math.round((from.x + to.x) / 5)} ${Math.round((from.y + to.y) / 5)} ${to.x} ${to.y}`;

const HEALTH_ORDER: readonly TopologyDevice['health'][] = ['reachable', 'failing', 'silent', 'offline'];

/** Devices as they are drawn: home servers first, near the server; then by how they are, and by name. */
export const inOrder = (devices: readonly TopologyDevice[]): readonly TopologyDevice[] =>
  devices.toSorted(
    (a, b) =>
      Number(b.worldType === 'asgard') - Number(a.worldType === 'asgard') ||
      HEALTH_ORDER.indexOf(a.health) - HEALTH_ORDER.indexOf(b.health) ||
      (a.name < b.name ? -1 : 1),
  );

/** A name that fits below its device. */
export function shortName(name: string): string {
  const characters = [...name];
  return characters.length <= 11 ? name : `${characters.slice(0, 10).join('')}…`;
}
