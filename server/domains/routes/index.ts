export { ROUTES_MAX, ROUTES_PAGE } from './limits.ts';
export { createRouteService, type RouteService } from './service.ts';
export { ROUTE_REASONS, type Route, type SealedRoute } from './types.ts';
