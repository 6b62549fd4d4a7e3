/** What keeps an application from taking items, on its way from its provider to the demand. */
import {
  type Obstacle,
  ObstacleKind,
  type ToDemand,
} from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import { toDemand } from "./messages.ts";

/** Characters of the detail that a demand keeps. */
const maxDetailLength = 256;

/** Why an application that items are pushed to takes none. */
export interface ApplicationObstacle {
  readonly kind: "notListening" | "notReady";
  /** Port of the application that was asked. */
  readonly port: number;
  /** One clause for a person. */
  readonly detail: string;
}

/** True when both say the same. */
export function sameObstacle(
  left: ApplicationObstacle | undefined,
  right: ApplicationObstacle | undefined,
): boolean {
  return left?.kind === right?.kind && left?.port === right?.port && left?.detail === right?.detail;
}

/** As a provider says it; undefined: nothing any more. */
export function obstacleMessage(obstacle: ApplicationObstacle | undefined): ToDemand {
  const { port = 0, detail = "" } = obstacle ?? {};
  return toDemand({
    case: "obstacle",
    value: { $typeName: "spillway.work.v1.Obstacle", kind: kindOf(obstacle), port, detail },
  });
}

/** As a demand keeps it. A kind of a later version is one that is not ready. */
export function obstacleOf({ kind, port, detail }: Obstacle): ApplicationObstacle | undefined {
  if (kind === ObstacleKind.UNSPECIFIED) return undefined;
  return {
    kind: kind === ObstacleKind.NOT_LISTENING ? "notListening" : "notReady",
    port,
    detail: detail.slice(0, maxDetailLength),
  };
}

function kindOf(obstacle: ApplicationObstacle | undefined): ObstacleKind {
  if (obstacle === undefined) return ObstacleKind.UNSPECIFIED;
  return obstacle.kind === "notListening" ? ObstacleKind.NOT_LISTENING : ObstacleKind.NOT_READY;
}
