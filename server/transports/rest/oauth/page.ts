import { COSTS } from '../../../kernel/operation.ts';
import { defineRawRoute } from '../define-route.ts';

/** Where people let programs in: short, as it is typed. */
export const PAGE_PATH = '/device';

/** Leads to the page's view that lets a program in. A program's code goes behind `#`, which browsers send to no server. */
export const approvalPage = () =>
  defineRawRoute({
    operation: 'oauth.page',
    method: 'GET',
    path: PAGE_PATH,
    access: 'public',
    cost: COSTS.read,
    audit: 'none',
    summary: 'Leads to the page on which you let a program in that shows you a code.',
    response: 'text/plain',
    status: 303,
    errors: [],
    quiet: true,
    handle: async ({ request }) => {
      const code = request.query.get('user_code');
      const query = code === null ? '' : `?${new URLSearchParams({ code })}`;
      return {
        status: 303,
        headers: {
          location: `/#/let-in${query}`,
          'content-type': 'text/plain',
          'cache-control': 'no-store',
        },
        body: '',
      };
    },
  });
