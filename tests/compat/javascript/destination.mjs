import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

/** A local destination that records its requests. */
export class Destination {
  #server;
  #requests = [];
  #arrived = [];
  /** The status of the next responses. */
  status = 200;

  static async start() {
    const destination = new Destination();
    destination.#server = createServer(async (request, response) => {
      const { method, url, headers, rawHeaders } = request;
      const received = { method, path: url, headers, rawHeaders, body: await text(request) };
      response.writeHead(destination.status, { "Content-Type": "text/plain" });
      response.end("seen");
      const waiting = destination.#arrived.shift();
      if (waiting) waiting(received);
      else destination.#requests.push(received);
    });
    destination.#server.listen(0, "127.0.0.1");
    await once(destination.#server, "listening");
    return destination;
  }

  url(path) {
    return `http://127.0.0.1:${this.#server.address().port}${path}`;
  }

  /** Returns the next request, in the order of arrival. */
  next() {
    const request = this.#requests.shift();
    if (request) return Promise.resolve(request);
    return new Promise((arrived) => this.#arrived.push(arrived));
  }

  stop() {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
