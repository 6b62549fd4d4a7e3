/** Starts the node of this process. Its rooms are loaded only here. */
import { SdkError } from "../sdk-error.ts";
import type { OpenNode } from "./embedded-node.ts";

/** @throws {SdkError} `NODE_FAILED`. */
export const openNode: OpenNode = () =>
  Promise.reject(new SdkError("NODE_FAILED", "The node of this process cannot be started yet."));
