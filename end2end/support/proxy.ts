// The network between one phone and the office: a port that can be closed, slowed, cut; it counts what passes.
import { createServer, connect, type Server, type Socket } from 'node:net';
import { setTimeout as after } from 'node:timers/promises';

import { freePort } from './port.ts';

export interface Exchange {
  method: string;
  path: string;
  /** Head and body of the answer, as they went over the wire. */
  answerBytes: number;
}

export class Proxy {
  /** Stays the same while the port is closed and opened. */
  port = 0;
  readonly exchanges: Exchange[] = [];
  #server?: Server;
  #sockets = new Set<Socket>();
  #delayMs = 0;
  #cutAfterBytes?: number;
  #cutPaths?: RegExp;

  private constructor(private readonly officePort: () => number) {}

  /** `officePort` is asked at each connection: an office may come back on another port. */
  static async start(officePort: () => number): Promise<Proxy> {
    const proxy = new Proxy(officePort);
    proxy.port = await freePort();
    await proxy.open();
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The network is there again. */
  async open(): Promise<void> {
    if (this.#server) return;
    const server = createServer((phone) => this.#join(phone));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, '127.0.0.1', resolve);
    });
    this.#server = server;
  }

  /** No network: nobody listens, and whatever was under way is cut. */
  async close(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    this.cut();
    await closed;
  }

  /** Ends every connection that stands; new ones may be made. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Each piece, in either direction, arrives this much later. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /**
   * Each connection dies after this many bytes of answers: 0 loses every answer after the office has done the work,
   * more truncates. `undefined` ends it.
   */
  cutAnswersAfter(bytes: number | undefined): void {
    this.#cutAfterBytes = bytes;
  }

  /** Each request for such a path loses its connection before the office hears of it. `undefined` ends it. */
  cutRequestsFor(path: RegExp | undefined): void {
    this.#cutPaths = path;
  }

  #join(phone: Socket): void {
    const office = connect(this.officePort(), '127.0.0.1');
    let exchange: Exchange | undefined;
    let answered = 0;
    for (const socket of [phone, office]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        phone.destroy();
        office.destroy();
      });
    }
    this.#carry(phone, office, (piece) => {
      // The browser sends one request after the other on a connection, so an answer belongs to the last one.
      const [, method, path] = /^([A-Z]+) (\S+) HTTP\/1\.1\r\n/.exec(piece.toString('latin1')) ?? [];
      if (method && path) {
        exchange = { method, path, answerBytes: 0 };
        this.exchanges.push(exchange);
        if (this.#cutPaths?.test(path)) {
          phone.destroy();
          return undefined;
        }
      }
      return piece;
    });
    this.#carry(office, phone, (piece) => {
      if (exchange) exchange.answerBytes += piece.length;
      const limit = this.#cutAfterBytes;
      if (limit === undefined) return piece;
      const rest = limit - answered;
      answered += piece.length;
      if (piece.length <= rest) return piece;
      if (rest > 0) phone.write(piece.subarray(0, rest), () => phone.destroy());
      else phone.destroy();
      return undefined;
    });
  }

  #carry(from: Socket, to: Socket, see: (piece: Buffer) => Buffer | undefined): void {
    let last: Promise<unknown> = Promise.resolve();
    from.on('data', (piece: Buffer) => {
      const seen = see(piece);
      if (!seen) return;
      const wait = this.#delayMs;
      if (wait === 0) {
        last = last.then(() => to.write(seen));
      } else {
        const due = after(wait);
        last = last.then(() => due).then(() => to.write(seen));
      }
    });
    from.on('end', () => {
      last = last.then(() => to.end());
    });
  }
}
