import { COSTS } from '../../../kernel/operation.ts';
import { defineRawRoute } from '../define-route.ts';

/** Where people let programs in. */
export const PAGE_PATH = '/device';

/** Only what this server sends may run or be loaded, and no other page shows this one: a click there would let a program in. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cache-control': 'no-cache',
  'referrer-policy': 'no-referrer',
};

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Let a program in</title>
  </head>
  <body>
    <h1>Let a program in</h1>
    <form id="sign-in" hidden>
      <p>Sign in first: a code comes by mail.</p>
      <label>Mail address <input id="email" type="email" autocomplete="email" required /></label>
      <button>Send the code</button>
    </form>
    <form id="enter" hidden>
      <label>Code from the mail <input id="mail-code" inputmode="numeric" autocomplete="one-time-code" required /></label>
      <button>Sign in</button>
    </form>
    <form id="find" hidden>
      <label>Code that the program shows <input id="user-code" autocomplete="off" required /></label>
      <button>Look it up</button>
    </form>
    <section id="decide" hidden>
      <p>
        <strong id="name"></strong> wants to act as you. It asked from the address <strong id="address"></strong>, at
        <span id="time"></span>. Let it in only if it is a program that you started yourself just now.
      </p>
      <button id="allow">Let it in</button> <button id="deny">Send it away</button>
    </section>
    <p id="said" role="status"></p>
    <script src="${PAGE_PATH}/page.js"></script>
  </body>
</html>
`;

/** What a program calls itself is written as text, never as HTML. */
const SCRIPT = `'use strict';
const element = (id) => document.getElementById(id);
const steps = ['sign-in', 'enter', 'find', 'decide'];
const show = (step) => {
  for (const id of steps) element(id).hidden = id !== step;
};
const say = (text) => {
  element('said').textContent = text;
};
let csrfToken = null;
let codeId = null;

const ask = async (method, path, body) => {
  const headers = { 'content-type': 'application/json' };
  if (csrfToken !== null) headers['x-csrf-token'] = csrfToken;
  const response = await fetch('/api/v1/' + path, { method, headers, body: body && JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.message);
  return answer;
};

const onSubmit = (id, work) =>
  element(id).addEventListener('submit', (event) => {
    event.preventDefault();
    say('');
    work().catch((error) => say(error.message));
  });

onSubmit('sign-in', async () => {
  ({ codeId } = await ask('POST', 'users/login', { email: element('email').value }));
  show('enter');
});
onSubmit('enter', async () => {
  const code = element('mail-code').value;
  ({ csrfToken } = await ask('POST', 'users/sessions', { codeId, code, cookie: true }));
  show('find');
});
onSubmit('find', async () => {
  const found = await ask('POST', 'oauth/requests/find', { userCode: element('user-code').value });
  element('name').textContent = found.name;
  element('address').textContent = found.address;
  element('time').textContent = new Date(found.createdAt).toLocaleTimeString();
  show('decide');
});
const decide = async (allow) => {
  await ask('POST', 'oauth/requests/decide', { userCode: element('user-code').value, allow });
  show('none');
  say(allow ? 'The program is let in. You can close this page.' : 'The program is sent away.');
};
for (const [id, allow] of [['allow', true], ['deny', false]]) {
  element(id).addEventListener('click', () => decide(allow).catch((error) => say(error.message)));
}
element('user-code').value = new URLSearchParams(location.search).get('user_code') ?? '';
ask('GET', 'users/sessions/current').then(
  (session) => {
    ({ csrfToken } = session);
    show('find');
  },
  () => show('sign-in'),
);
`;

const common = {
  method: 'GET',
  access: 'public',
  cost: COSTS.read,
  audit: 'none',
  status: 200,
  errors: [],
  quiet: true,
} as const;

/** The page on which somebody types the code that a program shows, and lets it in. */
export const approvalPage = () =>
  defineRawRoute({
    ...common,
    operation: 'oauth.page',
    path: PAGE_PATH,
    summary: 'The page on which you let a program in that shows you a code.',
    response: 'text/html',
    handle: async () => ({
      status: 200,
      headers: { ...HEADERS, 'content-type': 'text/html; charset=utf-8' },
      body: PAGE,
    }),
  });

/** What the page runs. */
export const approvalScript = () =>
  defineRawRoute({
    ...common,
    operation: 'oauth.script',
    path: `${PAGE_PATH}/page.js`,
    summary: 'A part of that page.',
    response: 'text/javascript',
    handle: async () => ({
      status: 200,
      headers: { ...HEADERS, 'content-type': 'text/javascript; charset=utf-8' },
      body: SCRIPT,
    }),
  });
