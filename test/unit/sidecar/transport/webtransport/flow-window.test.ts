import { describe, expect, it } from "vitest";
import { FlowWindow } from "../../../../../sidecar/transport/webtransport/flow-window.ts";

describe("FlowWindow", () => {
  it("allows what the peer allowed, and more when it says so", () => {
    const window = new FlowWindow(100, 64);
    window.addSent(60);
    expect(window.sendableBytes).toBe(40);
    expect(window.raiseSendLimit(150)).toBe(true);
    expect(window.sendableBytes).toBe(90);
  });

  it("ignores a limit that is no greater", () => {
    const window = new FlowWindow(100, 64);
    expect(window.raiseSendLimit(100)).toBe(false);
    expect(window.raiseSendLimit(1)).toBe(false);
    expect(window.sendableBytes).toBe(100);
  });

  it("finds a peer that sends beyond the window", () => {
    const window = new FlowWindow(0, 64);
    expect(window.addReceived(64)).toBe(true);
    expect(window.addReceived(1)).toBe(false);
  });

  it("grants again once more than half is consumed, and always up to the whole window", () => {
    const window = new FlowWindow(0, 64);
    expect(window.addConsumed(32)).toBeUndefined();
    expect(window.addConsumed(1)).toBe(33 + 64);
    expect(window.addConsumed(31)).toBeUndefined();
  });
});
