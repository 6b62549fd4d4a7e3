import type { Socket } from "node:net";

/** Resolves when a socket has closed, in order or by an error; fails after `timeoutMs`. */
export async function socketEnd(socket: Socket, timeoutMs = 5_500): Promise<void> {
  socket.on("error", () => undefined);
  socket.resume();
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`the socket is still open after ${timeoutMs} ms`));
    }, timeoutMs);
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    if (socket.closed) end();
    else socket.once("close", end);
  });
}
