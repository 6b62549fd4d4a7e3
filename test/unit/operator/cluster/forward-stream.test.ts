import { describe, expect, test } from "vitest";
import { ForwardStream, type MessageSocket } from "../../../../operator/cluster/forward-stream.ts";

/** A web socket that is played by hand. */
class FakeSocket implements MessageSocket {
  readonly sent: Uint8Array[] = [];
  readonly calls: string[] = [];
  message: (message: Uint8Array) => void = () => undefined;
  closed: (reason: string) => void = () => undefined;

  send(data: Uint8Array, sent: () => void): void {
    this.sent.push(data);
    sent();
  }
  pause(): void {
    this.calls.push("pause");
  }
  resume(): void {
    this.calls.push("resume");
  }
  close(): void {
    this.calls.push("close");
  }
  terminate(): void {
    this.calls.push("terminate");
  }
  onMessage(listener: (message: Uint8Array) => void): void {
    this.message = listener;
  }
  onClose(listener: (reason: string) => void): void {
    this.closed = listener;
  }
}

function opened(): { readonly socket: FakeSocket; readonly stream: ForwardStream } {
  const socket = new FakeSocket();
  const stream = new ForwardStream(socket, (said) => new Error(`it said: ${said}`));
  return { socket, stream };
}

const text = (value: string): number[] => [...Buffer.from(value)];

describe("a forwarded connection", () => {
  test("leaves out the channel, and the port at the beginning", async () => {
    const { socket, stream } = opened();
    socket.message(Uint8Array.of(0, 0xb8, 0x42));
    socket.message(Uint8Array.of(1, 0xb8, 0x42));
    socket.message(Uint8Array.of(0, ...text("hello ")));
    socket.message(Uint8Array.of(0, ...text("there")));
    socket.closed("");
    let read = "";
    for await (const chunk of stream) read += String(chunk);
    expect(read).toBe("hello there");
  });

  test("takes data that comes with the port", async () => {
    const { socket, stream } = opened();
    socket.message(Uint8Array.of(0, 0xb8, 0x42, ...text("at once")));
    socket.closed("");
    expect(String((await stream.toArray())[0])).toBe("at once");
  });

  test("writes each piece behind the number of the data channel", async () => {
    const { socket, stream } = opened();
    await new Promise((resolve) => stream.write("abc", resolve));
    expect(socket.sent.map((it) => [...it])).toEqual([[0, ...text("abc")]]);
    await new Promise((resolve) => stream.end(resolve));
    expect(socket.calls).toContain("close");
  });

  test("ends with what the pod said on the error channel, whole", async () => {
    const { socket, stream } = opened();
    const failed = new Promise<Error>((resolve) => stream.once("error", resolve));
    socket.message(Uint8Array.of(1, 0xb8, 0x42));
    socket.message(Uint8Array.of(1, ...text("dial tcp: ")));
    socket.message(Uint8Array.of(1, ...text("refused")));
    expect(socket.calls).toContain("close");
    socket.closed("");
    expect((await failed).message).toBe("it said: dial tcp: refused");
  });

  test("ends with the reason of a web socket that broke", async () => {
    const { socket, stream } = opened();
    const failed = new Promise<Error>((resolve) => stream.once("error", resolve));
    socket.closed("closed with 1011 kubelet stopped");
    expect((await failed).message).toBe("it said: closed with 1011 kubelet stopped");
  });

  test("stops the web socket while nobody reads, and drops it when it is destroyed", async () => {
    const { socket, stream } = opened();
    socket.message(Uint8Array.of(0, 0, 0));
    socket.message(Buffer.concat([Uint8Array.of(0), Buffer.alloc(200_000)]));
    expect(socket.calls).toEqual(["pause"]);
    stream.read();
    expect(socket.calls).toContain("resume");
    stream.destroy();
    await new Promise((resolve) => stream.once("close", resolve));
    expect(socket.calls.at(-1)).toBe("terminate");
  });

  test("ignores channels that it did not ask for, and empty messages", async () => {
    const { socket, stream } = opened();
    socket.message(new Uint8Array());
    socket.message(Uint8Array.of(7, 1, 2, 3));
    socket.closed("");
    expect(await stream.toArray()).toEqual([]);
  });
});
