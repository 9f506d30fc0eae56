// Runs ONE WPT file against one implementation; prints a JSON result on fd 1's last line.
// usage: node child.mjs <json options>
import fs from 'node:fs';
import process from 'node:process';
import { setTimeout, setInterval, clearTimeout, setImmediate } from 'node:timers';
import { Bridge } from './bridge.mjs';
import { loadIdl } from './idl.mjs';
import { installBindings } from './bindings.mjs';
import { parseTest, installWindow, installTimers, installPolyfills, resolveUrl, readWpt, runScript } from './page.mjs';

const opt = JSON.parse(process.argv[2]);   // {wptRoot, rel, search, python, timeout, subtestTimeout, out}
const proc = process;
const native = { setTimeout, setInterval, clearTimeout, setImmediate };
const IDL = ['webrtc.idl', 'webrtc-stats.idl', 'webrtc-priority.idl', 'webrtc-svc.idl', 'webrtc-ice.idl', 'mediacapture-streams.idl'];
const STATUS = ['PASS', 'FAIL', 'TIMEOUT', 'NOTRUN', 'PRECONDITION_FAILED'];
const HARNESS = ['OK', 'ERROR', 'TIMEOUT', 'PRECONDITION_FAILED'];

let bridge, api;
const started = Date.now();
function finish(result) {
  result.ms = Date.now() - started;
  result.requests = bridge?.stats.requests;
  result.events = bridge?.stats.events;
  result.api = api?.surface();
  fs.writeFileSync(opt.out, JSON.stringify(result));
  bridge?.dispose();
  proc.exit(0);
}

const page = parseTest(opt.wptRoot, opt.rel);
bridge = new Bridge({ python: opt.python });
bridge.exited.then(({ code, sig }) => {
  finish({ harness: 'CRASH', message: `python exited: code ${code} signal ${sig}`, tests: collected.map(t => ({ ...t })) });
});

const collected = [];
const g = globalThis;
let ready = false;                         // errors in the harness itself end the run
process.on('uncaughtException', e => { if (!ready) finish({ harness: 'BRIDGE-ERROR', message: e.stack, tests: [] }); });
const { document, showing } = installWindow(g, { wptRoot: opt.wptRoot, rel: opt.rel, page, search: opt.search });
const idl = loadIdl(opt.wptRoot, IDL);
api = installBindings(g, idl, bridge);
try { g.navigator.mediaDevices = api.wrapNamed('mediaDevices'); } catch (e) { /* implementation has none */ }
showing.show = api.show;
installTimers(g, bridge, native);
installPolyfills(g);
ready = true;

const report = () => {
  g.setup({ output: false, explicit_timeout: true });
  g.add_result_callback(t => {
    collected.push({ name: t.name, status: STATUS[t.status], message: t.message ?? undefined });
    fs.appendFileSync(`${opt.out}.partial`, JSON.stringify(collected.at(-1)) + '\n');   // survives a hard kill
  });
  g.add_completion_callback((tests, status) => finish({
    harness: HARNESS[status.status],
    message: status.message ?? undefined,
    tests: tests.map(t => ({ name: t.name, status: STATUS[t.status], message: t.message ?? undefined })),
  }));
};

let harnessError = null;
for (const s of page.scripts) {
  try {
    if (s.text !== undefined) { runScript(s.text, s.name, (s.line ?? 1) - 1); continue; }
    const rel = resolveUrl(opt.rel, s.src);
    if (rel === 'resources/testharnessreport.js') { report(); continue; }
    if (rel === 'resources/testdriver-vendor.js') {
      runScript('window.test_driver_internal.set_permission = async () => {}; window.test_driver_internal.in_automation = true;', 'testdriver-vendor.js');
      continue;
    }
    let text = readWpt(opt.wptRoot, rel);
    if (rel === 'resources/testharness.js' && opt.subtestTimeout)
      text = text.replace('test_timeout:null', `test_timeout:${opt.subtestTimeout}`);
    runScript(text, rel);
  } catch (e) {
    // like a browser: report the error to window.onerror and go on with the next script
    harnessError ??= e;
    g.dispatchEvent(new g.ErrorEvent('error', { message: `${e?.message ?? e}`, error: e, cancelable: true }));
  }
}

document.readyState = 'interactive';
document.dispatchEvent(new Event('DOMContentLoaded'));
native.setTimeout(() => {
  document.readyState = 'complete';
  g.dispatchEvent(new Event('load'));
  if (typeof g.onload === 'function') g.onload(new Event('load'));
}, 0);
if (typeof g.add_completion_callback !== 'function')
  finish({ harness: 'ERROR', message: `testharness.js not loaded: ${harnessError?.message}`, tests: [] });

native.setTimeout(() => {
  if (typeof g.timeout === 'function') g.timeout();     // testharness: TIMEOUT / NOTRUN
  native.setTimeout(() => finish({ harness: 'TIMEOUT', message: 'forced', tests: collected }), 2000);
}, opt.timeout * 1000);
