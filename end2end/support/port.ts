// Ports of this machine that stay free until they are wanted, also while a phone has no network or an office is away.
import { createServer } from 'node:net';

/** Below the ports that systems take for connections going out: none of those takes one that is closed for a while. */
const FIRST = 12_000;
const LAST = 30_000;

export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const listens = await new Promise<boolean>((answer) => {
    server.once('error', () => answer(false));
    server.listen(port, '127.0.0.1', () => answer(true));
  });
  if (listens) await new Promise((closed) => server.close(closed));
  return listens;
}
