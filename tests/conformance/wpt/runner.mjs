// Runs web-platform-tests against visavis, and holds the result against the list of what passed before.
// usage: node runner.mjs --wpt DIR [options]   (README.md)
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseTest } from './js/page.mjs';
import { skipReason } from './js/skip.mjs';
import { loadExpectations } from './js/firefox.mjs';
import { judge, record } from './js/ratchet.mjs';
import { writeTable } from './js/table.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const { values: o } = parseArgs({ options: {
  wpt: { type: 'string' },                                    // has wpt/ and meta/
  python: { type: 'string', default: 'python3' },
  dirs: { type: 'string', default: 'webrtc,mediacapture-streams,webrtc-encoded-transform' },
  filter: { type: 'string', default: '' },
  list: { type: 'string' },                                   // a file of patterns, one a line
  timeout: { type: 'string', default: '30' },                // seconds for each file
  'subtest-timeout': { type: 'string', default: '8' },
  jobs: { type: 'string', default: '2' },
  out: { type: 'string' },
  table: { type: 'string' },
  passing: { type: 'string', default: path.join(HERE, 'passing.json') },
  record: { type: 'boolean', default: false },
  'list-skipped': { type: 'boolean', default: false },
  verbose: { type: 'boolean', short: 'v', default: false },
} });
if (!o.wpt || !fs.existsSync(path.join(o.wpt, 'wpt/webrtc'))) {
  console.error('--wpt DIR: a directory with wpt/ (webrtc, resources, interfaces ... of web-platform-tests) and meta/');
  process.exit(2);
}
const root = path.join(o.wpt, 'wpt');

function walk(dir) {
  const whole = path.join(root, dir);
  if (!fs.existsSync(whole)) return [];
  return fs.readdirSync(whole, { withFileTypes: true }).flatMap(entry => {
    const rel = `${dir}/${entry.name}`;
    if (entry.isDirectory()) return ['third_party', 'tools', 'resources', 'tentative'].includes(entry.name) ? [] : walk(rel);
    const isTest = /\.window\.js$/.test(rel)
      || (/\.html$/.test(rel) && /testharness\.js/.test(fs.readFileSync(path.join(root, rel), 'utf8')));
    return isTest ? [rel] : [];
  });
}

const check = spawnSync(o.python, ['-c', 'import visavis.rtc'], { encoding: 'utf8' });
if (check.status !== 0) { console.error(`cannot load visavis:\n${check.stderr}`); process.exit(2); }

const patterns = o.list
  ? fs.readFileSync(o.list, 'utf8').split('\n').filter(line => line && !line.startsWith('#')) : [o.filter];
const wanted = patterns.map(pattern => new RegExp(pattern));
const files = o.dirs.split(',').flatMap(walk).filter(file => wanted.some(re => re.test(file))).sort();
const jobs = [], skipped = [];
for (const rel of files) {
  const page = parseTest(root, rel);
  const reason = skipReason(root, rel, page);
  if (reason) { skipped.push({ file: rel, reason }); continue; }
  for (const search of page.variants.length ? page.variants : ['']) jobs.push({ rel, search, key: rel + search, long: page.long });
}
if (o['list-skipped']) { for (const one of skipped) console.log(`${one.file}\t${one.reason}`); process.exit(0); }

const tmp = fs.mkdtempSync(path.join(os.tmpdir(), 'wptrun-'));
let number = 0;
function runOne({ rel, search, key, long }) {
  return new Promise(resolve => {
    const file = path.join(tmp, `${number++}.json`);
    const timeout = Number(o.timeout) * (long ? 2 : 1);     // what says `timeout=long` has double
    const options = { wptRoot: root, rel, search, python: o.python, timeout,
      subtestTimeout: Number(o['subtest-timeout']) * (long ? 2 : 1) * 1000, out: file };
    let log = '';
    const child = spawn(process.execPath, [path.join(HERE, 'js/child.mjs'), JSON.stringify(options)],
      { stdio: ['ignore', 'pipe', 'pipe'], detached: true });     // a process group of its own: node and python
    for (const stream of [child.stdout, child.stderr]) stream.on('data', data => { if (log.length < 4000) log += data; });
    const timer = setTimeout(() => { try { process.kill(-child.pid, 'SIGKILL'); } catch {} }, (timeout + 8) * 1000);
    child.on('exit', () => {
      clearTimeout(timer);
      try { process.kill(-child.pid, 'SIGKILL'); } catch {}
      let result;
      try { result = JSON.parse(fs.readFileSync(file, 'utf8')); } catch {
        result = { harness: 'KILLED', message: 'hard timeout or crash', tests: [] };
        try { result.tests = fs.readFileSync(`${file}.partial`, 'utf8').trim().split('\n').map(line => JSON.parse(line)); } catch {}
      }
      if (result.harness === 'BRIDGE-ERROR' || result.harness === 'CRASH' || o.verbose) result.log = log.slice(0, 4000) || undefined;
      resolve({ file: key, ...result });
    });
  });
}

const firefox = loadExpectations(path.join(o.wpt, 'meta'));
const results = [];
const queue = [...jobs];
async function worker() {
  for (let job; (job = queue.shift());) {
    const result = await runOne(job);
    delete result.api;
    result.pass = result.tests.filter(test => test.status === 'PASS').length;
    result.total = result.tests.length;
    result.firefox = firefox(job.rel, job.search, result.tests);
    results.push(result);
    console.error(`[${results.length}/${jobs.length}] ${result.pass}/${result.total} ${result.harness} ${result.file} (${result.ms ?? '?'} ms)`);
  }
}
await Promise.all(Array.from({ length: Number(o.jobs) }, worker));
results.sort((a, b) => (a.file < b.file ? -1 : 1));
fs.rmSync(tmp, { recursive: true, force: true });

if (o.out) fs.writeFileSync(o.out, JSON.stringify({ skipped, results }, null, 1));
const seen = JSON.parse(fs.readFileSync(path.join(HERE, 'subtests_seen.json'), 'utf8'));
const table = writeTable(results, skipped, seen);
console.log(table);
if (o.table) fs.writeFileSync(o.table, fs.readFileSync(o.table, 'utf8').replace(/(<!-- scores -->\n)[^]*(<!-- end of scores -->)/, `$1${table}\n$2`));
if (o.record) record(o.passing, results);
const lost = judge(o.passing, results);
for (const one of lost) console.log(`passed before, and does not any more: ${one}`);
process.exit(lost.length ? 1 : 0);
