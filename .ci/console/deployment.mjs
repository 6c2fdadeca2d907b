// A `sigpost dev` with its own port and folder, and a destination that fails on demand.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

const PATIENCE_MS = 120_000;

/** Returns a free port. */
export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts a destination that responds with 500 and this text until `heal` is called. */
export async function startDestination(text) {
  let isWell = false;
  const received = [];
  const server = http.createServer((request, response) => {
    request.resume().on('end', () => {
      received.push(request.url);
      response.writeHead(isWell ? 200 : 500, { 'content-type': 'text/html' }).end(isWell ? 'fine' : text);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    received,
    heal: () => { isWell = true; },
    stop: () => server.close(),
  };
}

/** Starts `sigpost dev`, and reads its output until it is ready. */
export async function startSigpost() {
  const folder = await mkdtemp(path.join(tmpdir(), 'sigpost-console-'));
  const url = `http://127.0.0.1:${await freePort()}`;
  const environment = { ...process.env, RUST_LOG: 'warn' };
  for (const name of ['FILES_URL', 'SIGPOST_DEV_DATABASE_URL', 'RESEND_API_KEY']) delete environment[name];
  const child = spawn(process.env.SIGPOST, ['dev', '--port', new URL(url).port, '--data-dir', folder], { env: environment });
  let printed = '';
  const ended = new Promise((resolve) => child.once('exit', resolve));
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`sigpost does not start:\n${printed}`)), PATIENCE_MS);
    child.once('exit', () => reject(new Error(`sigpost ended:\n${printed}`)));
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        printed += text;
        if (!printed.includes('The console is at')) return;
        clearTimeout(timer);
        resolve();
      });
    }
  });
  const token = /QSTASH_TOKEN=(\S+)/.exec(printed)[1];
  return {
    url,
    token,
    /** Calls the API. */
    async api(method, address, { headers = {}, body } = {}) {
      const response = await fetch(url + address, { method, body, headers: { authorization: `Bearer ${token}`, ...headers } });
      const answer = await response.json();
      if (!response.ok) throw new Error(`${method} ${address}: ${response.status} ${JSON.stringify(answer)}`);
      return answer;
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
