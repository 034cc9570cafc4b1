import { z } from 'zod';

/** An id from outside: a UUID in either case, taken in the lower case that ours are kept in. */
export const idSchema = z.uuid().toLowerCase();
