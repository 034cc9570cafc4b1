export { createIssuerClient, type IssuerClient, type IssuerOptions } from './issuer.ts';
