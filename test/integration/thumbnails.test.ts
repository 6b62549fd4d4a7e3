/** The example as a user meets it: `spillway up`, real sidecars, HTTP and the page. */
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { chromium } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { drawLandscape, drawPlain, samples } from "../../examples/thumbnails/draw-samples.ts";
import { eventually } from "../support/eventually.ts";
import {
  copyExample,
  repository,
  runCli,
  type RunningFolder,
  startFolder,
} from "../support/running-folder.ts";
import { chromiumPath, skipUnless } from "../support/skip-unless.ts";

let running: RunningFolder;

beforeAll(async () => {
  const { folder, port } = await copyExample("thumbnails");
  running = await startFolder(folder, port);
}, 60_000);

afterAll(async () => {
  await running.end("SIGINT");
  await running.remove();
}, 30_000);

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

async function post(body: Uint8Array, query = "width=128"): Promise<Answer> {
  const url = `http://127.0.0.1:${running.port}/thumbnails?${query}`;
  const response = await fetch(url, { method: "POST", body: Buffer.from(body) });
  return {
    status: response.status,
    headers: response.headers,
    body: Buffer.from(await response.arrayBuffer()),
  };
}

async function refusal(body: Uint8Array, query?: string) {
  const { status, body: answer } = await post(body, query);
  const { code, detail } = JSON.parse(answer.toString()) as { code: string; detail: string };
  return { status, code, detail };
}

describe("POST /thumbnails", () => {
  test.each(samples)("answers with the thumbnail of $name", async (sample) => {
    const { status, headers, body } = await post(await drawPlain(sample));
    expect([status, headers.get("content-type")]).toEqual([200, "image/webp"]);
    expect(headers.get("thumbnail-made-by")).toMatch(/^.+\/\d+$/);
    const { width, height } = await sharp(body).metadata();
    expect([width, height]).toEqual([128, Math.round((128 * sample.height) / sample.width)]);
    const { dominant } = await sharp(body).stats();
    for (const part of ["r", "g", "b"] as const) {
      // `dominant` counts in steps of 16.
      expect(Math.abs(dominant[part] - sample.colour[part])).toBeLessThanOrEqual(16);
    }
  });

  test("spreads work over the workers", async () => {
    const images = await Promise.all(samples.map(drawLandscape));
    const answers = await Promise.all(
      Array.from({ length: 18 }, (_, index) => post(images[index % 3] ?? Buffer.alloc(0))),
    );
    const makers = new Set(answers.map(({ headers }) => headers.get("thumbnail-made-by")));
    expect(answers.map(({ status }) => status)).toEqual(Array(18).fill(200));
    expect(makers.size).toBe(3);
  });

  test("names the reason for what cannot be done, and no worker dies of it", async () => {
    const workersBefore = workerPids();
    const image = await drawLandscape(samples[0] ?? expect.fail("no sample"));
    const huge = {
      create: { width: 9_000, height: 9_000, channels: 3, background: "red" },
    } as const;
    const refusals = {
      empty: await refusal(Buffer.alloc(0)),
      text: await refusal(Buffer.from("this is no image"), "name=note.txt"),
      truncated: await refusal(image.subarray(0, image.length / 2)),
      large: await refusal(Buffer.alloc(10 * 1024 * 1024 + 1)),
      manyPixels: await refusal(await sharp(huge).png().toBuffer()),
      vector: await refusal(
        Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
      ),
      narrow: await refusal(image, "width=15"),
      wide: await refusal(image, "width=1025"),
      noNumber: await refusal(image, "width=wide"),
      misspelt: await refusal(image, "wdith=128"),
    };
    const codes = Object.entries(refusals).map(([name, { status, code }]) => [name, status, code]);
    expect(codes).toEqual([
      ["empty", 400, "NO_IMAGE"],
      ["text", 415, "NOT_AN_IMAGE"],
      ["truncated", 422, "DAMAGED_IMAGE"],
      ["large", 413, "FILE_TOO_LARGE"],
      ["manyPixels", 413, "TOO_MANY_PIXELS"],
      ["vector", 415, "FORMAT_NOT_TAKEN"],
      ["narrow", 400, "WIDTH_OUT_OF_RANGE"],
      ["wide", 400, "WIDTH_OUT_OF_RANGE"],
      ["noNumber", 400, "WIDTH_OUT_OF_RANGE"],
      ["misspelt", 400, "UNKNOWN_PARAMETER"],
    ]);
    expect(refusals.text.detail).toContain("note.txt");
    expect(refusals.truncated.detail).toContain("cut off");
    expect(refusals.manyPixels.detail).toContain("9000 × 9000");
    expect(workerPids()).toEqual(workersBefore);
  });
});

describe("from the shell", () => {
  test.each([
    [["explain", "abc"], /^spillway: "abc" is refused as UNKNOWN_TICKET\. .+\.\n$/],
    [
      ["send", "thumbnails", '{"colour": 1}'],
      /^spillway: the request message is refused as INVALID_PAYLOAD\. .*colour.*\.\n$/,
    ],
    [["send", "thumbnails", "7"], /^spillway: the request message is refused as .+\.\n$/],
  ])("bad input ends with 2 and one error: %j", ([command = "", ...words], message) => {
    const { code, stdout, stderr } = runCli([command, running.folder, ...words]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
  });

  test("a dead item is explained with the application's sentence and its attempts", () => {
    const bytes = Buffer.from("no image").toString("base64");
    const message = JSON.stringify({ image: bytes, width: 128 });
    const sent = runCli(["send", running.folder, "thumbnails", message, "--wait"]);
    expect(sent.code).toBe(1);
    const { ticket } = JSON.parse(sent.stdout) as { ticket: string };
    const explained = runCli(["explain", running.folder, ticket]);
    expect(explained).toMatchObject({ code: 0, stderr: "" });
    expect(explained.stdout).toMatch(/\n {2}ended as dead: NOT_AN_IMAGE after 1 attempt: .+\n$/);
  });
});

function workerPids(): readonly (number | null)[] {
  return running
    .status()
    .programs.filter(({ name }) => name === "worker")
    .map(({ pid }) => pid);
}

const browser = chromiumPath();

skipUnless(browser !== undefined, "needs Chromium, for the page (Debian: chromium)")(
  "the page",
  () => {
    test("shows a thumbnail for each uploaded image, and a reason for each failure", {
      timeout: 60_000,
    }, async () => {
      const folder = mkdtempSync(join(running.folder, "samples-"));
      const files = await Promise.all(
        samples.map(async (sample) => {
          const file = join(folder, sample.name);
          writeFileSync(file, await drawLandscape(sample));
          return file;
        }),
      );
      const chrome = await chromium.launch({
        executablePath: browser ?? "",
        args: [
          "--no-sandbox",
          "--disable-gpu",
          "--disable-quic",
          "--disable-background-networking",
        ],
      });
      try {
        const page = await chrome.newPage({ viewport: { width: 1_040, height: 780 } });
        const errors: string[] = [];
        page.on("pageerror", (error) => errors.push(error.message));
        await page.goto(`http://127.0.0.1:${running.port}/`);
        await page.getByLabel("Drop images here").setInputFiles(files);
        await eventually(async () => expect(await page.locator(".card img").count()).toBe(3), {
          timeoutMs: 30_000,
        });
        await eventually(async () =>
          expect(await page.getByRole("status").textContent()).toMatch(
            /3 of 3 done by [123] worker/,
          ),
        );
        const widths = await page
          .locator(".card img")
          .evaluateAll((images) =>
            images.map((image) => (image as { naturalWidth?: number }).naturalWidth),
          );
        expect(widths).toEqual([256, 256, 256]);
        expect(await page.locator(".card .worker").allTextContents()).toHaveLength(3);
        await page.mouse.move(0, 0);
        saveScreenshot(await page.screenshot({ animations: "disabled" }));

        const broken = join(folder, "broken.png");
        writeFileSync(broken, "no image at all");
        await page.getByLabel("Drop images here").setInputFiles([broken]);
        const failed = page.locator('.card[data-state="failed"] .state');
        await eventually(async () => expect(await failed.count()).toBe(1));
        expect(await failed.textContent()).toMatch(/"broken.png" is no image/);
        expect(errors).toEqual([]);
      } finally {
        await chrome.close();
      }
    });
  },
);

/** The README's picture: made once; delete the file, or set SAVE_SCREENSHOT=1, to make it again. */
function saveScreenshot(png: Buffer): void {
  const file = join(repository, "docs/images/thumbnails.png");
  if (!existsSync(file) || process.env["SAVE_SCREENSHOT"] === "1") {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, png);
  }
}
