// npm start: serves examples/welcome in the foreground, on port 8080 or the next one that is free, until Ctrl-C.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const app = join(root, 'examples/welcome');
const FIRST_PORT = 8080;

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}

async function freePort() {
  for (let port = FIRST_PORT; port < FIRST_PORT + 100; port++) if (await isFree(port)) return port;
  throw new Error(`no free port from ${FIRST_PORT} on`);
}

/** The configuration says 8080; for another port a copy of it stands beside it while the server runs. */
function configuration(port) {
  if (port === FIRST_PORT) return { file: 'conf/nginx.conf', remove: () => {} };
  const text = readFileSync(join(app, 'conf/nginx.conf'), 'utf8');
  const file = `conf/nginx.${port}.conf`;
  writeFileSync(join(app, file), text.replace(`listen ${FIRST_PORT};`, `listen ${port};`));
  return { file, remove: () => rmSync(join(app, file), { force: true }) };
}

if (!existsSync(join(root, 'dist/tsresty.cjs'))) {
  const built = spawnSync(process.execPath, [join(root, 'scripts/build.mjs'), '--fast'], { stdio: 'inherit' });
  if (built.status !== 0) process.exit(1);
}
mkdirSync(join(app, 'logs'), { recursive: true });
const port = await freePort();
const { file, remove } = configuration(port);
// Workers of root's server would become nobody, who may not be able to read this folder.
const globals = `daemon off;${process.geteuid?.() === 0 ? ' user root;' : ''}`;
const server = spawn(process.execPath, [join(root, 'bin/tsresty'), '-p', app, '-c', file, '-g', globals], {
  stdio: 'inherit',
});
server.once('error', (error) => {
  throw error;
});
server.once('exit', (code, signal) => {
  remove();
  process.exitCode = code ?? (signal === null ? 1 : 0);
});
// Ctrl-C reaches the server too; it ends, and this process with it.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => server.kill(signal));

const url = `http://127.0.0.1:${port}/`;
for (let i = 0; i < 200 && server.exitCode === null; i++) {
  const answer = await fetch(url).catch(() => undefined);
  if (answer?.ok) {
    process.stdout.write(
      `\n  The welcome application is running:  ${url}\n  Its files: examples/welcome. Stop it with Ctrl-C.\n\n`,
    );
    break;
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
}
