import { acceptedNames } from '../../kernel/accepted-names.ts';
import { AppError } from '../../kernel/errors.ts';
import { COSTS } from '../../kernel/operation.ts';
import type { StaticFiles } from '../../platform/http/static-files.ts';
import type { HttpRequest } from '../../platform/http/types.ts';
import { defineRawRoute } from './define-route.ts';

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
export const createPageRoutes = ({ page }: { readonly page: StaticFiles }) => [
  defineRawRoute({
    ...common,
    operation: 'page.open',
    path: '/',
    summary: 'The page, for browsers: whoever does not accept HTML finds nothing here.',
    response: 'text/html',
    handle: async ({ request }) => {
      if (!acceptedNames(request.header('accept')).has('text/html')) throw nothingHere();
      const answer = file(page, 'index.html', request);
      return { ...answer, headers: { ...answer.headers, vary: 'accept, accept-encoding' } };
    },
  }),
  defineRawRoute({
    ...common,
    operation: 'page.asset',
    path: '/assets/:asset',
    summary: 'A part of the page. Its name has a hash of its content.',
    response: '*/*',
    handle: async ({ request }) => file(page, `assets/${request.params.asset}`, request),
  }),
];

function file(page: StaticFiles, path: string, request: HttpRequest) {
  const answer = page.answer(path, request);
  if (answer === null) throw nothingHere();
  return answer;
}

function nothingHere(): AppError {
  return new AppError('not_found', 'not_found', 'There is nothing at this path.');
}
