import type { AccountActor, Actor, CredentialScope } from './actor.ts';
import { AppError } from './errors.ts';
import type { CredentialId } from './ids.ts';
import type { Operation } from './operation.ts';
import { holderKind, type Permission } from './permission.ts';

/** True when `pattern` (a name, `area.*`, or `*`) means this operation. */
export function matchesOperation(pattern: string, operation: string): boolean {
  if (!pattern.endsWith('*')) return pattern === operation;
  return operation.startsWith(pattern.slice(0, -1));
}

/** Refuses with `api_key_scope` an operation that the actor's credential isn't for. */
export function requireOperationInScope(actor: Actor, { operation }: Operation): void {
  if (!isOperationInScope(actor, operation)) throw outsideScope('operation', operation);
}

/** False for an operation that the actor's credential isn't for. */
export function isOperationInScope(actor: Actor, operation: string): boolean {
  const scope = scopeOf(actor);
  return scope === null || scope.operations.some((pattern) => matchesOperation(pattern, operation));
}

/**
 * Refuses with `api_key_scope` a device that the actor's credential isn't for; and, where the credential is for single
 * devices, an operation about devices or networks that names none. Decided before anything is looked up: whether the
 * device exists doesn't show.
 */
export function requireDeviceInScope(
  actor: Actor,
  { operation, access }: Operation,
  deviceId: string | undefined,
): void {
  const deviceIds = scopeOf(actor)?.deviceIds ?? null;
  if (deviceIds === null || access === 'public') return;
  if (deviceId === undefined) {
    if (isAboutDevices(access)) throw outsideScope('operation', operation);
    return;
  }
  const id = deviceId.toLowerCase();
  if (!deviceIds.some((known) => known === id)) throw outsideScope('device', id);
}

/** Refuses with `api_key_scope` a model that the actor's credential isn't for. */
export function requireModelInScope(actor: Actor, model: string): void {
  if (!isModelInScope(actor, model)) throw outsideScope('model', model);
}

/** False for a model that the actor's credential isn't for. */
export function isModelInScope(actor: Actor, model: string): boolean {
  const models = scopeOf(actor)?.models ?? null;
  return models === null || models.includes(model);
}

/** The API key that an account acts with; null: it acts itself, signed in. */
export function keyOf({ scope, credentialId }: AccountActor): CredentialId | null {
  return scope === undefined ? null : credentialId;
}

function scopeOf(actor: Actor): CredentialScope | null {
  return actor.kind === 'account' ? (actor.scope ?? null) : null;
}

function isAboutDevices(permission: Permission): boolean {
  return holderKind(permission) === 'account' && /^(devices|networks|releases)\./.test(permission);
}

function outsideScope(param: 'operation' | 'device' | 'model', value: string): AppError {
  return new AppError('forbidden', 'api_key_scope', `This API key is not for this ${param}.`, {
    details: { param, [param]: value },
  });
}
