import type { DeviceEvent } from '../client/index.ts';

/** What a virtual device tells whoever watches it. */
export type DeviceReport =
  | { readonly kind: 'connected' }
  | { readonly kind: 'disconnected'; readonly reason: string; readonly retryInMs: number }
  | { readonly kind: 'measured'; readonly event: DeviceEvent }
  | { readonly kind: 'command'; readonly name: string; readonly outcome: string }
  | { readonly kind: 'script'; readonly name: string; readonly text: string }
  | { readonly kind: 'update'; readonly text: string }
  | { readonly kind: 'dropped'; readonly reason: string }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string };
