// Opens the documentation as a reader does, and measures how long it takes until it can be used.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const { BASE, CHROMIUM = "/usr/bin/chromium" } = process.env;
assert(BASE, "run by tests/docs/run");
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
// Long enough for a slow machine: a page that is not usable by then never will be.
const timeout = 120_000;

// A browser that has never been here, so that nothing comes from its cache.
async function visit(address, use) {
  const profile = await mkdtemp(join(tmpdir(), "stride-docs-"));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    args: FLAGS,
    viewport: { width: 1280, height: 1000 },
  });
  const faults = [];
  try {
    const page = browser.pages()[0] ?? (await browser.newPage());
    page.setDefaultTimeout(timeout);
    page.on("pageerror", (error) => faults.push(`${error}`));
    page.on("console", (line) => line.type() === "error" && faults.push(line.text()));
    const began = performance.now();
    await page.goto(`${BASE}${address}`, { waitUntil: "commit" });
    const result = await use(page, () => performance.now() - began);
    assert.deepEqual(faults, [], "the page has errors");
    return result;
  } catch (error) {
    await browser.pages()[0]?.screenshot({ path: "failed.png" });
    throw error;
  } finally {
    await browser.close();
    await rm(profile, { recursive: true, force: true });
  }
}

const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(2)} s`;

async function opened(page, passed) {
  // Usable: a group opens when it is clicked.
  const group = page.locator(".opblock-tag").first();
  await group.click();
  await page.locator(".opblock").first().waitFor();
  const took = passed();
  await page.screenshot({ path: "opened.png" });

  const names = await page.locator("#select option").allTextContents();
  for (const name of ["governance", "risk", "views", "everything"]) {
    assert(names.includes(name), `the selector lacks ${name}: ${names}`);
  }
  assert.equal(await page.locator("#select").inputValue(), "/openapi/governance.json");

  const groups = page.locator(".opblock-tag-section");
  const all = await groups.count();
  await page.locator(".operation-filter-input").fill("Terms");
  await page.waitForFunction((n) => document.querySelectorAll(".opblock-tag-section").length < n, all);
  assert.equal(await groups.count(), 1, "the filter leaves one group");
  await page.screenshot({ path: "filtered.png" });
  await page.locator(".operation-filter-input").fill("");

  await page.locator("#select").selectOption("/openapi/risk.json");
  await page.locator('.opblock-tag[data-tag="Risks"]').waitFor();
  return took;
}

async function linked(page, passed) {
  const operation = page.locator("#operations-Risks-createRisk");
  await operation.locator(".opblock-body .opblock-section").first().waitFor();
  const took = passed();
  await page.screenshot({ path: "linked.png" });
  return took;
}

async function whole(page, passed) {
  await page.locator('.opblock-tag[data-tag="Risks"]').waitFor();
  return passed();
}

const link = (part) => `/docs/?urls.primaryName=${part}#/Risks/createRisk`;
// The documents are made when one is first asked for: the first visit waits for that, too.
console.log(`docs: usable after ${seconds(await visit("/docs/", opened))} at the first visit to the service`);
console.log(`docs: usable after ${seconds(await visit("/docs/", opened))}`);
console.log(`docs: a deep link into another register opens after ${seconds(await visit(link("risk"), linked))}`);
console.log(`docs: the whole document shows after ${seconds(await visit(link("everything"), whole))}`);
console.log(`docs: a deep link into the whole document opens after ${seconds(await visit(link("everything"), linked))}`);
