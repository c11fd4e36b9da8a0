// check.mjs RENDERED [SCREENSHOTS]: the public pages in a real browser.
//
// Serves what render-pages wrote, with the policy that a front sends, to Debian's Chromium on the loopback,
// and tries each page in every language on a phone and a desk, once light and once dark: no axe-core violation,
// nothing wider than the screen, nothing on the console, no request but for the page. Which of them is light
// changes from page to page; with ECLUSE_LONG=1 both are both. With SCREENSHOTS, a picture of each goes there.
// A third argument picks pages by a part of their name.
import { createServer } from "node:http";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [rendered, screenshots, only] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const policies = Object.fromEntries(readdirSync(rendered).filter((name) => name.endsWith("policy"))
  .map((name) => [name.replace(".policy", ".html"), readFileSync(join(rendered, name), "utf8")]));
const quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const screens = { phone: { width: 390, height: 844 }, desk: { width: 1280, height: 900 } };
const narrow = { width: 320, height: 640 }; // WCAG 2.2, 1.4.10: reflow

function serve(request, response) {
  const name = new URL(request.url, "http://localhost").pathname.slice(1);
  try {
    const body = readFileSync(join(rendered, name.replace(/[^a-z0-9_.]/g, "")));
    response.writeHead(200, {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": policies[name] ?? policies.policy,
    });
    response.end(body);
  } catch {
    response.writeHead(404).end();
  }
}

const found = [];
let tried = 0;

async function tryPage(page, url, picture, report, size) {
  await page.setViewportSize(size);
  await page.goto(url);
  if (picture) await page.screenshot({ path: picture, fullPage: true });
  const styled = await page.evaluate(() => getComputedStyle(document.body).marginTop === "0px");
  if (!styled) report("its style sheet was not applied");
  await page.evaluate(axe); // as an extension would: the policy forbids the page itself to
  const { violations } = await page.evaluate(() => window.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  for (const violation of violations) {
    const places = violation.nodes.map((node) => node.target).join(" | ");
    report(`${violation.id}: ${violation.help} (${places})`);
  }
  for (const tried of [size, narrow]) {
    await page.setViewportSize(tried);
    const wide = await page.evaluate(
      () => document.documentElement.scrollWidth - window.innerWidth);
    if (wide > 0) report(`${wide} pixels wider than ${tried.width}`);
  }
}

async function tryPages(browser, base, names, screen, scheme) {
  const context = await browser.newContext({
    viewport: screens[screen],
    colorScheme: scheme,
    deviceScaleFactor: screen === "phone" ? 2 : 1,
  });
  // A challenge that was solved three times in a minute says so: here each is met for the first time.
  await context.addInitScript(() => sessionStorage.clear());
  const page = await context.newPage();
  let asked = [];
  let name = "";
  const report = (text) => found.push(`${name} ${screen} ${scheme}: ${text}`);
  page.on("console", (message) => report(`console: ${message.text()}`));
  page.on("pageerror", (error) => report(`error: ${error.message}`));
  page.on("request", (request) => {
    if (!/^(data|blob):/.test(request.url())) asked.push(request.url());
  });
  for (name of names) {
    asked = [];
    const picture = screenshots &&
      join(screenshots, `${name.replace(".html", "")}.${screen}.${scheme}.png`);
    await tryPage(page, `${base}/${name}`, picture, report, screens[screen]);
    if (asked.length !== 1) report(`asks for ${asked.join(", ")}`);
    tried += 1;
  }
  await context.close();
}

// What a keyboard meets: the link past the header first, then everything in the order of the page.
async function tryKeyboard(browser, base) {
  const page = await browser.newPage();
  await page.goto(`${base}/transit.fr.html`);
  const stops = [];
  for (let i = 0; i < 9; i += 1) {
    await page.keyboard.press("Tab");
    stops.push(await page.evaluate(() => {
      const style = getComputedStyle(document.activeElement);
      const drawn = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
      const { className, localName } = document.activeElement;
      return className + localName + (drawn ? "" : " without outline");
    }));
  }
  const expected = "skipa,homea,a,a,a,a,input,button,body without outline";
  if (stops.join() !== expected) found.push(`keyboard: ${stops.join()} instead of ${expected}`);
  await page.close();
}

async function main() {
  if (screenshots) mkdirSync(screenshots, { recursive: true });
  const profile = mkdtempSync(join(tmpdir(), "pages-"));
  const server = createServer(serve);
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const base = `http://127.0.0.1:${server.address().port}`;
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [...quiet, `--crash-dumps-dir=${profile}`],
  });
  try {
    const names = readdirSync(rendered)
      .filter((name) => name.endsWith(".html") && name.includes(only ?? ""));
    const schemes = ["light", "dark"];
    for (const [turn, screen] of Object.keys(screens).entries()) {
      await Promise.all(schemes.map((scheme, i) => tryPages(browser, base,
        names.filter((_, n) => process.env.ECLUSE_LONG || (n + (n >> 2) + turn) % 2 === i), screen, scheme))); // four languages
    }
    await tryKeyboard(browser, base);
  } finally {
    await browser.close();
    server.close();
    rmSync(profile, { recursive: true, force: true });
  }
  for (const line of [...new Set(found)]) console.log(line);
  console.log(`${tried} views of the public pages, ${found.length} faults`);
  process.exitCode = found.length || !tried ? 1 : 0;
}

await main();
