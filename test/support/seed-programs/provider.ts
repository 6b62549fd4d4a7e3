/** The provider of the seed's README, with the schemas passed. */
import { Capability } from "spillway";
import * as Messages from "./gen/messages_pb.ts";
import "./configure.ts";

// Provider Side (Capabilities):
// This will connect to a service that provides this type, and return the result
const myCapability = new Capability<Messages.MyMessage, Messages.MyResponse>(
  { request: Messages.MyMessageSchema, response: Messages.MyResponseSchema },
  async (workItem) => {
    // process the data, and then send a result back
    const results = { status: "OK", message: `success with ${workItem.foo}` };
    return results;
  },
);

process.once(
  "SIGTERM",
  () => void myCapability.close({ graceMs: 1_000 }).then(() => process.exit(0)),
);
