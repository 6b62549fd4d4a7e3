/** The producer of the seed's README, with the schemas passed. */
import { Demand } from "spillway";
import * as Messages from "./gen/messages_pb.ts";
import "./configure.ts";

// Producer Side (Demand Queue):
const demand = new Demand<Messages.MyMessage, Messages.MyResponse>({
  request: Messages.MyMessageSchema,
  response: Messages.MyResponseSchema,
  desiredProviders: 3,
  maxProviders: 5,
});

demand.handler(async (workItem, results) => {
  // handle completed request, or a failed request.
  // results will now be of type MyResponse, if results are returned.
  console.log("received results for work item", JSON.stringify([workItem, results]));
});
demand.announce();

// create a work item, to be processed by others
const request = { foo: "bar", retries: 3 };
demand.addWorkItem(request);

process.once("SIGTERM", () => void demand.close({ graceMs: 1_000 }).then(() => process.exit(0)));
