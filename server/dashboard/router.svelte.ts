/** Where somebody is: the part of the address behind `#`, which is sent to no server. */
export interface Place {
  /** `['devices', '<id>']` of `#/devices/<id>`. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
}

function readPlace(): Place {
  const [path = '', query = ''] = location.hash.replace(/^#/, '').split('?', 2);
  const segments = path.split('/').filter((segment) => segment !== '');
  return { segments: segments.map(decoded), query: new URLSearchParams(query) };
}

/** A segment that is no percent-encoded text leads to nothing, as any other unknown one. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

let current = $state.raw(readPlace());

window.addEventListener('hashchange', () => {
  current = readPlace();
});

/** Where somebody is now. */
export const place = (): Place => current;

/** The address of a place: `/devices`. */
export const linkTo = (...segments: readonly string[]): string =>
  `#/${segments.map(encodeURIComponent).join('/')}`;

/** Goes to a place. */
export function go(...segments: readonly string[]): void {
  location.hash = linkTo(...segments);
}

/** Takes another address for the same page, without a step back: what was in the address is gone from the history. */
export function replacePlace(...segments: readonly string[]): void {
  history.replaceState(null, '', linkTo(...segments));
  current = readPlace();
}

const KEPT = 'yggdrasil-place';

/** Keeps where somebody is while another site signs them in, which sends them back to the start. */
export const keepPlace = (): void => sessionStorage.setItem(KEPT, location.hash);

/** Goes back to the place that was kept, once. */
export function returnToPlace(): void {
  const kept = sessionStorage.getItem(KEPT);
  sessionStorage.removeItem(KEPT);
  if (kept !== null && location.hash === '') location.hash = kept;
}
