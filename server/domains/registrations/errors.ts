import { AppError } from '../../kernel/errors.ts';
import { TENANT_REGISTRATIONS_MAX } from './limits.ts';

/** A device has one registration. */
export function alreadyRegistered(): AppError {
  return new AppError(
    'conflict',
    'provider_already_registered',
    'This device is registered already: change that with PUT /api/v1/marketplace/providers/<device id>.',
  );
}

/** Refuses with `limit_reached` a tenant that has so many registrations already. */
export function requireRoom(count: number): void {
  if (count < TENANT_REGISTRATIONS_MAX) return;
  throw new AppError(
    'conflict',
    'limit_reached',
    `A tenant registers at most ${TENANT_REGISTRATIONS_MAX} providers.`,
    { details: { max: TENANT_REGISTRATIONS_MAX } },
  );
}

/** The program of a device that its owner took off the market may not offer it. */
export function unregistered(): AppError {
  return new AppError(
    'forbidden',
    'provider_unregistered',
    'The owner of this device took it off the market; POST /api/v1/marketplace/providers/register brings it back.',
  );
}

/** Tests take a machine's time. */
export function testedLately(retryAfterSeconds: number): AppError {
  return new AppError('rate_limited', 'rate_limited', 'This provider was tested a moment ago.', {
    details: { retryAfterSeconds },
  });
}

/** A provider doesn't sell this model, or not yet. */
export function notSold(): AppError {
  return new AppError('not_found', 'model_not_found', 'This provider does not sell this model.');
}
