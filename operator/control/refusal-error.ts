import { Code, ConnectError } from "@connectrpc/connect";
import {
  type Refusal,
  RefusalCode,
  RefusalSchema,
} from "../../proto/gen/spillway/control/v1/control_pb.ts";

/** Which of Connect's codes goes with a refusal: what a client that knows no more makes of it. */
const codes: ReadonlyMap<RefusalCode, Code> = new Map([
  [RefusalCode.TOKEN_MISSING, Code.Unauthenticated],
  [RefusalCode.TOKEN_REFUSED, Code.Unauthenticated],
  [RefusalCode.TOKEN_EXPIRED, Code.Unauthenticated],
  [RefusalCode.REVIEW_LIMIT, Code.ResourceExhausted],
  [RefusalCode.STREAM_LIMIT, Code.ResourceExhausted],
  [RefusalCode.RATE_EXCEEDED, Code.ResourceExhausted],
  [RefusalCode.TOO_SLOW, Code.ResourceExhausted],
  [RefusalCode.POD_UNKNOWN, Code.NotFound],
  [RefusalCode.POD_DELETED, Code.NotFound],
  [RefusalCode.REPLACED, Code.Aborted],
  [RefusalCode.MESSAGE_INVALID, Code.InvalidArgument],
  [RefusalCode.OPERATOR_FAILED, Code.Internal],
  [RefusalCode.SILENT, Code.DeadlineExceeded],
]);

/** The error that a stream ends with: the refusal is in its details. */
export function refusalError(ended: Refusal): ConnectError {
  const code = codes.get(ended.code) ?? Code.Unavailable;
  return new ConnectError(ended.message, code, undefined, [{ desc: RefusalSchema, value: ended }]);
}
