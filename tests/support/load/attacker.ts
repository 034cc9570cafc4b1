/** An attack as a process of its own: `attacker.ts <attack> <the attacker as JSON>`. Runs until it is killed. */
import { ATTACKS } from './attacks.ts';
import type { Attacker } from './household.ts';

const [name = '', attacker = ''] = process.argv.slice(2);
const attack = ATTACKS[name];
if (attack === undefined) throw new Error(`no attack is called ${name}`);
await attack(JSON.parse(attacker) as Attacker);
process.stdout.write('begun\n');
