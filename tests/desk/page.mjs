// page.mjs DESK NAME PASSWORD CODE SITUATION [PICTURES]: the desk's page in a real browser.
//
// Signs in by the form, as a person does; then each page in both languages, on a phone and a desk, light and dark: no
// axe-core violation, nothing wider than the screen, nothing on the console, nothing from elsewhere. In the situation
// `incident` somebody is held, and the hold is undone from the page. The last line is a JSON object of what was measured.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(new URL("../pages/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [desk, name, password, code, situation, pictures] = process.argv.slice(2);
const quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const screens = { phone: { width: 390, height: 844 }, desk: { width: 1280, height: 900 } };
const narrow = { width: 320, height: 640 };
const found = [];
const measured = { paints: [], bytes: 0 };
let where = "";
const report = (text) => found.push(`${where}: ${text}`);

async function look(page, picture) {
  if (picture && pictures) await page.screenshot({ path: join(pictures, `${picture}.png`), fullPage: true });
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  for (const violation of violations) {
    report(`${violation.id}: ${violation.help} (${violation.nodes.map((node) => node.target).join(" | ")})`);
  }
  const size = page.viewportSize();
  for (const tried of [size, narrow]) {
    await page.setViewportSize(tried);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (wide > 0) report(`${wide} pixels wider than ${tried.width}`);
  }
  await page.setViewportSize(size);
}

function watch(page) {
  page.on("console", (message) => report(`console: ${message.text()}`));
  page.on("pageerror", (error) => report(`error: ${error.message}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(desk)) report(`asks for ${request.url()}`);
  });
  page.on("response", async (response) => {
    const size = Number((await response.allHeaders())["content-length"] ?? 0);
    if (new URL(response.url()).pathname !== "/sign-in") measured.bytes += size;
  });
}

async function signIn(browser) {
  const context = await browser.newContext({ viewport: screens.phone, locale: "fr-FR", deviceScaleFactor: 2 });
  const page = await context.newPage();
  where = "sign-in";
  watch(page);
  await page.goto(`${desk}/`);
  await look(page, `sign-in.${situation}.phone.fr`);
  await page.fill("[name=name]", name);
  await page.fill("[name=password]", password);
  await page.fill("[name=code]", code);
  measured.bytes = 0;
  await Promise.all([page.waitForURL(`${desk}/`), page.click("main button")]);
  await page.waitForLoadState("load");
  measured.page_bytes = measured.bytes;
  return context.storageState();
}

async function firstPaint(page) {
  await page.goto(`${desk}/`);
  await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length > 0);
  return page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime);
}

async function tryAll(browser, storageState) {
  for (const screen of Object.keys(screens)) {
    for (const scheme of ["light", "dark"]) {
      const context = await browser.newContext({ storageState, viewport: screens[screen], colorScheme: scheme,
        reducedMotion: "reduce", deviceScaleFactor: screen === "phone" ? 2 : 1 });
      const page = await context.newPage();
      watch(page);
      // Each language meets each screen and each scheme; every combination with ECLUSE_LONG.
      const one = (screen === "phone") === (scheme === "light") ? "fr" : "en";
      for (const language of process.env.ECLUSE_LONG ? ["fr", "en"] : [one]) {
        for (const path of ["/", "/panic", "/timeline"]) {
          where = `${path} ${screen} ${scheme} ${language}`;
          await page.goto(`${desk}${path}?lang=${language}`);
          const picture = `${path.slice(1) || "page"}.${situation}.${screen}.${scheme}.${language}`;
          await look(page, picture);
        }
      }
      where = "first paint";
      measured.paints.push(await firstPaint(page));
      await context.close();
    }
  }
}

// By keyboard alone: past the header, to the hold, into the dialog, reason, undone; said so, and live everywhere.
async function undo(browser, storageState) {
  where = "undo";
  const context = await browser.newContext({ storageState, viewport: screens.phone, colorScheme: "dark", deviceScaleFactor: 2 });
  const page = await context.newPage();
  const other = await context.newPage();
  watch(page);
  await other.goto(`${desk}/?lang=en`);
  await page.goto(`${desk}/?lang=en`);
  const before = await page.locator("#holds li").count();
  await page.focus(".holds a.undo");
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog[open]");
  await look(page, `dialog.${situation}.phone.dark.en`);
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => !document.querySelector("dialog"));
  if (!await page.evaluate(() => document.activeElement.matches("a.undo"))) report("the focus does not come back");
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog[open] input[name=reason]");
  await page.fill("dialog input[name=reason]", "a customer called");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  if (!await page.locator(".notice.good").count()) report("it is not said that it was done");
  await other.waitForFunction((count) => document.querySelectorAll("#holds li").length < count, before, { timeout: 4000 })
    .catch(() => report("the other page did not hear of it"));
  await context.close();
}

async function main() {
  if (pictures) mkdirSync(pictures, { recursive: true });
  const profile = mkdtempSync(join(tmpdir(), "desk-"));
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [...quiet, `--crash-dumps-dir=${profile}`] });
  try {
    const storageState = await signIn(browser);
    await tryAll(browser, storageState);
    if (situation === "incident") await undo(browser, storageState);
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  }
  console.log(JSON.stringify({ found, ...measured }));
}

await main();
