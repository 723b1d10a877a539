// SPDX-License-Identifier: Apache-2.0
//
// Turns the result of `forge test --json` on standard input into TAP.

import { readFileSync } from 'node:fs';

const text = readFileSync(0, 'utf8');
const start = text.indexOf('{');
let suites;
try {
    suites = JSON.parse(text.slice(start));
} catch {
    console.log(`Bail out! forge printed no result: ${text.slice(0, 500)}`);
    process.exit(1);
}

let count = 0;
let failed = 0;
for (const [suite, { test_results: results }] of Object.entries(suites)) {
    for (const [name, { status, reason }] of Object.entries(results)) {
        const title = `${suite.split(':').pop()} ${name.replace(/\(.*/, '')}`;
        const good = status !== 'Failure';
        count += 1;
        if (!good) failed += 1;
        const skipped = status === 'Skipped' ? ' # SKIP' : '';
        console.log(`${good ? 'ok' : 'not ok'} ${count} ${title}${skipped}`);
        if (!good) console.log(`# ${String(reason).replace(/\n/g, '\n# ')}`);
    }
}
console.log(`1..${count}`);
process.exit(failed === 0 && count > 0 ? 0 : 1);
