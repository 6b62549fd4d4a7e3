/** The control stream on real sockets: TLS, tokens, deltas, certificates, refusals. */
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  Authority,
  ControlPlane,
  type ControlPlaneComponents,
  type ControlPlaneOptions,
} from "../../../operator/control/index.ts";
import { RefusalCode } from "../../../proto/gen/spillway/control/v1/control_pb.ts";
import { createCertificateRequest } from "../../../sidecar/runtime/certificate-request.ts";
import {
  createMetrics,
  type Metrics,
  type Logger,
  realClock,
  realTimers,
  realWallClock,
  silentLogger,
} from "../../../sidecar/runtime/index.ts";
import {
  MemorySecret,
  testCapability,
  testDemand,
  testPod,
  type TestPod,
  TestSidecar,
  tokenOf,
  TrustingReviews,
} from "../../support/control-rig.ts";
import { eventually } from "../../support/eventually.ts";

const inAnHourMs = Date.now() + 3_600_000;
const closing: (() => void | Promise<void>)[] = [];

let plane: ControlPlane;
let authority: Authority;
let reviews: TrustingReviews;
let changedBundles: string[];
let secrets: MemorySecret;
let metrics: Metrics;
/** Of the operator's clock before the real one. */
let aheadMs = 0;
const clock = { nowMs: () => realClock.nowMs() + aheadMs };

async function startPlane(
  options: Partial<ControlPlaneOptions> = {},
  over: Partial<ControlPlaneComponents> = {},
): Promise<ControlPlane> {
  reviews = new TrustingReviews();
  changedBundles = [];
  aheadMs = 0;
  secrets = new MemorySecret();
  metrics = createMetrics();
  authority = await Authority.open({ secrets, wallClock: realWallClock }, { clusterId: "c1" });
  const started = await ControlPlane.start(
    {
      authority,
      reviews,
      clock,
      wallClock: realWallClock,
      timers: realTimers,
      log: silentLogger,
      metrics,
      onSidecarChange: () => undefined,
      onBundleChange: (pem) => changedBundles.push(pem),
      ...over,
    },
    { listen: { host: "127.0.0.1", port: 0 }, ...options },
  );
  closing.push(() => started.close());
  return started;
}

function sidecar(caPem = authority.bundlePem): TestSidecar {
  const made = new TestSidecar({ port: plane.port, caPem });
  closing.unshift(() => {
    made.cut();
  });
  return made;
}

function assigned(pod: TestPod, over: Partial<Parameters<ControlPlane["assign"]>[0]> = {}): void {
  plane.assign({ pod: { ...pod, ips: [], roles: [] }, demands: [], capabilities: [], ...over });
}

/** What the listener shows to whoever connects now. */
async function certificateOf(port: number): Promise<X509Certificate> {
  const options = { host: "127.0.0.1", port, ca: authority.bundlePem, ALPNProtocols: ["h2"] };
  const socket = connect({ ...options, servername: "control.spillway.dev" });
  await once(socket, "secureConnect");
  const certificate = socket.getPeerX509Certificate();
  socket.destroy();
  if (certificate === undefined) throw new Error("no certificate was shown");
  return certificate;
}

beforeEach(async () => {
  plane = await startPlane();
  plane.lead();
});

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

describe("a stream", () => {
  test("welcomes the pod of the token, then tells what selects it", async () => {
    const pod = testPod();
    const demand = testDemand();
    assigned(pod, { demands: [demand] });
    const attached = sidecar().attach(tokenOf(pod, inAnHourMs), { sidecarVersion: "1" });
    await eventually(() => expect(attached.received).toHaveLength(4));
    expect(attached.received.map((it) => it.case)).toEqual([
      "welcome",
      "descriptorSet",
      "configDelta",
      "peersDelta",
    ]);
    expect(attached.all("welcome")[0]).toMatchObject({
      clusterId: "c1",
      namespace: "shop",
      nodeId: pod.uid,
      podName: pod.name,
      kubeNode: "kube-1",
    });
    const [delta] = attached.all("configDelta");
    expect(delta?.demands.map((it) => it.resource?.uid)).toEqual([demand.uid]);
    expect(delta?.trustBundle?.pem).toBe(authority.bundlePem);
    expect(delta?.announcementKey).toHaveLength(32);
    expect(plane.sidecar(pod.uid)).toMatchObject({ attached: true, sidecarVersion: "1" });
  });

  test("issues a certificate over a key that stays with the sidecar", async () => {
    const pod = testPod();
    assigned(pod, { pod: { ...pod, ips: [], roles: ["relay"] } });
    const attached = sidecar().attach(tokenOf(pod, inAnHourMs));
    const { requestDer } = await createCertificateRequest();
    attached.sendKind({ case: "certificateRequest", value: { request: requestDer } });
    await eventually(() => expect(attached.all("certificate")).toHaveLength(1));
    const [certificate] = attached.all("certificate");
    const leaf = new X509Certificate(certificate?.certificatePem ?? "");
    expect(leaf.subjectAltName).toBe(`URI:spiffe://c1/ns/shop/node/${pod.uid}`);
    expect(certificate?.validFor?.seconds).toBe(86_400n);
    expect(certificate?.renewAfter?.seconds).toBe(28_800n);
  });

  test("goes on after a certificate request that is none, with a typed refusal", async () => {
    const pod = testPod();
    assigned(pod);
    const attached = sidecar().attach(tokenOf(pod, inAnHourMs));
    const request = Uint8Array.from([1, 2, 3]);
    attached.sendKind({ case: "certificateRequest", value: { request } });
    await eventually(() => expect(attached.all("refusal")).toHaveLength(1));
    expect(attached.all("refusal")[0]?.code).toBe(RefusalCode.CERTIFICATE_REQUEST_INVALID);
    expect(attached.ended).toBe(false);
  });

  test("tells providers where the queues of their route are", async () => {
    const [producer, provider] = [testPod("web-0"), testPod("worker-0")];
    assigned(producer, { demands: [testDemand()] });
    assigned(provider, { capabilities: [testCapability()] });
    const working = sidecar().attach(tokenOf(provider, inAnHourMs));
    sidecar().attach(tokenOf(producer, inAnHourMs), {
      incarnation: 7n,
      peerAddress: { addresses: ["127.0.0.1"], port: 17_077 },
    });
    await eventually(() => expect(working.all("peersDelta")).toHaveLength(2));
    expect(working.all("peersDelta")[1]?.peers).toMatchObject([
      { nodeId: producer.uid, incarnation: 7n, address: { port: 17_077 } },
    ]);
  });

  test("is forgotten when the sidecar goes, in peace or not", async () => {
    const pods = [testPod("a"), testPod("b")];
    const [first, second] = pods.map((pod) => {
      assigned(pod);
      return sidecar().attach(tokenOf(pod, inAnHourMs));
    });
    await eventually(() => expect(plane.streamCount).toBe(2));
    first?.finish();
    await eventually(() => expect(plane.streamCount).toBe(1));
    second?.cut();
    await eventually(() => expect(plane.streamCount).toBe(0));
    for (const { uid } of pods) expect(plane.sidecar(uid)?.attached).toBe(false);
  });

  test("a rotation brings both authorities down, and the new one signs after the overlap", async () => {
    const pod = testPod();
    assigned(pod);
    const attached = sidecar().attach(tokenOf(pod, inAnHourMs));
    await eventually(() => expect(attached.all("configDelta")).toHaveLength(1));
    const before = authority.bundlePem;
    await plane.rotate();
    await eventually(() => expect(attached.all("configDelta")).toHaveLength(2));
    const [, delta] = attached.all("configDelta");
    expect(delta?.base).toBeDefined();
    expect(delta?.trustBundle?.pem.startsWith(before)).toBe(true);
    expect(delta?.trustBundle?.pem.match(/BEGIN/g)).toHaveLength(2);
    expect(changedBundles).toEqual([delta?.trustBundle?.pem]);
  });
});

describe("a stream is refused", () => {
  test("without a token", async () => {
    const refused = sidecar().attach(undefined);
    await eventually(() => expect(refused.refusal?.code).toBe(RefusalCode.TOKEN_MISSING));
  });

  test("with a token that the API server does not accept", async () => {
    const refused = sidecar().attach("nonsense");
    await eventually(() => expect(refused.refusal?.code).toBe(RefusalCode.TOKEN_REFUSED));
    expect(refused.refusal?.message).toMatch(/projected ServiceAccount token/);
  });

  test("by an operator that does not lead, before its token is looked at", async () => {
    plane.follow("10.0.0.7:17079");
    const refused = sidecar().attach(tokenOf(testPod(), inAnHourMs));
    await eventually(() => expect(refused.refusal?.code).toBe(RefusalCode.NOT_LEADER));
    expect(refused.refusal?.leaderAddress).toBe("10.0.0.7:17079");
    expect(reviews.asked).toBe(0);
  });

  test("when its pod is deleted, and a remembered token does not bring it back", async () => {
    const pod = testPod();
    assigned(pod);
    const attached = sidecar().attach(tokenOf(pod, inAnHourMs));
    await eventually(() => expect(plane.streamCount).toBe(1));
    plane.release(pod.uid);
    await eventually(() => expect(attached.refusal?.code).toBe(RefusalCode.POD_DELETED));
    sidecar().attach(tokenOf(pod, inAnHourMs));
    await eventually(() => expect(reviews.asked).toBe(2));
  });

  test("when its token ends", async () => {
    const pod = testPod();
    assigned(pod);
    const attached = sidecar().attach(tokenOf(pod, Date.now() + 1_500));
    await eventually(() => expect(attached.refusal?.code).toBe(RefusalCode.TOKEN_EXPIRED));
  });

  test("when a newer stream of the same pod comes", async () => {
    const pod = testPod();
    assigned(pod);
    const [older, newer] = [sidecar(), sidecar()];
    older.attach(tokenOf(pod, inAnHourMs));
    await eventually(() => expect(plane.streamCount).toBe(1));
    newer.attach(tokenOf(pod, inAnHourMs));
    await eventually(() => expect(older.refusal?.code).toBe(RefusalCode.REPLACED));
    expect(newer.ended).toBe(false);
    expect(plane.streamCount).toBe(1);
  });

  test("when the first message is no Hello", async () => {
    const pod = testPod();
    const other = sidecar();
    other.sendKind({ case: "report", value: {} });
    other.attach(tokenOf(pod, inAnHourMs));
    await eventually(() => expect(other.refusal?.code).toBe(RefusalCode.MESSAGE_INVALID));
  });

  test("when a message is longer than 1 MiB", async () => {
    const pod = testPod();
    assigned(pod);
    const attached = sidecar().attach(tokenOf(pod, inAnHourMs));
    await eventually(() => expect(plane.streamCount).toBe(1));
    const request = new Uint8Array(1_100_000);
    attached.sendKind({ case: "certificateRequest", value: { request } });
    await eventually(() => expect(attached.refusal?.code).toBe(RefusalCode.MESSAGE_INVALID));
  });

  test("when the operator fails at a message, which its log tells as an error", async () => {
    const logged: unknown[] = [];
    const log: Logger = { ...silentLogger, error: (fields) => logged.push(fields) };
    let fails = false;
    const fault = new Error("a bug");
    const onSidecarChange = (): void => {
      if (!fails) return;
      fails = false;
      throw fault;
    };
    plane = await startPlane({}, { log, onSidecarChange });
    plane.lead();
    const pod = testPod();
    assigned(pod);
    const attached = sidecar().attach(tokenOf(pod, inAnHourMs));
    await eventually(() => expect(attached.all("configDelta")).toHaveLength(1));
    fails = true;
    attached.sendKind({ case: "report", value: {} });
    await eventually(() => expect(attached.refusal?.code).toBe(RefusalCode.OPERATOR_FAILED));
    expect(logged).toMatchObject([{ err: fault }]);
  });

  test("when the operator ends", async () => {
    const pod = testPod();
    assigned(pod);
    const attached = sidecar().attach(tokenOf(pod, inAnHourMs));
    await eventually(() => expect(plane.streamCount).toBe(1));
    await plane.close();
    await eventually(() => expect(attached.refusal?.code).toBe(RefusalCode.STOPPING));
  });
});

describe("the listener", () => {
  test("is not believed by a client that trusts another authority", async () => {
    const other = await Authority.open(
      { secrets: new MemorySecret(), wallClock: realWallClock },
      { clusterId: "c1" },
    );
    const refused = sidecar(other.bundlePem).attach(tokenOf(testPod(), inAnHourMs));
    await eventually(() => expect(refused.ended).toBe(true));
    expect(String(refused.error)).toMatch(/certificate|signature/i);
    expect(reviews.asked).toBe(0);
  });

  test.each(["leads", "follows"])(
    "renews its certificate while the authority's Secret can't be reached and it %s",
    async (role) => {
      if (role === "follows") plane.follow(undefined);
      const away = async () => Promise.reject(new Error("the API server is away"));
      Object.assign(secrets, { read: away, write: away });
      const first = await certificateOf(plane.port);
      aheadMs = 8 * 3_600_000;
      await plane.tend().catch(() => undefined);
      const renewed = await certificateOf(plane.port);
      expect(renewed.checkIssued(new X509Certificate(authority.bundlePem))).toBe(true);
      expect(renewed.serialNumber).not.toBe(first.serialNumber);
    },
  );

  test("a port that is taken is told with the remedy", async () => {
    await expect(
      startPlane({ listen: { host: "127.0.0.1", port: plane.port } }),
    ).rejects.toMatchObject({ code: "LISTEN_FAILED" });
  });
});

describe("its metrics", () => {
  const prefix = "spillway_operator_control_";

  async function shown(): Promise<string[]> {
    const text = await metrics.expose();
    return text.split("\n").filter((line) => line.startsWith(prefix));
  }

  test("count streams, reviews, certificates, what is told and what is not acknowledged", async () => {
    const pod = testPod();
    const demand = testDemand({ generation: 3 });
    assigned(pod, { demands: [demand] });
    const attached = sidecar().attach(tokenOf(pod, inAnHourMs));
    const { requestDer } = await createCertificateRequest();
    attached.sendKind({ case: "certificateRequest", value: { request: requestDer } });
    await eventually(() => expect(attached.all("certificate")).toHaveLength(1));
    await eventually(() => expect(attached.all("peersDelta")).toHaveLength(1));
    const told = await shown();
    expect(told).toEqual(
      expect.arrayContaining([
        `${prefix}streams 1`,
        `${prefix}reviews_total{result="accepted"} 1`,
        `${prefix}certificates_total{result="issued"} 1`,
        `${prefix}messages_total{kind="welcome"} 1`,
        `${prefix}messages_total{kind="descriptorSet"} 1`,
        `${prefix}messages_total{kind="configSnapshot"} 1`,
        `${prefix}messages_total{kind="peersSnapshot"} 1`,
        `${prefix}unacknowledged_resources 1`,
        `${prefix}generation_lag 1`,
      ]),
    );
    const bytes = told.find((line) => line.startsWith(`${prefix}message_bytes_total{kind="config`));
    expect(Number(bytes?.split(" ")[1])).toBeGreaterThan(authority.bundlePem.length);

    const resource = { uid: demand.uid, generation: 3n };
    attached.sendKind({ case: "acknowledgement", value: { resources: [{ resource }] } });
    await eventually(async () =>
      expect(await shown()).toContain(`${prefix}unacknowledged_resources 0`),
    );
    await plane.rotate();
    await eventually(() => expect(attached.all("configDelta")).toHaveLength(2));
    expect(await shown()).toContain(`${prefix}messages_total{kind="configDelta"} 1`);
  });

  test("count refusals by code: before a stream, on one, and those that end one", async () => {
    const pod = testPod();
    assigned(pod);
    sidecar().attach(undefined);
    sidecar().attach("nonsense");
    const attached = sidecar().attach(tokenOf(pod, inAnHourMs));
    attached.sendKind({ case: "certificateRequest", value: { request: Uint8Array.of(1) } });
    await eventually(() => expect(attached.all("refusal")).toHaveLength(1));
    plane.release(pod.uid);
    await eventually(() => expect(attached.ended).toBe(true));
    await eventually(async () =>
      expect(await shown()).toEqual(
        expect.arrayContaining([
          `${prefix}streams 0`,
          `${prefix}reviews_total{result="refused"} 1`,
          `${prefix}certificates_total{result="refused"} 1`,
          `${prefix}refusals_total{code="TOKEN_MISSING"} 1`,
          `${prefix}refusals_total{code="TOKEN_REFUSED"} 1`,
          `${prefix}refusals_total{code="CERTIFICATE_REQUEST_INVALID"} 1`,
          `${prefix}refusals_total{code="POD_DELETED"} 1`,
        ]),
      ),
    );
  });
});
