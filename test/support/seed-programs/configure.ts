/**
 * The three ways a program may run, chosen by its first argument; the rest of its text is the same.
 *   sidecar · development GROUP PORT · credentials GROUP PORT NAME
 */
import { readFileSync } from "node:fs";
import { CML } from "spillway";

const [mode, group = "", port = "", name = ""] = process.argv.slice(2);

switch (mode) {
  case "sidecar":
    CML.Config.useSidecar(process.env["SPILLWAY_SOCKET"] ?? "");
    break;
  case "development":
    CML.Config.setNoCAMode({ development: true });
    CML.Config.setMulticast(group, { port: Number(port), interfaces: ["127.0.0.1"] });
    break;
  case "credentials": {
    const certificate = readFileSync(`./${name}.pem`, "utf-8");
    const privateKey = readFileSync(`./${name}.key`, "utf-8");
    const ca = readFileSync("./ca.pem", "utf-8");
    CML.Config.setCredentials({ certificate, privateKey, ca });
    CML.Config.setMulticast(group, { port: Number(port), interfaces: ["127.0.0.1"] });
    break;
  }
  default:
    throw new Error(`no mode ${String(mode)}`);
}
