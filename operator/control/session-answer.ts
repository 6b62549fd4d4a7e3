/** What a session is told next. */
import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  type CapabilityEntry,
  ConfigDeltaSchema,
  type DemandEntry,
  type Peer,
  PeersDeltaSchema,
  QuiesceSchema,
  TrustBundleSchema,
  WelcomeSchema,
} from "../../proto/gen/spillway/control/v1/control_pb.ts";
import {
  type DescriptorSet,
  DescriptorSetSchema,
} from "../../proto/gen/spillway/control/v1/node_config_pb.ts";
import type { ConfigPart } from "./desired-resource.ts";
import type { Step } from "./follower.ts";
import type { ResolvedHubOptions } from "./hub-options.ts";
import type { PodRecord } from "./pod-record.ts";
import type { Answer, Session } from "./session.ts";
import type { SnapshotHistory } from "./snapshot-history.ts";

/** What a session is told from. */
export interface Sources {
  /** Undefined while the pod is not known: nothing but answers is told. */
  readonly record: PodRecord | undefined;
  readonly peers: SnapshotHistory<Peer> | undefined;
  /** Whether the operator has led for long enough to know all peers. */
  readonly isSettled: boolean;
  readonly nowMs: number;
}

/** The first message. */
export function welcome(
  { identity }: Session,
  options: ResolvedHubOptions,
  expiresInMs: number,
): Answer {
  const value = create(WelcomeSchema, {
    clusterId: options.clusterId,
    namespace: identity.namespace,
    nodeId: identity.podUid,
    podName: identity.podName,
    kubeNode: identity.kubeNode,
    reportInterval: durationFromMs(options.reportIntervalMs),
    minReportInterval: durationFromMs(options.minReportIntervalMs),
    tokenExpiresIn: durationFromMs(Math.floor(expiresInMs)),
  });
  return { case: "welcome", value };
}

/**
 * The next message, which counts as sent: answers first, then descriptor sets before the delta that
 * names them, peers, what is to be quiet. Undefined when there is nothing to tell.
 */
export function nextAnswer(session: Session, sources: Sources): Answer | undefined {
  const answer = session.shift();
  if (answer !== undefined) return answer;
  const { record } = sources;
  if (record === undefined) return undefined;
  return (
    nextDescriptorSet(session, record) ??
    nextConfigDelta(session, record) ??
    nextPeersDelta(session, sources) ??
    nextQuiesce(session, record, sources.nowMs)
  );
}

function nextDescriptorSet(session: Session, record: PodRecord): Answer | undefined {
  for (const part of session.config.pending(record.config).changed) {
    const hash = descriptorSetOf(part);
    if (hash === undefined || session.descriptorSets.has(hash)) continue;
    session.descriptorSets.add(hash);
    const set = record.assignment.descriptorSets.get(hash);
    if (set === undefined) continue;
    const value: DescriptorSet = create(DescriptorSetSchema, set);
    return { case: "descriptorSet", value };
  }
  return undefined;
}

function descriptorSetOf(part: ConfigPart): string | undefined {
  return part.type === "demand" || part.type === "capability"
    ? part.entry.config?.contract?.descriptorSet
    : undefined;
}

function nextConfigDelta(session: Session, record: PodRecord): Answer | undefined {
  const step = session.config.next(record.config);
  if (step === undefined) return undefined;
  dropUnnamedSets(session, record);
  return { case: "configDelta", value: configDelta(step) };
}

/** The sidecar drops with this delta what nothing names any more: named again, it is sent again. */
function dropUnnamedSets({ descriptorSets }: Session, { config }: PodRecord): void {
  const named = new Set<string | undefined>();
  for (const { value } of config.latest.parts.values()) named.add(descriptorSetOf(value));
  for (const hash of descriptorSets) if (!named.has(hash)) descriptorSets.delete(hash);
}

function configDelta({ base, version, changed, removed }: Step<ConfigPart>) {
  const demands: DemandEntry[] = [];
  const capabilities: CapabilityEntry[] = [];
  const delta = create(ConfigDeltaSchema, { version, removed: [...removed] });
  if (base !== undefined) delta.base = base;
  for (const part of changed) {
    if (part.type === "demand") demands.push(part.entry);
    else if (part.type === "capability") capabilities.push(part.entry);
    else if (part.type === "kept") delta.kept.push(part.uid);
    else if (part.type === "announcementKey") delta.announcementKey = part.key;
    else delta.trustBundle = create(TrustBundleSchema, { pem: part.bundlePem });
  }
  delta.demands = demands;
  delta.capabilities = capabilities;
  return delta;
}

function nextPeersDelta(session: Session, { peers, isSettled }: Sources): Answer | undefined {
  if (peers === undefined) return undefined;
  // What a new leader does not know yet is not gone: whoever holds peers keeps them for a while.
  if (!isSettled && session.peers.holdsUnknown(peers)) return undefined;
  const step = session.peers.next(peers);
  if (step === undefined) return undefined;
  const { base, version, changed, removed } = step;
  const value = create(PeersDeltaSchema, {
    version,
    peers: [...changed],
    removed: [...removed],
    ...(base === undefined ? {} : { base }),
  });
  return { case: "peersDelta", value };
}

function nextQuiesce(session: Session, { quiesce }: PodRecord, nowMs: number): Answer | undefined {
  if (quiesce === undefined || quiesce.sequence <= session.quiesceSequence) return undefined;
  session.quiesceSequence = quiesce.sequence;
  if (quiesce.untilMs <= nowMs) return undefined;
  const value = create(QuiesceSchema, {
    sequence: quiesce.sequence,
    capabilityUids: [...quiesce.uids],
    ttl: durationFromMs(Math.ceil(quiesce.untilMs - nowMs)),
  });
  return { case: "quiesce", value };
}
