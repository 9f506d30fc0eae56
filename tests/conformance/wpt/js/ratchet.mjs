// The list of subtests that pass: one that is on it and does not pass fails the run.
import fs from 'node:fs';

const read = file => (fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {});
const passing = result => result.tests.filter(test => test.status === 'PASS').map(test => test.name).sort();

// Which subtests of the files that were run are on the list, and did not pass.
export function judge(file, results) {
  const before = read(file);
  return results.flatMap(result => {
    const now = new Set(passing(result));
    return (before[result.file] ?? []).filter(name => !now.has(name)).map(name => `${result.file}: ${name}`);
  });
}

// Adds what passes now; what is on the list stays.
export function record(file, results) {
  const list = read(file);
  for (const result of results) {
    const names = [...new Set([...(list[result.file] ?? []), ...passing(result)])].sort();
    if (names.length) list[result.file] = names;
  }
  const sorted = Object.fromEntries(Object.entries(list).sort(([a], [b]) => (a < b ? -1 : 1)));
  fs.writeFileSync(file, `${JSON.stringify(sorted, null, 1)}\n`);
}
