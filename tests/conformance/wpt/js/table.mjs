// The score, a line for each directory.
import path from 'node:path';

const isIdl = result => /idlharness/.test(result.file);
const percent = (part, whole) => (whole ? `${(100 * part / whole).toFixed(1)} %` : '-');

export function writeTable(results, skipped, seen) {
  const lines = ['| directory | subtests passed | of | | Firefox expects | files all pass | files |', '| --- | ---: | ---: | ---: | ---: | ---: | ---: |'];
  const behaviour = results.filter(result => !isIdl(result));
  const line = (name, list) => {
    const sum = pick => list.reduce((total, result) => total + pick(result), 0);
    const pass = sum(result => result.pass), total = sum(result => result.total);
    const whole = list.filter(result => result.total && result.pass === result.total && result.harness === 'OK').length;
    lines.push(`| ${name} | ${pass} | ${total} | ${percent(pass, total)} | ${sum(result => result.firefox.pass)} | ${whole} | ${list.length} |`);
  };
  for (const dir of [...new Set(behaviour.map(result => path.posix.dirname(result.file)))].sort())
    line(dir, behaviour.filter(result => path.posix.dirname(result.file) === dir));
  line('idlharness (names and shapes)', results.filter(isIdl));
  const passed = new Set(results.flatMap(result => result.tests.filter(test => test.status === 'PASS').map(test => `${result.file}\0${test.name}`)));
  const ran = new Set(results.map(result => result.file));
  const fixed = seen.filter(([file]) => ran.has(file));
  const count = fixed.filter(([file, name]) => passed.has(`${file}\0${name}`)).length;
  const reasons = {};
  for (const { reason } of skipped) reasons[reason] = (reasons[reason] ?? 0) + 1;
  return [...lines, '',
    `Of the fixed list of ${fixed.length} behaviour subtests of \`webrtc/\`, ${count} pass (${percent(count, fixed.length)}).`, '',
    `Not run, since they are about a page: ${Object.entries(reasons).map(([reason, n]) => `${reason} (${n})`).join(', ') || 'none'}.`].join('\n');
}
