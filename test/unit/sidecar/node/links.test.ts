import { describe, expect, it } from "vitest";
import { type LinkOwner, Links } from "../../../../sidecar/node/links.ts";
import { silentLogger } from "../../../../sidecar/runtime/index.ts";
import { TransportError } from "../../../../sidecar/transport/index.ts";
import type { Lane, PeerSession, SessionEnd } from "../../../../sidecar/transport/ports.ts";

/** A session whose lane records what is sent. */
class FakeSession {
  readonly sent: [number, string][] = [];
  readonly closedWith: string[] = [];
  #message: (channel: number, message: Uint8Array) => void = () => undefined;
  #channelClosed: (channel: number) => void = () => undefined;
  #closed: (end: SessionEnd) => void = () => undefined;
  #nextChannel = 1;
  readonly session: PeerSession;

  constructor(nodeId: string) {
    const lane: Lane = {
      openChannel: () => (this.#nextChannel += 2),
      closeChannel: (channel) => this.sent.push([channel, "closed"]),
      send: (channel, message) => this.sent.push([channel, Buffer.from(message).toString()]) > 0,
      flush: () => this.sent.push([0, "flushed"]),
      queuedBytes: 0,
      onMessage: (listener) => (this.#message = listener),
      onChannelClosed: (listener) => (this.#channelClosed = listener),
      hold: () => undefined,
      resume: () => undefined,
    };
    const identity = { clusterId: "c", namespace: "n", fingerprint: "", address: "" };
    this.session = {
      peer: { ...identity, nodeId, incarnation: 5 },
      dialled: true,
      rttMs: 1,
      stats: { sentBytes: 0, receivedBytes: 0, laneCount: 1, channelCount: 0 },
      openLane: () => lane,
      onLane: () => undefined,
      close: (code) => this.closedWith.push(code),
      onClosed: (listener) => (this.#closed = listener),
    };
  }

  receive(channel: number, text: string): void {
    this.#message(channel, Buffer.from(text));
  }

  peerCloses(channel: number): void {
    this.#channelClosed(channel);
  }

  end(code: SessionEnd["code"], clean: boolean): void {
    this.#closed({ code, reason: "", clean });
  }
}

class Owner implements LinkOwner {
  readonly events: string[] = [];
  onMessage(_link: number, message: Uint8Array): void {
    this.events.push(Buffer.from(message).toString());
  }
  onLost(_link: number, clean: boolean): void {
    this.events.push(clean ? "ended" : "lost");
  }
}

function linksOf() {
  const accepted: Owner[] = [];
  const announced: string[] = [];
  const links = new Links(
    { nodeId: "own", incarnation: 1 },
    {
      accept: () => {
        const owner = new Owner();
        accepted.push(owner);
        return owner;
      },
      announcement: (_session, bytes) => announced.push(Buffer.from(bytes).toString()),
      ready: () => undefined,
    },
    silentLogger,
  );
  return { links, accepted, announced };
}

describe("Links", () => {
  it("opens a link only to a node with a session", () => {
    const { links } = linksOf();
    expect(links.open("peer", new Owner())).toBeUndefined();
    links.attach(new FakeSession("peer").session);
    expect(links.open("peer", new Owner())).toBeTypeOf("number");
  });

  it("carries messages of each link on its own channel, both ways", () => {
    const { links } = linksOf();
    const peer = new FakeSession("peer");
    links.attach(peer.session);
    const owners = [new Owner(), new Owner()];
    const [one, two] = owners.map((owner) => links.open("peer", owner) ?? 0);
    links.send(one ?? 0, Buffer.from("to one"));
    links.send(two ?? 0, Buffer.from("to two"));
    expect(peer.sent.map(([, text]) => text)).toEqual(["to one", "to two"]);
    peer.receive(peer.sent[1]?.[0] ?? 0, "for two");
    expect(owners.map((owner) => owner.events)).toEqual([[], ["for two"]]);
  });

  it("gives a channel that the peer opened to whoever accepts it", () => {
    const { links, accepted } = linksOf();
    const peer = new FakeSession("peer");
    links.attach(peer.session);
    peer.receive(2, "hello");
    peer.receive(2, "more");
    expect(accepted.map((owner) => owner.events)).toEqual([["hello", "more"]]);
    peer.peerCloses(2);
    expect(accepted[0]?.events.at(-1)).toBe("lost");
  });

  it("takes channel 0 for announcements", () => {
    const { links, announced, accepted } = linksOf();
    const peer = new FakeSession("peer");
    links.attach(peer.session);
    peer.receive(0, "demands");
    links.announce(Buffer.from("ours"));
    expect(announced).toEqual(["demands"]);
    expect(accepted).toEqual([]);
    expect(peer.sent).toEqual([[0, "ours"]]);
  });

  const ends: [SessionEnd["code"], boolean, string][] = [
    ["TRANSPORT_LOST", false, "lost"],
    ["SHUTDOWN", true, "ended"],
    ["DRAINING", true, "ended"],
    ["SUPERSEDED", true, "lost"],
    ["DUPLICATE_SESSION", true, "lost"],
  ];
  it.each(ends)("after %s (clean: %s) a link is %s", (code, clean, expected) => {
    const { links } = linksOf();
    const peer = new FakeSession("peer");
    links.attach(peer.session);
    const owner = new Owner();
    const link = links.open("peer", owner) ?? 0;
    peer.end(code, clean);
    links.send(link, Buffer.from("too late"));
    expect(owner.events).toEqual([expected]);
    expect(peer.sent).toEqual([]);
  });

  it("ends the links of a session that another one replaces, and keeps the new ones", () => {
    const { links } = linksOf();
    const [older, newer] = [new FakeSession("peer"), new FakeSession("peer")];
    links.attach(older.session);
    const first = new Owner();
    links.open("peer", first);
    links.attach(newer.session);
    const second = new Owner();
    const link = links.open("peer", second) ?? 0;
    older.end("SUPERSEDED", true);
    links.send(link, Buffer.from("on"));
    expect(first.events).toEqual(["lost"]);
    expect(second.events).toEqual([]);
    expect(newer.sent.map(([, text]) => text)).toEqual(["on"]);
  });

  it("closes the session of a peer that broke the protocol", () => {
    const { links } = linksOf();
    const peer = new FakeSession("peer");
    links.attach(peer.session);
    links.refuse(links.open("peer", new Owner()) ?? 0, "rubbish");
    expect(peer.closedWith).toEqual(["MALFORMED"]);
  });

  it("links two engines of this node, a turn later", async () => {
    const { links, accepted } = linksOf();
    const owner = new Owner();
    const link = links.open("own", owner) ?? 0;
    links.send(link, Buffer.from("hello"));
    expect(accepted[0]?.events).toEqual([]);
    await Promise.resolve();
    expect(accepted[0]?.events).toEqual(["hello"]);
    links.close(link);
    await Promise.resolve();
    expect(accepted[0]?.events).toEqual(["hello", "lost"]);
    expect(owner.events).toEqual([]);
  });

  it("ends a link inside the node, and not the process, when an engine throws", async () => {
    const { links, accepted } = linksOf();
    const owner = new Owner();
    const link = links.open("own", owner) ?? 0;
    const [far] = accepted;
    if (far === undefined) throw new Error("not accepted");
    far.onMessage = () => {
      throw new Error("a bug");
    };
    links.send(link, Buffer.from("hello"));
    await Promise.resolve();
    expect(owner.events).toEqual(["lost"]);
    expect(far.events).toEqual(["lost"]);
  });

  it("takes a session that ended in the turn in which it opened", () => {
    const { links } = linksOf();
    const { session } = new FakeSession("peer");
    const over: PeerSession = {
      ...session,
      openLane: () => {
        throw new TransportError("CLOSED", "the session has ended");
      },
    };
    links.attach(over);
    expect(links.open("peer", new Owner())).toBeUndefined();
  });
});
