import { describe, expect, test } from "vitest";
import { type BenchReport, ratio, summarise } from "../bench/report.ts";
import { performancePage, performancePicture } from "./performance-page.ts";

function report(bench: string): BenchReport {
  const machine = { cpu: "a CPU", cores: 2, memoryBytes: 1, node: "v24.0.0", kernel: "6.1" };
  const rows = [summarise({ case: "64 in flight", system: bench, unit: "items/s" }, [3, 1, 2])];
  return { bench, size: "real", machine, rows, ratios: [ratio("items", 7, ">= 6")] };
}

describe("the page of figures", () => {
  test.each([["work"], ["sidecar"], ["transport"], ["operator"], ["control"]])(
    "shows %s once its report is saved, and no benchmark without one",
    (name) => {
      const page = performancePage("made", (asked) => (asked === name ? report(name) : undefined));
      expect(page.match(/^## .+/gm)).toEqual([`## ${name[0]?.toUpperCase()}${name.slice(1)}`]);
      expect(page).toContain(`\`npm run bench -- ${name}\`, size real; a CPU, 2 cores, Node`);
      expect(page).toContain("| items | 7.00 | >= 6 | met |");
      expect(page).toContain(`| 64 in flight | ${name} | 2.00 | items/s |`);
    },
  );

  test("has a bar for each goal of each report", () => {
    const picture = performancePicture(report);
    for (const name of ["operator", "control", "sidecar", "transport", "work"]) {
      expect(picture).toContain(`>${name}: items</text>`);
    }
  });
});
