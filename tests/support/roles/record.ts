import { writeFileSync } from 'node:fs';
import { createCatalogue } from '../../../server/app/operations.ts';
import { renderRolesPage } from '../../../server/app/roles-page.ts';

/** Writes `docs/roles.md`. */
writeFileSync('docs/roles.md', renderRolesPage(createCatalogue({} as never)));
