import { createLocks, locksOverHttp } from '../../client/index.ts';

const url = process.env.YGGDRASIL_URL ?? 'http://127.0.0.1:8080';
const locks = createLocks(locksOverHttp({ url, token: process.env.YGGDRASIL_TOKEN ?? '' }));

const lock = await locks.acquire('arm', { waitMs: 10_000, leaseMs: 15_000 });
lock.lost.addEventListener('abort', () => console.log('lost:', lock.lost.reason.code));
console.log('held under the token', lock.token);
await lock.release();
