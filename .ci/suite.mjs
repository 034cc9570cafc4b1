// usage: node .ci/suite.mjs REPORT COMMAND... - runs a command that ends in vitest's arguments, and leaves its JSON report in REPORT.
//
// These tests start servers, kill databases and share two cores, so that now and then one fails that a quieter machine passes.
// Up to three files that failed are run once more, one at a time. What passes only then is named as unsteady: it is a defect of
// the test or of the product, to be mended like any other, but it doesn't hide what everything else has to say.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const FILES_AGAIN_MAX = 3;
const [report, program, ...args] = process.argv.slice(2);

const run = (output, more) => {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${output}`];
  const { status } = spawnSync(program, [...args, ...reporters, ...more], { stdio: 'inherit' });
  return status === 0;
};
const read = (file) => JSON.parse(readFileSync(file, 'utf8'));
const hasFailed = ({ status }) => status === 'failed';
const testsOf = (results, status) =>
  results.flatMap(({ assertionResults }) => assertionResults).filter((test) => test.status === status).length;

if (!run(report, [])) {
  const first = read(report);
  const failed = first.testResults.filter(hasFailed).map(({ name }) => name);
  if (failed.length === 0 || failed.length > FILES_AGAIN_MAX) process.exit(1);

  console.log(`\n== once more, one at a time: ${failed.join(' ')}`);
  const again = `${report}.again`;
  if (!run(again, ['--maxWorkers=1', ...failed])) process.exit(1);
  for (const file of failed) console.log(`unsteady: ${file} passed only the second time`);

  const testResults = [
    ...first.testResults.filter((result) => !hasFailed(result)),
    ...read(again).testResults.filter(({ name }) => failed.includes(name)),
  ];
  const counts = {
    numPassedTests: testsOf(testResults, 'passed'),
    numFailedTests: testsOf(testResults, 'failed'),
  };
  writeFileSync(report, JSON.stringify({ ...first, ...counts, success: true, testResults }));
}
