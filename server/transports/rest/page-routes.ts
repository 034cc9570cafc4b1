import { createNamesReader } from '../../kernel/accepted-names.ts';
import { AppError } from '../../kernel/errors.ts';
import { COSTS } from '../../kernel/operation.ts';
import type { StaticFiles } from '../../platform/http/static-files.ts';
import type { RequestAtOnce } from '../../platform/http/types.ts';
import { defineRouteAtOnce } from './define-route.ts';

const common = {
  method: 'GET',
  access: 'public',
  cost: COSTS.read,
  audit: 'none',
  status: 200,
  errors: ['not_found'],
  quiet: true,
} as const;

/** The page for people, of files that were built from `server/dashboard/`. */
export const createPageRoutes = (services: { readonly page: StaticFiles }) => [
  openPage(services, createNamesReader()),
  defineRouteAtOnce({
    ...common,
    operation: 'page.asset',
    path: '/assets/:asset',
    summary: 'A part of the page. Its name has a hash of its content.',
    response: '*/*',
    answer: (request) => file(services.page, `assets/${request.params.asset}`, request),
  }),
];

const openPage = ({ page }: { readonly page: StaticFiles }, accepted: ReturnType<typeof createNamesReader>) =>
  defineRouteAtOnce({
    ...common,
    operation: 'page.open',
    path: '/',
    summary: 'The page, for browsers: whoever does not accept HTML finds nothing here.',
    response: 'text/html',
    answer: (request) => {
      if (!accepted(request.header('accept')).has('text/html')) throw nothingHere();
      const answer = file(page, 'index.html', request);
      return { ...answer, headers: { ...answer.headers, vary: 'accept, accept-encoding' } };
    },
  });

function file(page: StaticFiles, path: string, request: RequestAtOnce) {
  const answer = page.answer(path, request);
  if (answer === null) throw nothingHere();
  return answer;
}

function nothingHere(): AppError {
  return new AppError('not_found', 'not_found', 'There is nothing at this path.');
}
