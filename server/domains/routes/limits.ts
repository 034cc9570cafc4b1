/** Routes that a device gets at a time when it doesn't say, */
export const ROUTES_PAGE = 50;
/** and at most. */
export const ROUTES_MAX = 200;
